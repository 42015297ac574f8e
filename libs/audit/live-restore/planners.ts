/** How the two kinds of undoing find out what is to be done: a restore compares a whole subtree, a revert the nodes of one transaction. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { parentPath, rootPath } from '#core/model/path';
import type { Zxid } from '#core/model/zxid';
import type { DataTree } from '#core/tree/data-tree';
import type { History } from '../history.ts';
import { type Baseline, foreignChange } from './conflicts.ts';
import { type Conflict, type Plan, type PlannedChange, SubtreePlan } from './plan.ts';
import type { Undoing } from './record.ts';
import { revertPlan } from './revert-plan.ts';
import { wantedNode } from './wanted.ts';

/** What of the history is needed. */
export type StoredTrees = Pick<History, 'treeAt' | 'nodeAt' | 'txns' | 'lastZxid'>;

/** Of a restore that is taken on. */
export interface Since {
	readonly baseZxid: Zxid;
	/** Whether a zxid is one of the restore's own multis. */
	readonly isOwn: (zxid: Zxid) => boolean;
}

export interface PlanOptions {
	readonly since?: Since;
	/** Conflicts are not looked for. */
	readonly isForced?: boolean;
	readonly signal?: AbortSignal;
}

/** @throws what the history throws for a zxid ahead of it, or in a gap of it */
export function planOf(trees: StoredTrees, undoing: Undoing, tree: DataTree, options: PlanOptions = {}): Promise<Plan> {
	return undoing.kind === 'restore'
		? subtreePlan(trees, undoing, tree, options)
		: revertPlan(trees, undoing.zxid, tree, options.isForced ?? false);
}

async function subtreePlan(
	trees: StoredTrees,
	{ zxid, path }: Extract<Undoing, { kind: 'restore' }>,
	tree: DataTree,
	{ since, isForced, signal }: PlanOptions,
): Promise<Plan> {
	const plan = new SubtreePlan(tree, path);
	let isFirst = true;
	for await (const page of trees.treeAt(zxid, path)) {
		signal?.throwIfAborted();
		if (isFirst) for (const above of missingAbove(path, tree)) await addNode(above);
		isFirst = false;
		for (const node of page) plan.add(wantedNode(node));
		// Whoever is served by this process is served meanwhile.
		await nextTurn();
	}
	const found = plan.finish();
	if (since === undefined || isForced) return found;
	return { ...found, conflicts: await foreignChanges(trees, found, path, tree, since) };

	async function addNode(above: string): Promise<void> {
		const node = await trees.nodeAt(above, zxid);
		if (node !== undefined) plan.add(wantedNode(node));
	}
}

/** The nodes that have to be there first. */
function missingAbove(path: string, tree: DataTree): string[] {
	const missing: string[] = [];
	if (path === rootPath) return missing;
	for (let at = parentPath(path); !tree.has(at); at = parentPath(at)) missing.unshift(at);
	return missing;
}

async function foreignChanges(
	trees: StoredTrees,
	{ acls, changes }: Plan,
	prefix: string,
	tree: DataTree,
	{ baseZxid, isOwn }: Since,
): Promise<Conflict[]> {
	const planned = new Map<string, PlannedChange[]>();
	for (const change of [...acls, ...changes]) {
		const others = planned.get(change.path);
		if (others === undefined) planned.set(change.path, [change]);
		else others.push(change);
	}
	const baseline = new Map<string, Baseline extends ReadonlyMap<string, infer Node> ? Node : never>();
	if (planned.size > 0) {
		for await (const page of trees.treeAt(baseZxid, prefix)) {
			for (const { path, stat, storedOwner } of page) {
				if (planned.has(path)) baseline.set(path, { ...stat, owner: storedOwner });
			}
		}
	}
	return [...planned.values()].flatMap(
		(all) => all.map((change) => foreignChange(change, tree, baseline, isOwn)).find((found) => found !== null) ?? [],
	);
}
