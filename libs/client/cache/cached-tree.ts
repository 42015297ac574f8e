/**
 * Nodes as they were last heard of: by reads and by watch events, in whatever order these arrive. Each says as of which zxid it speaks, and what is older than what is known is nothing
 * new. So every change comes out once, and none takes a node back in time.
 */
import type { Stat } from '#proto/chronokeeper/v1/common';
import { nameOf, parentOf } from './paths.ts';

/** A node of a cache. It does not change: a newer state is another object. */
export interface CachedNode {
	readonly path: string;
	/** Null is not the same as empty. */
	readonly data: Uint8Array | null;
	/** Where children are cached too, the parent's `cversion`, `pzxid` and `numChildren` follow them. */
	readonly stat: Stat;
}

/** What happened to a node, as the cache found out. */
export type CacheEvent = CacheCreated | CacheChanged | CacheDeleted;

export interface CacheCreated {
	readonly type: 'created';
	readonly path: string;
	/** The transaction's; when it was in a time of which the cache had no events, that of the state in which it was found. */
	readonly zxid: bigint;
	readonly node: CachedNode;
	readonly old: undefined;
}

/** The data were set. Several times since `old`, when that was in a time of which the cache had no events. */
export interface CacheChanged {
	readonly type: 'changed';
	readonly path: string;
	readonly zxid: bigint;
	readonly node: CachedNode;
	readonly old: CachedNode;
}

export interface CacheDeleted {
	readonly type: 'deleted';
	readonly path: string;
	readonly zxid: bigint;
	readonly node: undefined;
	readonly old: CachedNode;
}

/** What a read or an event said of a node. */
export interface NodeState {
	readonly data: Uint8Array | null | undefined;
	readonly stat: Stat;
}

interface Entry {
	node: CachedNode;
	/** The state of the newest that was said of itself. */
	asOf: bigint;
	/** That of an event is of the middle of a transaction: what children do in the rest of the same one is not in its Stat. */
	isOfEvent: boolean;
	/** The filling in which it was seen last. */
	filling: number;
}

/** A child came or went. */
interface Move {
	readonly by: 1 | -1;
	readonly zxid: bigint;
}

export class CachedTree {
	readonly #tell: (event: CacheEvent) => void;
	readonly #entries = new Map<string, Entry>();
	readonly #names = new Map<string, Set<string>>();
	/** Of nodes that went while reads are under way: what these say may be older than that. */
	readonly #gone = new Map<string, bigint>();
	/** What events said of the children of a node while reads are under way: that of the parent may be older than that, too. */
	readonly #moves = new Map<string, Move[]>();
	#filling = 0;
	#reading = 0;

	/** @param tell each change, once */
	constructor(tell: (event: CacheEvent) => void) {
		this.#tell = tell;
	}

	get size(): number {
		return this.#entries.size;
	}

	get(path: string): CachedNode | undefined {
		return this.#entries.get(path)?.node;
	}

	/** In no particular order. */
	names(path: string): Iterable<string> {
		return this.#names.get(path) ?? [];
	}

	*nodes(): Generator<[string, CachedNode]> {
		for (const [path, { node }] of this.#entries) yield [path, node];
	}

	/** Some nodes are going to be read. */
	beginReading(): void {
		this.#reading += 1;
	}

	endReading(): void {
		this.#reading -= 1;
		if (this.#reading > 0) return;
		this.#gone.clear();
		this.#moves.clear();
	}

	/** Between beginReading() and endReading(): everything is going to be read. What is there stays until it is known to be gone. */
	beginFilling(): void {
		this.#filling += 1;
	}

	/** All was read that there is. @param zxid of the newest read: what nobody has seen was gone by then */
	endFilling(zxid: bigint): void {
		for (const [path, entry] of this.#entries) if (entry.filling !== this.#filling) this.#remove(path, entry, zxid);
	}

	/** @param zxid of the state that was read */
	read(path: string, state: NodeState | undefined, zxid: bigint): void {
		this.#learn(path, state, zxid, false);
		const entry = this.#entries.get(path);
		if (entry?.asOf !== zxid || entry.isOfEvent) return;
		for (const move of this.#moves.get(path) ?? []) this.#move(entry, move);
	}

	/** A node was created, or its data were set. @param zxid the transaction's */
	heard(path: string, state: NodeState, zxid: bigint): void {
		const { czxid } = state.stat;
		const isCreation = czxid === zxid && this.#entries.get(path)?.node.stat.czxid !== czxid;
		if (this.#learn(path, state, zxid, true) && isCreation) this.#childMoved(parentOf(path), { by: 1, zxid });
	}

	/** @param zxid the transaction's */
	heardDeleted(path: string, zxid: bigint): void {
		// Of one that was never heard of, too: its parent may be read as it was before.
		const isNews = this.#entries.has(path) || (this.#reading > 0 && this.#gone.get(path) !== zxid);
		if (this.#learn(path, undefined, zxid, true) && isNews) this.#childMoved(parentOf(path), { by: -1, zxid });
	}

	/** @returns false when what was said is older than what is known */
	#learn(path: string, state: NodeState | undefined, zxid: bigint, isEvent: boolean): boolean {
		const entry = this.#entries.get(path);
		if (zxid < (entry?.asOf ?? this.#gone.get(path) ?? -1n)) {
			if (entry !== undefined) entry.filling = this.#filling;
			return false;
		}
		if (state === undefined) {
			if (this.#reading > 0) this.#gone.set(path, zxid);
			if (entry !== undefined) this.#remove(path, entry, zxid);
		} else if (entry?.node.stat.czxid === state.stat.czxid) {
			this.#renew(entry, state, zxid, isEvent);
		} else {
			if (entry !== undefined) this.#remove(path, entry, zxid);
			this.#add(path, state, zxid, isEvent);
		}
		return true;
	}

	#add(path: string, state: NodeState, zxid: bigint, isEvent: boolean): void {
		const node = nodeOf(path, state);
		this.#entries.set(path, { node, asOf: zxid, isOfEvent: isEvent, filling: this.#filling });
		const parent = parentOf(path);
		const names = this.#names.get(parent);
		if (names === undefined) this.#names.set(parent, new Set([nameOf(path)]));
		else names.add(nameOf(path));
		this.#tell({ type: 'created', path, zxid, node, old: undefined });
	}

	#renew(entry: Entry, state: NodeState, zxid: bigint, isEvent: boolean): void {
		const old = entry.node;
		const wasSet = old.stat.mzxid !== state.stat.mzxid || old.stat.version !== state.stat.version;
		entry.node = wasSet ? nodeOf(old.path, state) : { ...old, stat: state.stat };
		entry.asOf = zxid;
		entry.isOfEvent = isEvent;
		entry.filling = this.#filling;
		if (wasSet) this.#tell({ type: 'changed', path: old.path, zxid, node: entry.node, old });
	}

	#remove(path: string, entry: Entry, zxid: bigint): void {
		this.#entries.delete(path);
		const parent = parentOf(path);
		const names = this.#names.get(parent);
		names?.delete(nameOf(path));
		if (names?.size === 0) this.#names.delete(parent);
		this.#tell({ type: 'deleted', path, zxid, node: undefined, old: entry.node });
	}

	/** Recursive watches say nothing of it, and need not: a child that came or went did exactly this to its parent. */
	#childMoved(path: string, move: Move): void {
		if (this.#reading > 0) {
			const moves = this.#moves.get(path);
			if (moves === undefined) this.#moves.set(path, [move]);
			else moves.push(move);
		}
		const entry = this.#entries.get(path);
		if (entry !== undefined) this.#move(entry, move);
	}

	#move(entry: Entry, { by, zxid }: Move): void {
		if (zxid < entry.asOf || (zxid === entry.asOf && !entry.isOfEvent)) return;
		const { stat } = entry.node;
		const { cversion, numChildren } = stat;
		const moved = { ...stat, pzxid: zxid, cversion: cversion + 1, numChildren: numChildren + by };
		entry.node = { ...entry.node, stat: moved };
	}
}

/** The data are a part of the message that they came in, which is not to be kept for them. */
function nodeOf(path: string, { data, stat }: NodeState): CachedNode {
	return { path, data: data ? new Uint8Array(data) : null, stat };
}
