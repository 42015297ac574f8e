/** A configuration as nodes: one below the other for each key, and the version of the one above counts what was done together. */
import type { Stat } from '#proto/chronokeeper/v1/common';
import type { Chronokeeper } from '../chronokeeper.ts';
import { NoNodeError } from '../errors.ts';
import type { Read, ReadOptions, ReadResult } from '../operations.ts';

/** JSON by key. */
export type Values = Readonly<Record<string, unknown>>;

/** What the node above says of the update that it stands for. */
export interface UpdateNote {
	/** Which update it was. */
	readonly update: string;
	readonly reason?: string | undefined;
}

export interface ConfigurationSnapshot {
	/** Undefined when there is no configuration. */
	readonly root: Stat | undefined;
	readonly note: UpdateNote | undefined;
	readonly values: Values;
	/** Version of each key's node. */
	readonly versions: ReadonlyMap<string, number>;
	/** All of it was so at this zxid. */
	readonly zxid: bigint;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** All of it at one moment: the keys are listed first, and read together with a second list, until both are the same. */
export async function readConfiguration(
	ck: Chronokeeper,
	path: string,
	options: ReadOptions = {},
): Promise<ConfigurationSnapshot> {
	for (let names: readonly string[] = []; ; ) {
		const reads: Read[] = [
			{ kind: 'get', path },
			{ kind: 'children', path },
			...names.map((name): Read => ({ kind: 'get', path: `${path}/${name}` })),
		];
		const { results, zxid } = await ck.multiRead(reads, options);
		const [root, list, ...nodes] = results as [ReadResult, ReadResult, ...ReadResult[]];
		if (root.kind === 'error') {
			if (!(root.error instanceof NoNodeError)) throw root.error;
			return { root: undefined, note: undefined, values: {}, versions: new Map(), zxid };
		}
		if (list.kind === 'error') throw list.error;
		if (root.kind !== 'get' || list.kind !== 'children') throw new Error('the server answered other reads');
		if (list.names.length === names.length && list.names.every((name, i) => name === names[i]))
			return snapshotOf(root, names, nodes, zxid);
		names = list.names;
	}
}

function snapshotOf(
	{ stat, data }: ReadResult & { readonly kind: 'get' },
	names: readonly string[],
	nodes: readonly ReadResult[],
	zxid: bigint,
): ConfigurationSnapshot {
	const values: Record<string, unknown> = Object.create(null);
	const versions = new Map<string, number>();
	for (const [i, name] of names.entries()) {
		const node = nodes[i]!;
		if (node.kind === 'error') throw node.error;
		if (node.kind !== 'get') continue;
		values[name] = decodeValue(node.data);
		versions.set(name, node.stat.version);
	}
	return { root: stat, note: decodeNote(data), values, versions, zxid };
}

export function encodeValue(value: unknown): Uint8Array {
	const text: string | undefined = JSON.stringify(value);
	if (text === undefined) throw new TypeError(`${typeof value} is nothing that JSON has`);
	return encoder.encode(text);
}

/** What is no JSON is text: somebody has typed it. */
export function decodeValue(data: Uint8Array | null): unknown {
	if (data === null || data.length === 0) return null;
	const text = decoder.decode(data);
	try {
		return JSON.parse(text);
	} catch {
		return text;
	}
}

export function encodeNote(note: UpdateNote): Uint8Array {
	return encodeValue(note);
}

/** Undefined when somebody else has written it. */
export function decodeNote(data: Uint8Array | null): UpdateNote | undefined {
	const note = decodeValue(data);
	return typeof note === 'object' && note !== null && 'update' in note ? (note as UpdateNote) : undefined;
}
