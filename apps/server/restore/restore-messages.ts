/** Plans and records of restores as messages of the API. */
import type { Conflict, LeftNode, LeftReason, Plan, PlannedChange, Seen } from '#audit/live-restore/plan';
import { type RestoreState as RecordState, type StoredRecord, withZxid } from '#audit/live-restore/record';
import type { WantedNode } from '#audit/live-restore/wanted';
import type { Zxid } from '#core/model/zxid';
import { hideDigests } from '#core/tree/acl-check';
import type { DataTree } from '#core/tree/data-tree';
import { ownerKind, ttlOf } from '#core/tree/owners';
import type { Acl } from '#jute/records';
import {
	type PlanRestoreResponse,
	type Restore,
	RestoreAction,
	type RestoreDifference,
	type RestoreNode,
	RestoreState,
} from '#proto/chronokeeper/v1/restore';
import { messageBytes, nodeOverheadBytes } from '../grpc/message-size.ts';
import { acl as aclMessage } from '../grpc/znode-responses.ts';

const states: Readonly<Record<RecordState, RestoreState>> = {
	running: RestoreState.RESTORE_STATE_RUNNING,
	done: RestoreState.RESTORE_STATE_DONE,
	conflict: RestoreState.RESTORE_STATE_CONFLICT,
	failed: RestoreState.RESTORE_STATE_FAILED,
	aborted: RestoreState.RESTORE_STATE_ABORTED,
};

export const leftReasons: Readonly<Record<LeftReason, string>> = {
	ephemeral: 'an ephemeral node is there, which belongs to its session',
	'below-ephemeral': 'its parent is an ephemeral node now',
	'above-ephemeral': 'there are ephemeral nodes below it',
	kind: 'it is of another kind now, and cannot be made anew',
	redacted: 'its data were kept out of PostgreSQL (audit.redact)',
	'below-redacted': 'the data of its parent were kept out of PostgreSQL (audit.redact)',
	'no-parent': 'its parent is gone: restore that with `ck restore --path`',
};

export function restoreMessage({ id, record, mzxid }: StoredRecord, isRunningHere: boolean): Restore {
	const { undoing, own, conflicts, left } = record;
	// The record cannot know the transaction that wrote it.
	const ranges = withZxid(own, mzxid);
	return {
		id,
		state: states[record.state],
		isRevert: undoing.kind === 'revert',
		zxid: BigInt(undoing.zxid),
		path: undoing.kind === 'restore' ? undoing.path : '',
		reason: record.reason,
		by: record.by,
		force: record.isForced,
		baseZxid: BigInt(record.baseZxid),
		beganMs: BigInt(record.beganMs),
		changedMs: BigInt(record.changedMs),
		serverId: record.server,
		multis: record.steps,
		changesDone: BigInt(record.changesDone),
		changesPlanned: BigInt(record.changesPlanned),
		conflicts: [...conflicts],
		conflictCount: BigInt(record.conflictCount),
		left: left.map(leftMessage),
		leftCount: BigInt(record.leftCount),
		ephemerals: BigInt(record.ephemerals),
		problem: record.problem,
		zxids: ranges.map(([first, last]) => ({ first: BigInt(first), last: BigInt(last) })),
		isRunningHere,
	};
}

function leftMessage({ path, reason }: LeftNode): RestoreDifference {
	return {
		path,
		action: RestoreAction.RESTORE_ACTION_LEAVE,
		before: undefined,
		after: undefined,
		reason: leftReasons[reason],
	};
}

interface Difference {
	action: RestoreAction;
	seen: Seen | null;
	wanted: WantedNode | null;
	reason: string;
}

/** In the order of the paths. @param tree for the data that are there now */
export function* planMessages(plan: Plan, zxid: Zxid, baseZxid: Zxid, tree: DataTree): Generator<PlanRestoreResponse> {
	const differences = differencesOf(plan);
	let some: RestoreDifference[] = [];
	let bytes = 0;
	for (const [path, { action, seen, wanted, reason }] of differences) {
		const before = seen === null ? undefined : nodeMessage(seen, tree.data(path) ?? null);
		const after =
			wanted === null ? undefined : nodeMessage({ ...wanted, dataLength: wanted.data?.length ?? 0 }, wanted.data);
		some.push({ path, action, before, after, reason });
		bytes += path.length + nodeOverheadBytes + (before?.dataLength ?? 0) + (after?.dataLength ?? 0);
		if (bytes < messageBytes) continue;
		yield { differences: some, summary: undefined };
		some = [];
		bytes = 0;
	}
	const count = (wanted: RestoreAction): bigint =>
		BigInt([...differences.values()].filter(({ action }) => action === wanted).length);
	yield {
		differences: some,
		summary: {
			zxid: BigInt(zxid),
			baseZxid: BigInt(baseZxid),
			created: count(RestoreAction.RESTORE_ACTION_CREATE),
			changed: count(RestoreAction.RESTORE_ACTION_CHANGE),
			deleted: count(RestoreAction.RESTORE_ACTION_DELETE),
			left: count(RestoreAction.RESTORE_ACTION_LEAVE),
			ephemerals: BigInt(plan.ephemerals),
			conflicts: plan.conflicts.map((conflict: Conflict) => ({ ...conflict })),
		},
	};
}

/** One for each node, whatever the changes that it takes. */
function differencesOf({ acls, changes, left }: Plan): Map<string, Difference> {
	const found = new Map<string, Difference>();
	for (const change of [...changes, ...acls]) {
		const { seen, wanted } = sidesOf(change);
		const known = found.get(change.path);
		if (known === undefined) found.set(change.path, { action: actionOf(seen, wanted), seen, wanted, reason: '' });
		else {
			known.wanted = wanted ?? known.wanted;
			known.action = actionOf(known.seen, known.wanted);
		}
	}
	for (const { path, reason } of left) {
		const known = found.get(path);
		if (known === undefined) {
			const action = RestoreAction.RESTORE_ACTION_LEAVE;
			found.set(path, { action, seen: null, wanted: null, reason: leftReasons[reason] });
		} else known.reason = leftReasons[reason];
	}
	return new Map([...found].sort(([one], [other]) => (one < other ? -1 : 1)));
}

function sidesOf(change: PlannedChange): { seen: Seen | null; wanted: WantedNode | null } {
	switch (change.kind) {
		case 'create':
			return { seen: null, wanted: change.node };
		case 'delete':
			return { seen: change.seen, wanted: null };
		default:
			return { seen: change.seen, wanted: change.node };
	}
}

function actionOf(seen: Seen | null, wanted: WantedNode | null): RestoreAction {
	if (seen === null) return RestoreAction.RESTORE_ACTION_CREATE;
	return wanted === null ? RestoreAction.RESTORE_ACTION_DELETE : RestoreAction.RESTORE_ACTION_CHANGE;
}

function nodeMessage(
	{ acl, owner, dataLength }: { readonly acl: readonly Acl[]; readonly owner: bigint; readonly dataLength: number },
	data: Uint8Array | null,
): RestoreNode {
	const kind = ownerKind(owner);
	return {
		data: data ?? undefined,
		dataLength,
		acl: hideDigests(acl).map(aclMessage),
		kind: kind === 'none' ? 'persistent' : kind,
		ttlMs: kind === 'ttl' ? BigInt(ttlOf(owner)) : 0n,
	};
}
