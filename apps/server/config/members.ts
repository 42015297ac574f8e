/** The lines `server.N`, `group.N` and `weight.N`, of zoo.cfg, of the environment or of a dynamic configuration file. */
import type { Entry } from './entry.ts';
import { type EnsembleServer, parseServerLine, serverLineForm } from './server-line.ts';

export interface Members {
	/** In the order of their ids. */
	readonly servers: readonly EnsembleServer[];
	/** The servers of each group; empty without groups. */
	readonly groups: ReadonlyMap<number, readonly number[]>;
	/** What is said of them; 1 for the others. */
	readonly weights: ReadonlyMap<number, number>;
}

const line = /^(server|group|weight)\.([0-9]+)$/;

export function isMemberKey(key: string): boolean {
	return line.test(key);
}

/** Of two lines of one server in different places the last one holds (the environment's); two in one file are a mistake unless they are equal. */
export function readMembers(entries: readonly Entry[], problems: string[]): Members {
	const last = new Map<string, Entry>();
	for (const entry of entries) {
		const key = entry.key.replace(/\.0+(?=[0-9])/, '.');
		const earlier = last.get(key);
		if (earlier !== undefined && earlier.value !== entry.value && !isVariable(entry)) {
			problems.push(
				`${key} is there twice: "${earlier.value}"${earlier.where} and "${entry.value}"${entry.where}: two servers cannot have one number`,
			);
		}
		last.set(key, { ...entry, key });
	}
	const servers: EnsembleServer[] = [];
	const groups = new Map<number, readonly number[]>();
	const weights = new Map<number, number>();
	for (const entry of last.values()) {
		const [, kind, digits] = line.exec(entry.key)!;
		const id = Number(digits);
		const { value } = entry;
		if (kind === 'server') {
			const server = parseServerLine(id, value);
			if (server === undefined) problems.push(mustBe(entry, serverLineForm));
			else servers.push(server);
		} else if (kind === 'group') {
			if (/^[0-9]+(:[0-9]+)*$/.test(value)) groups.set(id, value.split(':').map(Number));
			else problems.push(mustBe(entry, "servers' numbers with colons between them"));
		} else if (/^[0-9]{1,9}$/.test(value)) weights.set(id, Number(value));
		else problems.push(mustBe(entry, 'an integer ≥ 0'));
	}
	servers.sort((a, b) => a.id - b.id);
	return { servers, groups, weights };
}

function isVariable(entry: Entry): boolean {
	return entry.where.startsWith(' (CK_');
}

function mustBe(entry: Entry, form: string): string {
	return `${entry.key} is "${entry.value}"${entry.where}: it must be ${form}`;
}
