/**
 * Quotas as ZooKeeper 3.8 keeps them: `/zookeeper/quota/<path>/zookeeper_limits` holds the limits of the subtree at <path>,
 * `zookeeper_stats` beside it what the subtree uses. Each server updates the stats by itself, outside transactions and the tree
 * digest (semantics 83). Of nested quotas the innermost counts; a quota on the root has no effect.
 */
import { quotaPath } from '../model/path.ts';
import { encodeUtf8, utf8Scratch } from './utf8.ts';

export const limitsName = 'zookeeper_limits';
export const statsName = 'zookeeper_stats';

/** -1: not set. */
export interface QuotaNumbers {
	readonly count: number;
	readonly bytes: number;
	readonly countHardLimit: number;
	readonly byteHardLimit: number;
}

export function limitsPath(path: string): string {
	return `${quotaPath}${path}/${limitsName}`;
}

export function statsPath(path: string): string {
	return `${quotaPath}${path}/${statsName}`;
}

/** Reads `count=5,bytes=-1=;byteHardLimit=-1;countHardLimit=8`, the form with a second `=`, and the older one without limits. */
export function parseQuota(data: Uint8Array | null): QuotaNumbers {
	const values = new Map<string, number>();
	for (const pair of asciiText(data).split(/[,;]+/)) {
		const [key, text] = pair.split('=');
		if (key === undefined || text === undefined) continue;
		const value = text === '' ? -1 : Number(text);
		if (Number.isSafeInteger(value)) values.set(key, value);
	}
	const numberOf = (key: string): number => values.get(key) ?? -1;
	return {
		count: numberOf('count'),
		bytes: numberOf('bytes'),
		countHardLimit: numberOf('countHardLimit'),
		byteHardLimit: numberOf('byteHardLimit'),
	};
}

/** The content of a stats node. */
export function formatUsage(count: number, bytes: number): Uint8Array {
	const length = encodeUtf8(`count=${count},bytes=${bytes}`);
	return utf8Scratch().slice(0, length);
}

/** A limit that a change would exceed. Only a hard one refuses the change; a soft one is worth a line in the log. */
export interface QuotaExcess {
	/** The path the quota is on. */
	readonly path: string;
	readonly what: 'count' | 'bytes';
	readonly hard: boolean;
	readonly limit: number;
	/** What it would be after the change. */
	readonly value: number;
}

/** What the check reads of a tree. */
export interface QuotaSource {
	/** The innermost path with a quota that the path is in or at. */
	quotaPrefix(path: string): string | null;
	data(path: string): Uint8Array | null | undefined;
}

/**
 * Checks a change of the node at `path` by so many nodes and bytes (semantics 15, 29). Null when no limit is exceeded; a hard limit is
 * reported before a soft one.
 */
export function quotaExcess(tree: QuotaSource, path: string, bytesDiff: number, countDiff: number): QuotaExcess | null {
	const prefix = tree.quotaPrefix(path);
	if (prefix === null) return null;
	const limitData = tree.data(limitsPath(prefix));
	const usageData = tree.data(statsPath(prefix));
	if (limitData === undefined || usageData === undefined) return null;
	const limits = parseQuota(limitData);
	const usage = parseQuota(usageData);
	const excesses: QuotaExcess[] = [];
	const check = (what: 'count' | 'bytes', diff: number, soft: number, hardLimit: number): void => {
		const hard = hardLimit > -1;
		const limit = hard ? hardLimit : soft;
		const value = usage[what] + diff;
		if (diff !== 0 && limit > -1 && value > limit) excesses.push({ path: prefix, what, hard, limit, value });
	};
	check('count', countDiff, limits.count, limits.countHardLimit);
	check('bytes', bytesDiff, limits.bytes, limits.byteHardLimit);
	return excesses.find((excess) => excess.hard) ?? excesses[0] ?? null;
}

/** The paths that have a quota. Mostly there are none. */
export class QuotaPaths {
	readonly #paths = new Set<string>();

	add(path: string): void {
		if (path !== '' && path !== '/') this.#paths.add(path);
	}

	delete(path: string): void {
		this.#paths.delete(path);
	}

	/** The innermost one that the path is in or at. */
	prefixOf(path: string): string | null {
		if (this.#paths.size === 0) return null;
		for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) {
			const prefix = path.slice(0, end);
			if (this.#paths.has(prefix)) return prefix;
		}
		return null;
	}
}

function asciiText(data: Uint8Array | null): string {
	let text = '';
	if (data !== null) for (const byte of data) text += String.fromCharCode(byte);
	return text;
}
