/**
 * The difference between the tree as it is and as it is wanted, as changes that each know the state of the node they were planned on: what somebody
 * else did meanwhile shows then, and is not overwritten.
 *
 * Nodes are compared as they come, parents before their children; of those that are as they are wanted only the path is remembered, until at the end all
 * that nobody wants is found. The tree may change during all this.
 */
import { parentPath, rootPath } from '#core/model/path';
import type { DataTree, NodeRecord } from '#core/tree/data-tree';
import { ownerKind } from '#core/tree/owners';
import type { Acl } from '#jute/records';
import type { Zxid } from '#jute/scalars';
import { isAtOrBelow, isSystemPath, subtree } from './subtree.ts';
import { hasWantedData, isEphemeral, isSameAcl, type WantedNode } from './wanted.ts';

/** A node as the plan saw it. */
export interface Seen {
	readonly czxid: Zxid;
	readonly mzxid: Zxid;
	readonly version: number;
	readonly aversion: number;
	readonly dataLength: number;
	readonly acl: readonly Acl[];
	readonly owner: bigint;
}

export interface Creation {
	readonly kind: 'create';
	readonly path: string;
	readonly node: WantedNode;
	/** The parent, when it was there and is itself part of what is restored. */
	readonly parent: Seen | null;
}
export interface DataChange {
	readonly kind: 'setData';
	readonly path: string;
	readonly node: WantedNode;
	readonly seen: Seen;
}
/** No part of a multi, which ZooKeeper does not allow (semantics 40): it is a transaction of its own. */
export interface AclChange {
	readonly kind: 'setACL';
	readonly path: string;
	readonly node: WantedNode;
	readonly seen: Seen;
}
export interface Deletion {
	readonly kind: 'delete';
	readonly path: string;
	readonly seen: Seen;
}
export type NodeChange = Creation | DataChange | Deletion;
export type PlannedChange = NodeChange | AclChange;

/** Why a node does not become what it was. */
export type LeftReason =
	| 'ephemeral'
	| 'below-ephemeral'
	| 'above-ephemeral'
	| 'kind'
	| 'redacted'
	| 'below-redacted'
	| 'no-parent';

export interface LeftNode {
	readonly path: string;
	readonly reason: LeftReason;
}

/** What somebody else did. */
export interface Conflict {
	readonly path: string;
	/** In words: `was created`, `was changed`. */
	readonly what: string;
}

export interface Plan {
	readonly acls: readonly AclChange[];
	/** In the order in which they have to be made. */
	readonly changes: readonly NodeChange[];
	readonly left: readonly LeftNode[];
	/** Ephemeral nodes of then: they belong to sessions, and are not made again. */
	readonly ephemerals: number;
	/** Found while planning: what somebody else did since the restore was begun. */
	readonly conflicts: readonly Conflict[];
}

export function seenNode({ stat, acl, dataLength }: NodeRecord): Seen {
	const { czxid, mzxid, version, aversion, ephemeralOwner } = stat;
	return { czxid, mzxid, version, aversion, dataLength, acl, owner: ephemeralOwner };
}

export class SubtreePlan {
	readonly #tree: DataTree;
	readonly #prefix: string;
	readonly #wanted = new Set<string>();
	/** Nodes that are made, or made anew. */
	readonly #made = new Set<string>();
	/** Nodes that cannot have what was below them: why. */
	readonly #barren = new Map<string, LeftReason>();
	readonly #acls: AclChange[] = [];
	readonly #changes: NodeChange[] = [];
	readonly #left: LeftNode[] = [];
	#ephemerals = 0;

	constructor(tree: DataTree, prefix: string) {
		this.#tree = tree;
		this.#prefix = prefix;
	}

	/** Parents before their children. */
	add(node: WantedNode): void {
		const { path } = node;
		if (isSystemPath(path)) return;
		if (isEphemeral(node)) {
			this.#ephemerals += 1;
			return;
		}
		this.#wanted.add(path);
		const parent = parentPath(path);
		const barren = path === rootPath ? undefined : this.#barren.get(parent);
		if (barren !== undefined) {
			this.#leave(path, barren, barren);
			return;
		}
		const current = this.#made.has(parent) && path !== rootPath ? undefined : this.#tree.node(path);
		if (current === undefined) this.#create(node);
		else if (isEphemeral({ owner: current.stat.ephemeralOwner })) this.#leave(path, 'ephemeral', 'below-ephemeral');
		else this.#compare(node, current);
	}

	/** What is there and is not wanted goes, the lowest first. */
	finish(): Plan {
		const unwanted: Deletion[] = [];
		const needed = new Set<string>();
		for (const path of subtree(this.#tree, this.#prefix)) {
			const node = this.#tree.node(path);
			if (node === undefined) continue;
			if (isEphemeral({ owner: node.stat.ephemeralOwner })) {
				for (let at = parentPath(path); !needed.has(at) && at !== rootPath; at = parentPath(at)) needed.add(at);
			} else if (!this.#wanted.has(path) && path !== rootPath && !this.#isRemade(path)) {
				unwanted.push({ kind: 'delete', path, seen: seenNode(node) });
			}
		}
		const changes = this.#changes;
		for (const deletion of unwanted.reverse()) {
			if (needed.has(deletion.path)) this.#left.push({ path: deletion.path, reason: 'above-ephemeral' });
			else changes.push(deletion);
		}
		return { acls: this.#acls, changes, left: this.#left, ephemerals: this.#ephemerals, conflicts: [] };
	}

	#create(node: WantedNode): void {
		const { path } = node;
		if (node.dataHash !== null) {
			this.#leave(path, 'redacted', 'below-redacted');
			return;
		}
		this.#made.add(path);
		const parent = parentPath(path);
		const isKnown = !this.#made.has(parent) && isAtOrBelow(parent, this.#prefix) && !isSystemPath(parent);
		const there = isKnown ? this.#tree.node(parent) : undefined;
		this.#changes.push({ kind: 'create', path, node, parent: there === undefined ? null : seenNode(there) });
	}

	#compare(node: WantedNode, current: NodeRecord): void {
		const { path } = node;
		const seen = seenNode(current);
		if (node.owner !== seen.owner && path !== rootPath && !this.#remake(node))
			this.#left.push({ path, reason: 'kind' });
		if (this.#made.has(path)) return;
		if (!isSameAcl(node.acl, seen.acl)) this.#acls.push({ kind: 'setACL', path, node, seen });
		if (hasWantedData(node, this.#tree.data(path) ?? null)) return;
		// Who changed it since is known, what it was is not.
		if (node.dataHash !== null) this.#left.push({ path, reason: 'redacted' });
		else this.#changes.push({ kind: 'setData', path, node, seen });
	}

	/** A container does not become a plain node: it is deleted, with all below it, and created again. @returns false when ephemeral nodes are in the way */
	#remake(node: WantedNode): boolean {
		if (node.dataHash !== null) return false;
		const gone: Deletion[] = [];
		for (const path of subtree(this.#tree, node.path)) {
			const each = this.#tree.node(path);
			if (each === undefined) continue;
			if (ownerKind(each.stat.ephemeralOwner) === 'ephemeral') return false;
			gone.push({ kind: 'delete', path, seen: seenNode(each) });
		}
		this.#changes.push(...gone.reverse());
		this.#create(node);
		return true;
	}

	/** It went with a node that was deleted to be created again. */
	#isRemade(path: string): boolean {
		for (let at = path; at !== rootPath; at = parentPath(at)) if (this.#made.has(at)) return true;
		return false;
	}

	#leave(path: string, reason: LeftReason, below: LeftReason): void {
		this.#left.push({ path, reason });
		this.#barren.set(path, below);
	}
}

/** Nothing is to be done. */
export function isNothing({ acls, changes }: Plan): boolean {
	return acls.length === 0 && changes.length === 0;
}
