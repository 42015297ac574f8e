import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Stat } from '#proto/chronokeeper/v1/common';
import { CachedTree, type CacheEvent, type NodeState } from './cached-tree.ts';
import { isBelow, nameOf, parentOf } from './paths.ts';

const paths = ['/a', '/a/b', '/a/c', '/a/b/d'];

/** A tree as a server has it, small and slow: what each node is after each transaction. */
class Truth {
	zxid = 0n;
	readonly #states: ReadonlyMap<string, NodeState>[] = [new Map()];

	get now(): ReadonlyMap<string, NodeState> {
		return this.#states.at(-1)!;
	}

	/** As it was right after this transaction. */
	at(zxid: bigint): ReadonlyMap<string, NodeState> {
		return this.#states[Number(zxid)]!;
	}

	/** @returns what watches hear; undefined when nothing can be done */
	change(kind: 'set' | 'toggle', path: string): Heard | undefined {
		const nodes = new Map(this.now);
		const zxid = this.zxid + 1n;
		const known = nodes.get(path);
		if (kind === 'set') {
			if (known === undefined) return undefined;
			const { stat } = known;
			nodes.set(path, { data: bytesOf(zxid), stat: { ...stat, mzxid: zxid, version: stat.version + 1 } });
		} else {
			const parent = nodes.get(parentOf(path));
			if (known === undefined && parentOf(path) !== '/' && parent === undefined) return undefined;
			if (known !== undefined && [...nodes.keys()].some((other) => isBelow(other, path))) return undefined;
			if (known === undefined) nodes.set(path, { data: bytesOf(zxid), stat: newStat(zxid) });
			else nodes.delete(path);
			if (parent !== undefined) {
				const { cversion, numChildren } = parent.stat;
				const by = known === undefined ? 1 : -1;
				const stat = { ...parent.stat, pzxid: zxid, cversion: cversion + 1, numChildren: numChildren + by };
				nodes.set(parentOf(path), { ...parent, stat });
			}
		}
		this.zxid = zxid;
		this.#states.push(nodes);
		return { path, zxid, state: nodes.get(path) };
	}
}

interface Heard {
	readonly path: string;
	readonly zxid: bigint;
	/** Undefined: it was deleted. */
	readonly state: NodeState | undefined;
}

function newStat(zxid: bigint): Stat {
	const zeros = { version: 0, cversion: 0, aversion: 0, dataLength: 1, numChildren: 0, ephemeralOwner: 0n };
	return { czxid: zxid, mzxid: zxid, pzxid: zxid, ctimeMs: 0n, mtimeMs: 0n, ...zeros };
}

function bytesOf(zxid: bigint): Uint8Array {
	return new Uint8Array([Number(zxid)]);
}

function hear(tree: CachedTree, { path, zxid, state }: Heard): void {
	if (state === undefined) tree.heardDeleted(path, zxid);
	else tree.heard(path, state, zxid);
}

function contents(tree: CachedTree): Map<string, NodeState> {
	return new Map([...tree.nodes()].map(([path, { data, stat }]) => [path, { data, stat }]));
}

/** What somebody who only hears events has. */
function replay(tree: Map<string, NodeState>, events: readonly CacheEvent[]): void {
	for (const { path, node, old } of events) {
		expect(old?.stat.version).toBe(tree.get(path)?.stat.version);
		if (node === undefined) tree.delete(path);
		else tree.set(path, node);
	}
}

const steps = fc.array(
	fc.record({ kind: fc.constantFrom('set' as const, 'toggle' as const), path: fc.constantFrom(...paths) }),
	{ maxLength: 40 },
);

describe('a cached tree', () => {
	it('is what the server has, whenever its nodes were read and however late the answers came', () => {
		fc.assert(
			fc.property(
				steps,
				steps,
				steps,
				fc.array(fc.record({ read: fc.nat(40), late: fc.nat(10) }), { minLength: 4, maxLength: 4 }),
				(before, meanwhile, without, reads) => {
					const truth = new Truth();
					for (const { kind, path } of before) truth.change(kind, path);
					const told: CacheEvent[] = [];
					const tree = new CachedTree((event) => told.push(event));
					const fill = (changes: readonly Heard[], readsAll: boolean): void => {
						tree.beginReading();
						tree.beginFilling();
						const from = truth.zxid - BigInt(changes.length);
						const due = paths.map((path, i) => {
							const zxid = from + BigInt(Math.min(reads[i]!.read, changes.length));
							return { path, zxid, after: Number(zxid - from) + reads[i]!.late };
						});
						for (let i = 0; i <= Math.max(changes.length, ...due.map(({ after }) => after)); i++) {
							if (i > 0 && i <= changes.length) hear(tree, changes[i - 1]!);
							for (const { path, zxid, after } of due) {
								const state = truth.at(zxid).get(path);
								// What no list has is not read.
								if (after === i && (state !== undefined || readsAll)) tree.read(path, state, zxid);
							}
						}
						tree.endFilling(truth.zxid);
						tree.endReading();
					};
					fill(
						meanwhile.flatMap(({ kind, path }) => truth.change(kind, path) ?? []),
						true,
					);
					expect(contents(tree)).toEqual(truth.now);
					// A time without events, then all is read again.
					for (const { kind, path } of without) truth.change(kind, path);
					const seen = contents(tree);
					told.length = 0;
					fill(
						before.flatMap(({ kind, path }) => truth.change(kind, path) ?? []),
						false,
					);
					expect(contents(tree)).toEqual(truth.now);
					replay(seen, told);
					expect([...seen.keys()].sort()).toEqual([...truth.now.keys()].sort());
					for (const path of paths)
						expect([...tree.names(path)].sort()).toEqual(
							[...truth.now.keys()]
								.filter((other) => parentOf(other) === path)
								.map(nameOf)
								.sort(),
						);
				},
			),
			{ numRuns: 500 },
		);
	});

	it('tells a change once, though it is heard and read, and nothing that is older than what it knows', () => {
		const truth = new Truth();
		const changes = [truth.change('toggle', '/a')!, truth.change('set', '/a')!, truth.change('toggle', '/a')!];
		const told: string[] = [];
		const tree = new CachedTree(({ type, zxid }) => told.push(`${type} ${zxid}`));
		tree.beginReading();
		hear(tree, changes[0]!);
		tree.read('/a', truth.at(1n).get('/a'), 1n);
		hear(tree, changes[1]!);
		hear(tree, changes[1]!);
		hear(tree, changes[2]!);
		tree.read('/a', truth.at(2n).get('/a'), 2n);
		tree.endReading();
		expect(told).toEqual(['created 1', 'changed 2', 'deleted 3']);
		expect(tree.size).toBe(0);
	});

	it('does not keep the message that data came in', () => {
		const message = new Uint8Array(1000);
		const tree = new CachedTree(() => {});
		tree.heard('/a', { data: message.subarray(10, 14), stat: newStat(1n) }, 1n);
		expect(tree.get('/a')!.data!.buffer.byteLength).toBe(4);
	});
});
