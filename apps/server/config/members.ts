/** The lines `server.N`, `group.N` and `weight.N`, of zoo.cfg, of the environment or of a dynamic configuration file. */
import type { QuorumServer } from '#core/zab/quorum-config';
import { parseQuorumServer } from '#core/zab/quorum-server';
import type { Entry } from './entry.ts';

export interface MemberLines {
	/** In the order of their ids. */
	readonly servers: readonly QuorumServer[];
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
export function readMembers(entries: readonly Entry[], problems: string[]): MemberLines {
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
	const servers: QuorumServer[] = [];
	const groups = new Map<number, readonly number[]>();
	const weights = new Map<number, number>();
	for (const entry of last.values()) {
		const [, kind, digits] = line.exec(entry.key)!;
		const id = Number(digits);
		const { value } = entry;
		if (kind === 'server') {
			try {
				servers.push(parseQuorumServer(id, value));
			} catch (error) {
				if (!(error instanceof RangeError)) throw error;
				problems.push(`${shown(entry)}: it ${error.message}`);
			}
		} else if (kind === 'group') {
			if (/^[0-9]+(:[0-9]+)*$/.test(value)) groups.set(id, value.split(':').map(Number));
			else problems.push(`${shown(entry)}: it must be servers' numbers with colons between them`);
		} else if (/^[0-9]{1,9}$/.test(value)) weights.set(id, Number(value));
		else problems.push(`${shown(entry)}: it must be an integer ≥ 0`);
	}
	servers.sort((a, b) => a.id - b.id);
	return { servers, groups, weights };
}

function isVariable(entry: Entry): boolean {
	return entry.where.startsWith(' (CK_');
}

function shown(entry: Entry): string {
	return `${entry.key} is "${entry.value}"${entry.where}`;
}
