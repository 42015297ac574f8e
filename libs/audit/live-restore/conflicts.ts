/** What others did to nodes that a restore is about. */
import { parentPath } from '#core/model/path';
import type { DataTree } from '#core/tree/data-tree';
import type { Zxid } from '#jute/scalars';
import type { Conflict, PlannedChange, Seen } from './plan.ts';
import { isSameAcl } from './wanted.ts';

/** Whether the node is still as the plan saw it; null when it is. A change that this restore has made before is expected. */
export function conflictOf(change: PlannedChange, tree: DataTree): Conflict | null {
	const { path } = change;
	const stat = tree.storedStat(path);
	if (change.kind === 'create') return stat === undefined ? null : { path, what: 'was created' };
	if (stat === undefined) return { path, what: 'was deleted' };
	const { seen } = change;
	if (stat.czxid !== seen.czxid) return { path, what: 'was deleted and created again' };
	if (change.kind === 'setACL') {
		return stat.aversion === seen.aversion ? null : { path, what: 'got another access control list' };
	}
	if (stat.mzxid !== seen.mzxid) return { path, what: 'got other data' };
	if (change.kind === 'delete' && stat.aversion !== seen.aversion) {
		return { path, what: 'got another access control list' };
	}
	return null;
}

/** A node at the zxid that a restore began with. */
export type Baseline = ReadonlyMap<string, Pick<Seen, 'czxid' | 'mzxid' | 'aversion' | 'owner'>>;

/**
 * Of a restore that is taken on: whether the node was touched, since it began, by anybody but itself; null when it was not.
 * @param isOwn whether a zxid is one of the restore's own multis
 */
export function foreignChange(
	change: PlannedChange,
	tree: DataTree,
	baseline: Baseline,
	isOwn: (zxid: Zxid) => boolean,
): Conflict | null {
	const { path } = change;
	const stat = tree.storedStat(path);
	const base = baseline.get(path);
	if (stat === undefined) {
		if (base === undefined || change.kind !== 'create' || base.owner !== change.node.owner) return null;
		// What lay below a node that is made anew was deleted with it.
		const parent = tree.storedStat(parentPath(path));
		return parent === undefined || isOwn(parent.czxid) ? null : { path, what: 'was deleted' };
	}
	if (base === undefined || base.czxid !== stat.czxid) {
		return isOwn(stat.czxid) && isOwn(stat.mzxid) ? null : { path, what: 'was created' };
	}
	if (stat.mzxid !== base.mzxid && !isOwn(stat.mzxid)) return { path, what: 'got other data' };
	const isAboutAcl = change.kind === 'setACL' || change.kind === 'delete';
	if (isAboutAcl && stat.aversion !== base.aversion) return { path, what: 'got another access control list' };
	return null;
}

/** A setACL of which nobody knows whether it was done. */
export function wasDone(change: PlannedChange, tree: DataTree): boolean {
	if (change.kind !== 'setACL') return false;
	const acl = tree.acl(change.path);
	return acl !== undefined && isSameAcl(acl, change.node.acl);
}
