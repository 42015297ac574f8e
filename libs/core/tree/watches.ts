/**
 * Watches (semantics 46-57): who wants to hear of which path, and telling them. They belong to connections of this replica: no
 * transaction makes them, and closing the connection drops them.
 *
 * One table for all kinds: per path, and per connection on it, a set of kinds. Kinds on one path live side by side; a one-shot
 * kind goes when it fires. Most paths have one watcher, so a table is made from the second on only.
 */
import { permission } from '#jute/op-codes';
import type { Acl } from '#jute/records';
import type { Zxid } from '#jute/scalars';
import type { OpenWatchesOp, SetWatchesOp, WatchEventType, Watcher, WatcherType, WatchMode } from '../model/op.ts';
import { parentPath, rootPath } from '../model/path.ts';
import { Tally } from '../model/tally.ts';
import { isPermitted } from './acl-check.ts';
import type { TreeListener } from './changes.ts';
import type { DataTree } from './data-tree.ts';

/** `exist` is a data watch that may be on a path without a node. */
export type WatchKind = 'data' | 'exist' | 'child' | WatchMode;

const dataBit = 1;
const childBit = 2;
const persistentBit = 4;
const recursiveBit = 8;
const oneShotBits = dataBit | childBit;
const allBits = 15;
/** Which of ZooKeeper's two tables a watch is in: those for both are in both. */
const dataTableBits = dataBit | persistentBit | recursiveBit;
const childTableBits = childBit | persistentBit | recursiveBit;

const kindBits = {
	data: dataBit,
	exist: dataBit,
	child: childBit,
	persistent: persistentBit,
	persistentRecursive: recursiveBit,
} as const satisfies Record<WatchKind, number>;

const typeBits = {
	children: childBit,
	data: dataBit,
	any: allBits,
	persistent: persistentBit,
	persistentRecursive: recursiveBit,
} as const satisfies Record<WatcherType, number>;

/** The kinds that hear of an event of their own path. */
const listeningBits = {
	nodeCreated: dataBit | persistentBit | recursiveBit,
	nodeDeleted: dataBit | childBit | persistentBit | recursiveBit,
	nodeDataChanged: dataBit | persistentBit | recursiveBit,
	nodeChildrenChanged: childBit | persistentBit,
} as const satisfies Record<WatchEventType, number>;

interface Single {
	readonly watcher: Watcher;
	bits: number;
}

/** Zxid in the events that setWatches makes (semantics 47). */
const noZxid = -1;

export interface WatchSummary {
	readonly connections: number;
	readonly paths: number;
	/** Pairs of path and connection. */
	readonly watches: number;
}

/** Says whether the connection may hear of a node with this ACL (semantics 48). */
export type MayHear = (watcher: Watcher, acl: readonly Acl[]) => boolean;

const hasRead: MayHear = (watcher, acl) => isPermitted(acl, permission.read, watcher.identities);

export class WatchManager implements TreeListener {
	readonly #tree: DataTree;
	readonly #mayHear: MayHear;
	readonly #byPath = new Map<string, Single | Map<Watcher, number>>();
	readonly #byWatcher = new Map<Watcher, Set<string>>();
	/** Connections told per event, of those that anybody was told of. */
	readonly fired: Readonly<Record<WatchEventType, Tally>> = {
		nodeCreated: new Tally(),
		nodeDeleted: new Tally(),
		nodeDataChanged: new Tally(),
		nodeChildrenChanged: new Tally(),
	};
	#inDataTable = 0;
	#inChildTable = 0;
	#watches = 0;
	/** Pairs of path and connection with a recursive watch: without any, no ancestor is asked. */
	#recursive = 0;
	/** Told of every deletion, watched or not, with the ACL that the node had: nobody can ask the tree for that afterwards. */
	deleted: ((path: string, acl: readonly Acl[]) => void) | undefined;
	#zxid: number = noZxid;
	#whenApplied: (() => void)[] | null = null;

	/** Connections that are gone: their requests under way may still ask for watches, which nobody would ever remove. */
	readonly #gone = new WeakSet<Watcher>();

	constructor(tree: DataTree, mayHear: MayHear = hasRead) {
		this.#tree = tree;
		this.#mayHear = mayHear;
	}

	/** What tree.apply() takes: the events carry this zxid. What the transaction before did to the tree is done. */
	listener(zxid: Zxid): TreeListener {
		if (this.#whenApplied !== null) this.#txnApplied();
		this.#zxid = zxid;
		return this;
	}

	/**
	 * For a watcher that looks at the tree as the transaction of an event left it, all of a multi done: called once, before the next transaction is applied. Who sends at
	 * the end of a batch looks then, too: behind its last transaction there is none for a while.
	 */
	whenApplied(look: () => void): void {
		this.#whenApplied ??= [];
		this.#whenApplied.push(look);
	}

	// --- registering

	/** The same connection, path and kind count once (semantics 51). */
	add(path: string, watcher: Watcher, kind: WatchKind): void {
		if (!this.#gone.has(watcher)) this.#setBits(path, watcher, this.#bitsOf(path, watcher) | kindBits[kind]);
	}

	/** False when there is nothing of the type to remove (semantics 57: NoWatcher). */
	remove(path: string, watcher: Watcher, type: WatcherType): boolean {
		const bits = this.#bitsOf(path, watcher);
		if ((bits & typeBits[type]) === 0) return false;
		this.#setBits(path, watcher, bits & ~typeBits[type]);
		return true;
	}

	has(path: string, watcher: Watcher, type: WatcherType): boolean {
		return (this.#bitsOf(path, watcher) & typeBits[type]) !== 0;
	}

	/** A connection re-arms what it had elsewhere, and hears at once what changed behind `relativeZxid` (semantics 54). */
	setWatches(op: Omit<SetWatchesOp, 'kind'>, watcher: Watcher): void {
		const { relativeZxid } = op;
		for (const path of op.data) {
			const stat = this.#tree.storedStat(path);
			if (stat === undefined) this.#tell(watcher, 'nodeDeleted', path);
			else if (stat.mzxid > relativeZxid) this.#tell(watcher, 'nodeDataChanged', path);
			else this.add(path, watcher, 'data');
		}
		for (const path of op.exist) {
			if (this.#tree.has(path)) this.#tell(watcher, 'nodeCreated', path);
			else this.add(path, watcher, 'exist');
		}
		for (const path of op.child) {
			const stat = this.#tree.storedStat(path);
			if (stat === undefined) this.#tell(watcher, 'nodeDeleted', path);
			else if (stat.pzxid > relativeZxid) this.#tell(watcher, 'nodeChildrenChanged', path);
			else this.add(path, watcher, 'child');
		}
		for (const path of op.persistent) this.add(path, watcher, 'persistent');
		for (const path of op.persistentRecursive) this.add(path, watcher, 'persistentRecursive');
	}

	/** All at once. What changed behind `afterZxid` is told at once: a deletion also when it is only not ruled out. */
	open({ targets, afterZxid }: Omit<OpenWatchesOp, 'kind'>, watcher: Watcher): void {
		for (const { path, kind } of targets) {
			const changes = afterZxid === undefined || kind === 'persistentRecursive' ? [] : this.#changes(path, afterZxid);
			const heard = changes.filter((type) => (listeningBits[type] & kindBits[kind]) !== 0);
			for (const type of heard) this.#tell(watcher, type, path);
			if (heard.length === 0 || (kindBits[kind] & oneShotBits) === 0) this.add(path, watcher, kind);
		}
	}

	/** The connection is gone for good (semantics 53). */
	removeWatcher(watcher: Watcher): void {
		this.#gone.add(watcher);
		const paths = this.#byWatcher.get(watcher);
		if (paths !== undefined) for (const path of [...paths]) this.#setBits(path, watcher, 0);
	}

	// --- firing (TreeListener)

	nodeCreated(path: string): void {
		this.#fire('nodeCreated', path, undefined);
	}

	nodeDeleted(path: string, acl: readonly Acl[]): void {
		this.deleted?.(path, acl);
		this.#fire('nodeDeleted', path, acl);
	}

	dataChanged(path: string): void {
		this.#fire('nodeDataChanged', path, undefined);
	}

	/** No watch fires (semantics 25). */
	aclChanged(_path: string): void {}

	childrenChanged(path: string): void {
		this.#fire('nodeChildrenChanged', path, undefined);
	}

	// --- looking

	summary(): WatchSummary {
		return { connections: this.#byWatcher.size, paths: this.#byPath.size, watches: this.#watches };
	}

	/** As ZooKeeper counts them, whose tables for data and for children are two: a persistent watch is in both. */
	get tableEntries(): number {
		return this.#inDataTable + this.#inChildTable;
	}

	/**
	 * What ZooKeeper's words show: its table for data. A watch on children is not in there.
	 * Goes through all watches.
	 */
	dataTableSummary(): WatchSummary {
		const connections = new Set<Watcher>();
		let paths = 0;
		for (const [, watchers] of this.dataTableByPath()) {
			paths += 1;
			for (const watcher of watchers) connections.add(watcher);
		}
		return { connections: connections.size, paths, watches: this.#inDataTable };
	}

	*dataTableByPath(): IterableIterator<readonly [path: string, watchers: readonly Watcher[]]> {
		for (const [path, entry] of this.#byPath) {
			const watchers: Watcher[] = [];
			for (const [watcher, bits] of heldOf(entry)) if ((bits & dataTableBits) !== 0) watchers.push(watcher);
			if (watchers.length > 0) yield [path, watchers];
		}
	}

	*dataTableByWatcher(): IterableIterator<readonly [watcher: Watcher, paths: Iterable<string>]> {
		for (const [watcher, all] of this.#byWatcher) {
			const paths: string[] = [];
			for (const path of all) if ((this.#bitsOf(path, watcher) & dataTableBits) !== 0) paths.push(path);
			if (paths.length > 0) yield [watcher, paths];
		}
	}

	*byPath(): IterableIterator<readonly [path: string, watchers: readonly Watcher[]]> {
		for (const [path, entry] of this.#byPath) {
			yield [path, entry instanceof Map ? [...entry.keys()] : [entry.watcher]];
		}
	}

	/** Paths on which the connection has watches. */
	pathsOf(watcher: Watcher): number {
		return this.#byWatcher.get(watcher)?.size ?? 0;
	}

	*byWatcher(): IterableIterator<readonly [watcher: Watcher, paths: readonly string[]]> {
		for (const [watcher, paths] of this.#byWatcher) yield [watcher, [...paths]];
	}

	// --- private

	#fire(type: WatchEventType, path: string, aclItHad: readonly Acl[] | undefined): void {
		if (this.#watches === 0) return;
		const listening = this.#take(path, listeningBits[type]);
		if (this.#recursive > 0 && type !== 'nodeChildrenChanged') this.#addRecursive(path, listening);
		if (listening.size === 0) return;
		this.fired[type].add(listening.size);
		const acl = aclItHad ?? this.#tree.acl(path);
		const event = { type, path, zxid: this.#zxid };
		for (const watcher of listening) if (acl === undefined || this.#mayHear(watcher, acl)) watcher.process(event);
	}

	/** Each connection that listens on the path itself, once; its one-shot watches of these kinds are gone. */
	#take(path: string, bits: number): Set<Watcher> {
		const listening = new Set<Watcher>();
		const entry = this.#byPath.get(path);
		if (entry === undefined) return listening;
		const held: readonly (readonly [Watcher, number])[] =
			entry instanceof Map ? [...entry] : [[entry.watcher, entry.bits]];
		for (const [watcher, has] of held) {
			if ((has & bits) === 0) continue;
			listening.add(watcher);
			this.#setBits(path, watcher, has & ~(bits & oneShotBits));
		}
		return listening;
	}

	#addRecursive(path: string, listening: Set<Watcher>): void {
		for (let above = path; above !== rootPath; ) {
			above = parentPath(above);
			const entry = this.#byPath.get(above);
			if (entry === undefined) continue;
			const held = entry instanceof Map ? entry : [[entry.watcher, entry.bits] as const];
			for (const [watcher, bits] of held) {
				if ((bits & recursiveBit) !== 0) listening.add(watcher);
			}
		}
	}

	/** What can be seen of what happened to the path behind a zxid. */
	#changes(path: string, zxid: Zxid): WatchEventType[] {
		const stat = this.#tree.storedStat(path);
		if (stat === undefined) return this.#mayHaveLost(path, zxid) ? ['nodeDeleted'] : [];
		const changes: WatchEventType[] = [];
		if (stat.czxid > zxid) changes.push('nodeCreated');
		else if (stat.mzxid > zxid) changes.push('nodeDataChanged');
		if (stat.pzxid > zxid) changes.push('nodeChildrenChanged');
		return changes;
	}

	/** A missing node was missing then, too, unless a child of the nearest node above came or went since. */
	#mayHaveLost(path: string, zxid: Zxid): boolean {
		let above = parentPath(path);
		while (above !== rootPath && !this.#tree.has(above)) above = parentPath(above);
		return (this.#tree.storedStat(above)?.pzxid ?? 0) > zxid;
	}

	#txnApplied(): void {
		const looks = this.#whenApplied!;
		this.#whenApplied = null;
		for (const look of looks) look();
	}

	#tell(watcher: Watcher, type: WatchEventType, path: string): void {
		const acl = this.#tree.acl(path);
		if (acl === undefined || this.#mayHear(watcher, acl)) watcher.process({ type, path, zxid: noZxid });
	}

	#bitsOf(path: string, watcher: Watcher): number {
		const entry = this.#byPath.get(path);
		if (entry === undefined) return 0;
		if (entry instanceof Map) return entry.get(watcher) ?? 0;
		return entry.watcher === watcher ? entry.bits : 0;
	}

	#setBits(path: string, watcher: Watcher, bits: number): void {
		const before = this.#bitsOf(path, watcher);
		if (before === bits) return;
		this.#inDataTable += presence(bits & dataTableBits) - presence(before & dataTableBits);
		this.#inChildTable += presence(bits & childTableBits) - presence(before & childTableBits);
		if ((bits & recursiveBit) !== (before & recursiveBit)) this.#recursive += (bits & recursiveBit) === 0 ? -1 : 1;
		if (before === 0) this.#join(path, watcher, bits);
		else if (bits === 0) this.#leave(path, watcher);
		else {
			const entry = this.#byPath.get(path)!;
			if (entry instanceof Map) entry.set(watcher, bits);
			else entry.bits = bits;
		}
	}

	#join(path: string, watcher: Watcher, bits: number): void {
		const entry = this.#byPath.get(path);
		if (entry === undefined) this.#byPath.set(path, { watcher, bits });
		else if (entry instanceof Map) entry.set(watcher, bits);
		else {
			this.#byPath.set(
				path,
				new Map([
					[entry.watcher, entry.bits],
					[watcher, bits],
				]),
			);
		}
		const paths = this.#byWatcher.get(watcher);
		if (paths === undefined) this.#byWatcher.set(watcher, new Set([path]));
		else paths.add(path);
		this.#watches += 1;
	}

	#leave(path: string, watcher: Watcher): void {
		const entry = this.#byPath.get(path)!;
		if (entry instanceof Map) entry.delete(watcher);
		if (!(entry instanceof Map) || entry.size === 0) this.#byPath.delete(path);
		const paths = this.#byWatcher.get(watcher)!;
		paths.delete(path);
		if (paths.size === 0) this.#byWatcher.delete(watcher);
		this.#watches -= 1;
	}
}

function heldOf(entry: Single | Map<Watcher, number>): Iterable<readonly [Watcher, number]> {
	return entry instanceof Map ? entry : [[entry.watcher, entry.bits]];
}

function presence(bits: number): number {
	return bits === 0 ? 0 : 1;
}
