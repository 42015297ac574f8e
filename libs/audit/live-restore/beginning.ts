/** How a restore gets its record, how it is taken on by another run, and how it is given up. */
import type { MultiOp, Reply } from '#core/model/op';
import type { Zxid } from '#core/model/zxid';
import { errorName, errors } from '#jute/errors';
import { failedOperation, type RestoreReplica, synced } from './live-restore.ts';
import {
	type RestoreRecord,
	recordAcl,
	recordPath,
	recordsPath,
	type StoredRecord,
	storedRecord,
	storedRecords,
	type Undoing,
	withZxid,
	writeRecord,
} from './record.ts';
import { chronokeeperPath, doOverlap } from './subtree.ts';

export interface RestoreOrder {
	readonly undoing: Undoing;
	readonly reason: string;
	readonly by: string;
	readonly isForced: boolean;
	/** What others have written behind it is not overwritten; absent: what they have written until now is. */
	readonly unchangedSince?: Zxid | undefined;
	/** Chosen for this run: no other has it. */
	readonly run: string;
}

/** The restore cannot begin, or be taken on. */
export class RestoreImpossible extends Error {
	override readonly name = 'RestoreImpossible';
}

const mostAttempts = 20;

/** Writes the record of a new restore. @throws RestoreImpossible while another one of the same part of the tree is not over */
export async function beginRestore(
	replica: RestoreReplica,
	order: RestoreOrder,
	signal: AbortSignal,
): Promise<StoredRecord> {
	for (let attempt = 0; attempt < mostAttempts; attempt++) {
		await synced(replica, signal);
		const { tree } = replica;
		const baseZxid = order.unchangedSince ?? tree.lastProcessedZxid;
		if (!tree.has(recordsPath)) {
			await makePlace(replica);
			continue;
		}
		requireNoOther(order.undoing, storedRecords(tree));
		const place = tree.storedStat(recordsPath)!;
		const nowMs = replica.now();
		const record = newRecord(order, replica.serverId, baseZxid, nowMs);
		const data = writeRecord(record);
		// Two that begin at once would not see each other: the version of the place lets one of them.
		const ops: MultiOp['ops'] = [
			{ kind: 'setData', path: recordsPath, data: null, version: place.version },
			{ kind: 'create', path: `${recordsPath}/`, data, acl: recordAcl, mode: 'persistentSequential', withStat: false },
		];
		const reply = await replica.submit({ kind: 'multi', ops }, 'restore-begin');
		const failed = failedOperation(reply);
		if (reply.error === 0 && failed === undefined) return begunRecord(reply, record);
		// After a loss a record may lie there: it is found, and has its own run.
		await synced(replica, signal);
		const made = storedRecords(replica.tree).find((each) => each.record.run === order.run);
		if (made !== undefined) return withOwn(made);
		const code = failed?.code ?? reply.error;
		if (!mayPass(code))
			throw new RestoreImpossible(`the record cannot be written below ${recordsPath}: ${errorName(code)}`);
	}
	throw new RestoreImpossible(`the record cannot be written below ${recordsPath}: others write there all the time`);
}

/**
 * The record, now this run's: the one before finds that it is not its own any more.
 * @throws RestoreImpossible when there is none, or it is over
 */
export async function takeOnRestore(
	replica: RestoreReplica,
	id: number,
	{ run, isForced }: Pick<RestoreOrder, 'run' | 'isForced'>,
	signal: AbortSignal,
): Promise<StoredRecord> {
	return change(replica, id, signal, (record) => {
		if (record.state === 'done' || record.state === 'aborted') {
			throw new RestoreImpossible(`restore ${id} is over: it is ${record.state}`);
		}
		return {
			...record,
			isForced: record.isForced || isForced,
			state: 'running',
			server: replica.serverId,
			run,
			conflicts: [],
			conflictCount: 0,
			problem: '',
		};
	});
}

/** Whoever runs it finds that it is aborted. What was done stays. @throws RestoreImpossible when there is none, or it is over */
export async function abortRestore(replica: RestoreReplica, id: number, signal: AbortSignal): Promise<StoredRecord> {
	return change(replica, id, signal, (record) => {
		if (record.state === 'done') throw new RestoreImpossible(`restore ${id} is over: it is done`);
		return { ...record, state: 'aborted' };
	});
}

async function change(
	replica: RestoreReplica,
	id: number,
	signal: AbortSignal,
	next: (record: RestoreRecord) => RestoreRecord,
): Promise<StoredRecord> {
	for (let attempt = 0; attempt < mostAttempts; attempt++) {
		await synced(replica, signal);
		const stored = storedRecord(replica.tree, id);
		if (stored === undefined) throw new RestoreImpossible(`there is no restore ${id}`);
		const { version, record: before } = withOwn(stored);
		const record = { ...next(before), changedMs: replica.now() };
		const op = { kind: 'setData', path: recordPath(id), data: writeRecord(record), version } as const;
		const reply = await replica.submit(op, `restore-${id}-${record.state === 'aborted' ? 'abort' : 'resume'}`);
		if (reply.error === 0) {
			const own = withZxid(record.own, reply.zxid);
			return { id, record: { ...record, own }, version: (version + 1) | 0, mzxid: reply.zxid };
		}
		if (!mayPass(reply.error)) throw new RestoreImpossible(`restore ${id}: ${errorName(reply.error)}`);
	}
	throw new RestoreImpossible(`restore ${id} is being written all the time`);
}

/** Both nodes may be there already, or be made by another at the same time: the next look says. */
async function makePlace(replica: RestoreReplica): Promise<void> {
	for (const path of [chronokeeperPath, recordsPath]) {
		if (replica.tree.has(path)) continue;
		const op = { kind: 'create', path, data: null, acl: recordAcl, mode: 'persistent', withStat: false } as const;
		await replica.submit(op, 'restore-begin');
	}
}

function requireNoOther(undoing: Undoing, stored: readonly StoredRecord[]): void {
	const path = undoing.kind === 'restore' ? undoing.path : '/';
	for (const { id, record } of stored) {
		if (record.state !== 'running' && record.state !== 'conflict' && record.state !== 'failed') continue;
		const other = record.undoing.kind === 'restore' ? record.undoing.path : '/';
		// One that came to nothing holds up nobody.
		if (record.state !== 'running' && record.steps === 0 && record.changesDone === 0) continue;
		if (!doOverlap(path, other)) continue;
		throw new RestoreImpossible(`restore ${id} of ${other} is not over (${record.state}): resume it, or abort it`);
	}
}

function begunRecord({ result, zxid }: Reply, record: RestoreRecord): StoredRecord {
	const made = result?.kind === 'multi' ? result.results[1] : undefined;
	const path = made?.kind === 'create' ? made.path : '';
	const id = Number(path.slice(recordsPath.length + 1));
	return { id, record: { ...record, own: withZxid(record.own, zxid) }, version: 0, mzxid: zxid };
}

/** What the record cannot say of itself: the transaction that wrote it. */
function withOwn(stored: StoredRecord): StoredRecord {
	return { ...stored, record: { ...stored.record, own: withZxid(stored.record.own, stored.mzxid) } };
}

function newRecord(
	{ undoing, reason, by, isForced, run }: RestoreOrder,
	server: number,
	baseZxid: Zxid,
	nowMs: number,
) {
	return {
		undoing,
		reason,
		by,
		isForced,
		state: 'running',
		baseZxid,
		beganMs: nowMs,
		changedMs: nowMs,
		server,
		run,
		steps: 0,
		changesDone: 0,
		changesPlanned: 0,
		own: [],
		conflicts: [],
		conflictCount: 0,
		left: [],
		leftCount: 0,
		ephemerals: 0,
		problem: '',
	} as const satisfies RestoreRecord;
}

/** Somebody was quicker, or the answer was lost. */
function mayPass(code: number): boolean {
	return (
		code === errors.badVersion.code ||
		code === errors.connectionLoss.code ||
		code === errors.systemError.code ||
		code === errors.throttledOp.code
	);
}
