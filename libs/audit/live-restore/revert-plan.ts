/** One transaction undone: each node it touched becomes what it was before, where nobody has touched it since. */
import { parentPath, rootPath } from '#core/model/path';
import { formatZxid, type Zxid } from '#core/model/zxid';
import type { DataTree } from '#core/tree/data-tree';
import type { HistoryNode } from '../history-view.ts';
import {
	type AclChange,
	type Conflict,
	type Deletion,
	type LeftNode,
	type NodeChange,
	type Plan,
	seenNode,
} from './plan.ts';
import type { StoredTrees } from './planners.ts';
import { isSystemPath, subtree } from './subtree.ts';
import { hasWantedData, isEphemeral, isSameAcl, wantedNode } from './wanted.ts';

/** There is nothing to undo, or nobody can. */
export class NothingToRevert extends Error {
	override readonly name = 'NothingToRevert';
}

/** @throws NothingToRevert, and what the history throws */
export async function revertPlan(trees: StoredTrees, zxid: Zxid, tree: DataTree, isForced: boolean): Promise<Plan> {
	const paths = await pathsOf(trees, zxid);
	const revert = new Revert(tree, new Set(paths), isForced);
	const before = (zxid - 1) as Zxid;
	for (const path of paths) {
		revert.add(path, await trees.nodeAt(path, before), await trees.nodeAt(path, zxid));
	}
	return revert.finish();
}

/** Parents first. */
async function pathsOf(trees: StoredTrees, zxid: Zxid): Promise<string[]> {
	for await (const page of trees.txns({ from: zxid, to: zxid })) {
		for (const txn of page) {
			if (!('zxid' in txn) || txn.zxid !== zxid) continue;
			if (txn.error !== 0) throw new NothingToRevert(`transaction ${formatZxid(zxid)} failed: it changed nothing`);
			const paths = new Set(txn.changes.map(({ path }) => path));
			if (paths.size === 0) {
				throw new NothingToRevert(`transaction ${formatZxid(zxid)} is a ${txn.type}: it changed no node`);
			}
			return [...paths].sort((one, other) => (one < other ? -1 : 1));
		}
	}
	throw new NothingToRevert(`there is no transaction ${formatZxid(zxid)} in the history`);
}

class Revert {
	readonly #tree: DataTree;
	readonly #paths: ReadonlySet<string>;
	readonly #isForced: boolean;
	readonly #acls: AclChange[] = [];
	readonly #changes: NodeChange[] = [];
	readonly #deletions = new Map<string, Deletion>();
	readonly #conflicts: Conflict[] = [];
	readonly #left: LeftNode[] = [];
	readonly #made = new Set<string>();
	#ephemerals = 0;

	constructor(tree: DataTree, paths: ReadonlySet<string>, isForced: boolean) {
		this.#tree = tree;
		this.#paths = paths;
		this.#isForced = isForced;
	}

	/** @param then as it was before the transaction @param after as the transaction left it */
	add(path: string, then: HistoryNode | undefined, after: HistoryNode | undefined): void {
		const hasSession = [then, after].some((node) => node !== undefined && isEphemeral({ owner: node.storedOwner }));
		if (isSystemPath(path) || hasSession) {
			if (then !== undefined && hasSession) this.#ephemerals += 1;
			this.#left.push({ path, reason: 'ephemeral' });
			return;
		}
		const current = this.#tree.node(path);
		const touched = this.#touched(path, after);
		if (touched !== null && !this.#isThere(path, then)) {
			this.#conflicts.push({ path, what: touched });
			if (!this.#isForced) return;
		}
		if (then === undefined) {
			if (current !== undefined) this.#delete(path);
			return;
		}
		const node = wantedNode(then);
		if (current === undefined) {
			const parent = parentPath(path);
			const there = this.#tree.node(parent);
			if (there === undefined && !this.#made.has(parent)) {
				// Not even by force: what the parents were is the business of a restore.
				this.#left.push({ path, reason: 'no-parent' });
				return;
			}
			if (node.dataHash !== null) {
				this.#left.push({ path, reason: 'redacted' });
				return;
			}
			this.#made.add(path);
			this.#changes.push({ kind: 'create', path, node, parent: null });
			return;
		}
		const seen = seenNode(current);
		if (node.owner !== seen.owner && path !== rootPath) this.#left.push({ path, reason: 'kind' });
		if (!isSameAcl(node.acl, seen.acl)) this.#acls.push({ kind: 'setACL', path, node, seen });
		if (hasWantedData(node, this.#tree.data(path) ?? null)) return;
		if (node.dataHash !== null) this.#left.push({ path, reason: 'redacted' });
		else this.#changes.push({ kind: 'setData', path, node, seen });
	}

	/** What was created goes last, the lowest first. */
	finish(): Plan {
		return {
			acls: this.#acls,
			changes: [...this.#changes, ...[...this.#deletions.values()].reverse()],
			left: this.#left,
			ephemerals: this.#ephemerals,
			conflicts: this.#isForced ? [] : this.#conflicts,
		};
	}

	/** What was done to the node since the transaction; null: nothing. */
	#touched(path: string, after: HistoryNode | undefined): string | null {
		const stat = this.#tree.storedStat(path);
		if (after === undefined) return stat === undefined ? null : 'was created again';
		if (stat === undefined) return 'was deleted';
		if (stat.czxid !== after.stat.czxid) return 'was deleted and created again';
		if (stat.mzxid !== after.stat.mzxid) return 'got other data since';
		return stat.aversion === after.stat.aversion ? null : 'got another access control list since';
	}

	/** It is already what it was before. */
	#isThere(path: string, then: HistoryNode | undefined): boolean {
		const current = this.#tree.node(path);
		if (then === undefined || current === undefined) return then === undefined && current === undefined;
		return isSameAcl(then.acl, current.acl) && hasWantedData(wantedNode(then), this.#tree.data(path) ?? null);
	}

	/** A node that the transaction created. Those that were created below it since go with it by force only. */
	#delete(path: string): void {
		const gone: Deletion[] = [];
		for (const each of subtree(this.#tree, path)) {
			const node = this.#tree.node(each);
			if (node === undefined || this.#deletions.has(each)) continue;
			if (isEphemeral({ owner: node.stat.ephemeralOwner })) {
				this.#left.push({ path, reason: 'above-ephemeral' });
				return;
			}
			if (!this.#paths.has(each)) this.#conflicts.push({ path: each, what: `was created below ${path} since` });
			gone.push({ kind: 'delete', path: each, seen: seenNode(node) });
		}
		for (const deletion of gone) this.#deletions.set(deletion.path, deletion);
	}
}
