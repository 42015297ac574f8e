/**
 * The tree as it will be when everything that was proposed has been applied (semantics 11-13).
 *
 * Prep validates against this projection, so pipelined requests see each other before they are durable. A change stays until the
 * zxid that made it is applied; a path is forgotten only if that was its newest change. A multi that fails takes back its own
 * changes, newest first, which brings back what was projected before it for every path it touched, parents included.
 */
import type { SessionId } from '#jute/scalars';
import { type Zxid, zeroZxid } from '../model/zxid.ts';
import type { DataTree, NodeRecord } from '../tree/data-tree.ts';
import { TreeDigest } from '../tree/digest.ts';
import { NewestChanges } from './newest-changes.ts';

interface Change {
	readonly zxid: Zxid;
	readonly path: string;
	/** The node after the change; null: deleted. */
	readonly node: NodeRecord | null;
	/** The node's digest before the change. */
	readonly digestBefore: number;
	/** Whose ephemeral the change creates or deletes; 0n: nobody's. */
	readonly owner: bigint;
}

const compactFrom = 4096;

export class OutstandingChanges {
	readonly #tree: DataTree;
	readonly #digest: TreeDigest;
	readonly #newest = new NewestChanges<Change>();
	/** How many outstanding changes create or delete each ephemeral of a session. */
	readonly #ephemerals = new Map<bigint, Map<string, number>>();
	#changes: (Change | undefined)[] = [];
	#head = 0;
	/** Of the newest change. */
	#lastZxid: Zxid = zeroZxid;
	/** What was newest before each change of the request that is being prepared, in their order. */
	readonly #undo: (Change | undefined)[] = [];

	constructor(tree: DataTree) {
		this.#tree = tree;
		this.#digest = TreeDigest.of(tree.digest());
	}

	get size(): number {
		return this.#changes.length - this.#head;
	}

	/** The projected tree's digest. */
	digest(): bigint {
		return this.#digest.value();
	}

	/** The projected node; undefined when there is none. */
	node(path: string): NodeRecord | undefined {
		const change = this.#newest.get(path);
		if (change === undefined) return this.#tree.node(path);
		return change.node ?? undefined;
	}

	create(zxid: Zxid, node: NodeRecord): void {
		this.#add({ zxid, path: node.path, node, digestBefore: 0, owner: node.stat.ephemeralOwner });
	}

	update(zxid: Zxid, before: NodeRecord, node: NodeRecord): void {
		this.#add({ zxid, path: node.path, node, digestBefore: before.digest, owner: 0n });
	}

	remove(zxid: Zxid, before: NodeRecord): void {
		this.#add({
			zxid,
			path: before.path,
			node: null,
			digestBefore: before.digest,
			owner: before.stat.ephemeralOwner,
		});
	}

	/** What this session will own (semantics 14): the tree's ephemerals, plus outstanding creates, minus outstanding deletes. */
	ephemeralsOf(sessionId: SessionId): string[] {
		const paths = new Set(this.#tree.ephemeralsOf(sessionId));
		for (const path of this.#ephemerals.get(sessionId)?.keys() ?? []) {
			if (this.node(path)?.stat.ephemeralOwner === sessionId) paths.add(path);
			else paths.delete(path);
		}
		return [...paths].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
	}

	/** A new request is prepared: what came before it can no longer be rolled back. */
	begin(): void {
		this.#undo.length = 0;
	}

	/** Takes back everything since begin(). */
	rollBack(): void {
		for (let previous = this.#undo.length; previous > 0; previous--) {
			const change = this.#changes.pop()!;
			this.#restore(change, this.#undo.pop());
		}
	}

	/** The tree itself has everything up to this zxid now. */
	applied(zxid: Zxid): void {
		while (this.#head < this.#changes.length) {
			const change = this.#changes[this.#head]!;
			if (change.zxid > zxid) break;
			// What is applied must not live on here: it would be copied from generation to generation.
			this.#changes[this.#head] = undefined;
			this.#head += 1;
			if (change.owner !== 0n) this.#count(change.owner, change.path, -1);
		}
		this.#newest.applied(zxid, this.#lastZxid);
		this.#compact();
	}

	#add(change: Change): void {
		this.#undo.push(this.#newest.get(change.path));
		this.#changes.push(change);
		this.#newest.set(change);
		this.#lastZxid = change.zxid;
		this.#digest.remove(change.digestBefore);
		if (change.node !== null) this.#digest.add(change.node.digest);
		if (change.owner !== 0n) this.#count(change.owner, change.path, 1);
	}

	#restore(change: Change, previous: Change | undefined): void {
		this.#newest.restore(change, previous);
		if (change.node !== null) this.#digest.remove(change.node.digest);
		this.#digest.add(change.digestBefore);
		if (change.owner !== 0n) this.#count(change.owner, change.path, -1);
	}

	#count(owner: bigint, path: string, by: number): void {
		let counts = this.#ephemerals.get(owner);
		if (counts === undefined) this.#ephemerals.set(owner, (counts = new Map()));
		const count = (counts.get(path) ?? 0) + by;
		if (count > 0) counts.set(path, count);
		else counts.delete(path);
		if (counts.size === 0) this.#ephemerals.delete(owner);
	}

	#compact(): void {
		if (this.#head === this.#changes.length) {
			this.#changes.length = 0;
			this.#head = 0;
		} else if (this.#head >= compactFrom && this.#head * 2 >= this.#changes.length) {
			this.#changes = this.#changes.slice(this.#head);
			this.#head = 0;
		}
	}
}
