/** ZooKeeper's dynamic configuration: lines `server.N=…`, `group.N=1:2:3`, `weight.N=1` and `version=100000001`, the last one hexadecimal. */
import { hierarchicalConfig } from './hierarchy.ts';
import { majorityConfig } from './majority.ts';
import { type QuorumConfig, QuorumConfigError, type QuorumServer } from './quorum-config.ts';
import { parseQuorumServer } from './quorum-server.ts';

/** @throws QuorumConfigError that names every line it cannot use */
export function parseQuorumConfig(text: string): QuorumConfig {
	const lines = new Lines();
	for (const [i, line] of text.split(/\r\n|\r|\n/).entries()) lines.read(line.trim(), i + 1);
	if (lines.problems.length > 0) throw new QuorumConfigError(lines.problems);
	const { servers, groups, weights, version } = lines;
	return groups.size === 0 && weights.size === 0
		? majorityConfig(servers.values(), version)
		: hierarchicalConfig(servers.values(), { groups, weights }, version);
}

/** What the lines say, one by one. */
class Lines {
	readonly servers = new Map<number, QuorumServer>();
	readonly groups = new Map<number, readonly number[]>();
	readonly weights = new Map<number, number>();
	version = 0;
	readonly problems: string[] = [];
	readonly #keys = new Set<string>();

	read(line: string, number: number): void {
		if (line === '' || line.startsWith('#')) return;
		try {
			this.#take(line);
		} catch (error) {
			if (!(error instanceof RangeError)) throw error;
			this.problems.push(`Line ${number}, \`${line}\`, ${error.message}.`);
		}
	}

	#take(line: string): void {
		const at = line.indexOf('=');
		if (at < 0) throw new RangeError('has no `=`: write `server.N=…`, `group.N=…`, `weight.N=…` or `version=…`');
		const key = line.slice(0, at).trim();
		const value = line.slice(at + 1).trim();
		if (this.#keys.has(key)) throw new RangeError(`comes a second time: leave one \`${key}\` line`);
		this.#keys.add(key);
		if (key === 'version') {
			this.version = parseVersion(value);
			return;
		}
		const [, name, idText] = /^(server|group|weight)\.(.*)$/.exec(key) ?? [];
		if (name === undefined) {
			throw new RangeError('is of no use here: write only `server.N=…`, `group.N=…`, `weight.N=…` and `version=…`');
		}
		const id = parseNumber(idText, `write \`${name}.N=…\` with a number for N`);
		if (name === 'server') this.servers.set(id, parseQuorumServer(id, value));
		else if (name === 'weight') this.weights.set(id, parseNumber(value, `write a weight of 0 or more, \`${key}=1\``));
		else this.groups.set(id, parseMembers(key, value));
	}
}

function parseMembers(key: string, value: string): readonly number[] {
	return value.split(':').map((part) => parseNumber(part.trim(), `write server ids between colons, \`${key}=1:2:3\``));
}

function parseNumber(text: string | undefined, hint: string): number {
	const number = Number(text);
	if (text === undefined || !/^[0-9]+$/.test(text) || !Number.isSafeInteger(number)) {
		throw new RangeError(`has \`${text}\` where a number should be: ${hint}`);
	}
	return number;
}

function parseVersion(text: string): number {
	const version = Number.parseInt(text, 16);
	if (!/^[0-9a-fA-F]+$/.test(text) || !Number.isSafeInteger(version)) {
		throw new RangeError('is not a zxid that can be held: write hexadecimal without 0x, `version=100000001`');
	}
	return version;
}
