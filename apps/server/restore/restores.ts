/** RestoreService: live restores that this replica runs, and the records of all. */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { RpcException } from '@nestjs/microservices';
import type { History } from '#audit/history';
import { abortRestore, beginRestore, RestoreImpossible, takeOnRestore } from '#audit/live-restore/beginning';
import { LiveRestore, RestoreInterrupted, synced } from '#audit/live-restore/live-restore';
import { planOf } from '#audit/live-restore/planners';
import { recordPath, type StoredRecord, storedRecord, storedRecords, type Undoing } from '#audit/live-restore/record';
import { NothingToRevert } from '#audit/live-restore/revert-plan';
import { isSystemPath } from '#audit/live-restore/subtree';
import type { Host } from '#core/host/host';
import type { Caller } from '#core/model/op';
import { pathProblem, rootPath } from '#core/model/path';
import { type Zxid, zxidFromBigInt } from '#core/model/zxid';
import { hideDigests } from '#core/tree/acl-check';
import type { Id } from '#jute/records';
import {
	type PlanRestoreRequest,
	type PlanRestoreResponse,
	type Restore,
	RestoreState,
	type RestoreTarget,
	type ResumeRestoreRequest,
	type StartRestoreRequest,
	type WatchRestoreResponse,
} from '#proto/chronokeeper/v1/restore';
import type { Logger } from '#telemetry/logger';
import type { GrpcCall } from '../grpc/grpc-call.ts';
import { invalidField } from '../grpc/grpc-error.ts';
import { type Histories, queryError } from '../grpc/histories.ts';
import type { Callers } from '../grpc/identity/callers.ts';
import { refusal } from '../grpc/refusals.ts';
import { ResponseStreams } from '../grpc/response-streams.ts';
import { ActingReplica } from './acting-replica.ts';
import { planMessages, restoreMessage } from './restore-messages.ts';

export interface RestoresParts {
	readonly host: Host;
	readonly serverId: number;
	/** `jute.maxbuffer`: what every server of the ensemble takes. */
	readonly maxBuffer: number;
	readonly histories: Histories;
	readonly callers: Callers;
	readonly logger: Logger;
}

const mostOperations = 500;
const mostBytes = 512 * 1024;
const mostReasonLength = 1000;
/** How often the record is looked at for those who watch. */
const watchMs = 50;

export class Restores {
	/** Who watches a restore goes on when the leader changes. */
	readonly streams = new ResponseStreams();
	readonly #parts: RestoresParts;
	/** Those that run here. */
	readonly #running = new Map<number, { readonly stop: AbortController; readonly ended: Promise<void> }>();
	readonly #stopping = new AbortController();

	constructor(parts: RestoresParts) {
		this.#parts = parts;
	}

	async *plan(
		{ target, force }: PlanRestoreRequest,
		call: GrpcCall,
		signal: AbortSignal,
	): AsyncGenerator<PlanRestoreResponse> {
		const replica = this.#replica(await this.#parts.callers.of(call));
		const trees = await this.#parts.histories.open();
		const undoing = await this.#undoing(target, trees);
		try {
			await synced(replica, signal);
			const { tree } = replica;
			const baseZxid = tree.lastProcessedZxid;
			const plan = await planOf(trees, undoing, tree, { isForced: force, signal });
			yield* planMessages(plan, undoing.zxid, baseZxid, tree);
		} catch (error) {
			throw restoreError(error);
		}
	}

	async start(request: StartRestoreRequest, call: GrpcCall): Promise<Restore> {
		const { target, force, reason, unchangedSinceZxid } = request;
		if (reason.trim() === '' || reason.length > mostReasonLength) {
			throw invalidField('reason', `say why, in up to ${mostReasonLength} characters: it stands in the history`);
		}
		const unchangedSince =
			unchangedSinceZxid === undefined ? undefined : zxidOf(unchangedSinceZxid, 'unchanged_since_zxid');
		const caller = await this.#parts.callers.of(call);
		const replica = this.#replica(caller);
		const trees = await this.#parts.histories.open();
		const undoing = await this.#undoing(target, trees);
		try {
			// What can be known to be in vain begins no record.
			if (undoing.kind === 'revert') await planOf(trees, undoing, replica.tree, { isForced: force });
			const order = {
				undoing,
				reason,
				by: namesOf(caller.identities),
				isForced: force,
				unchangedSince,
				run: randomUUID(),
			};
			const stored = await beginRestore(replica, order, this.#stopping.signal);
			this.#run(replica, trees, stored, unchangedSince !== undefined);
			return restoreMessage(stored, true);
		} catch (error) {
			replica.close();
			throw restoreError(error);
		}
	}

	async resume({ id, force }: ResumeRestoreRequest, call: GrpcCall): Promise<Restore> {
		const replica = this.#replica(await this.#parts.callers.of(call));
		const trees = await this.#parts.histories.open();
		try {
			await synced(replica, this.#stopping.signal);
			this.#stored(id);
			const order = { run: randomUUID(), isForced: force };
			const stored = await takeOnRestore(replica, id, order, this.#stopping.signal);
			await this.#end(id, `restore ${id} is resumed`);
			this.#run(replica, trees, stored, true);
			return restoreMessage(stored, true);
		} catch (error) {
			replica.close();
			throw restoreError(error);
		}
	}

	async abort(id: number, call: GrpcCall): Promise<Restore> {
		const replica = this.#replica(await this.#parts.callers.of(call));
		try {
			await synced(replica, this.#stopping.signal);
			this.#stored(id);
			const stored = await abortRestore(replica, id, this.#stopping.signal);
			await this.#end(id, `restore ${id} was aborted`);
			return restoreMessage(stored, false);
		} catch (error) {
			throw restoreError(error);
		} finally {
			replica.close();
		}
	}

	/** @throws RpcException when there is none */
	get(id: number): Restore {
		return restoreMessage(this.#stored(id), this.#running.has(id));
	}

	list(): Restore[] {
		return storedRecords(this.#parts.host.tree).map((stored) => restoreMessage(stored, this.#running.has(stored.id)));
	}

	/** Whoever runs it: the record comes to every replica. */
	async *watch(id: number, signal: AbortSignal): AsyncGenerator<WatchRestoreResponse> {
		let seen: Zxid | undefined;
		for (;;) {
			const { mzxid } = this.#stored(id);
			const restore = this.get(id);
			if (mzxid !== seen) yield { restore };
			seen = mzxid;
			if (restore.state !== RestoreState.RESTORE_STATE_RUNNING || signal.aborted) return;
			await pause(watchMs, undefined, { signal }).catch(() => undefined);
		}
	}

	/** Those that run here stand still, and can be taken on elsewhere. @param timeoutMs what is under way is waited for so long at most: without a leader it may get no answer */
	async stop(timeoutMs: number): Promise<void> {
		this.#stopping.abort('the server is stopping');
		this.streams.stop();
		for (const { stop } of this.#running.values()) stop.abort('the server is stopping');
		const all = Promise.all([...this.#running.values()].map(({ ended }) => ended));
		await Promise.race([all, pause(timeoutMs, undefined, { ref: false })]);
	}

	/** One that runs elsewhere finds that the record is not its own any more. */
	async #end(id: number, reason: string): Promise<void> {
		const running = this.#running.get(id);
		running?.stop.abort(reason);
		await running?.ended;
	}

	#run(replica: ActingReplica, trees: History, stored: StoredRecord, isTakenOn: boolean): void {
		const { logger, maxBuffer } = this.#parts;
		const { id } = stored;
		const stop = new AbortController();
		const limits = { operations: mostOperations, bytes: Math.min(mostBytes, maxBuffer / 2) };
		const restore = new LiveRestore({ replica, trees, limits, signal: stop.signal }, stored, isTakenOn);
		const run = restore.run().then(
			({ state, changesDone, conflictCount, problem }) =>
				logger.info({ restore: id, state, changesDone, conflictCount, problem }, 'a restore is over'),
			(error: unknown) => logger.warn({ err: error, restore: id }, 'a restore stands still here: resume it'),
		);
		const ended = run.then(() => {
			this.#running.delete(id);
			replica.close();
		});
		this.#running.set(id, { stop, ended });
		logger.info({ restore: id, record: recordPath(id) }, 'a restore goes on here');
	}

	/** @throws RpcException without a leader: another replica may have one */
	#replica(caller: Caller): ActingReplica {
		const { host, serverId } = this.#parts;
		if (host.state !== 'serving') {
			throw refusal('NO_LEADER', `this replica does not serve writes at the moment: ${host.stateReason}`);
		}
		return new ActingReplica(host, serverId, caller);
	}

	/** @throws RpcException for what makes no sense, and for a zxid that the history does not have */
	async #undoing(target: RestoreTarget | undefined, trees: History): Promise<Undoing> {
		const wanted = target?.target;
		if (target === undefined || wanted === undefined) {
			throw invalidField('target', 'say which state is wanted: zxid, time_ms or revert_zxid');
		}
		const { path } = target;
		if (path !== '' && pathProblem(path) !== null) throw invalidField('target.path', `${path}: ${pathProblem(path)}`);
		if (isSystemPath(path)) throw invalidField('target.path', `${path} stays as it is: no restore touches it`);
		if (wanted.$case === 'revertZxid') {
			if (path !== '') throw invalidField('target.path', 'a revert undoes its transaction as a whole');
			return { kind: 'revert', zxid: zxidOf(wanted.value, 'target.revert_zxid') };
		}
		try {
			const zxid =
				wanted.$case === 'zxid' ? zxidOf(wanted.value, 'target.zxid') : await trees.zxidAt(Number(wanted.value));
			// The history says so when it does not have it.
			await trees.nodeAt(rootPath, zxid);
			return { kind: 'restore', zxid, path: path === '' ? rootPath : path };
		} catch (error) {
			throw queryError(error);
		}
	}

	#stored(id: number): StoredRecord {
		let stored: StoredRecord | undefined;
		try {
			stored = storedRecord(this.#parts.host.tree, id);
		} catch (error) {
			throw refusal('RESTORE_REFUSED', `${recordPath(id)} cannot be read: ${(error as Error).message}`);
		}
		if (stored === undefined) throw refusal('NO_RESTORE', `there is no restore ${id}: ${recordPath(id)} is not there`);
		return stored;
	}
}

function zxidOf(value: bigint, field: string): Zxid {
	try {
		return zxidFromBigInt(value);
	} catch (error) {
		throw invalidField(field, (error as Error).message);
	}
}

function namesOf(identities: readonly Id[]): string {
	const shown = hideDigests(identities.map((id) => ({ ...id, perms: 0 })));
	return shown.map(({ scheme, id }) => (id === '' ? scheme : `${scheme}:${id}`)).join(',');
}

function restoreError(error: unknown): RpcException {
	if (error instanceof RpcException) return error;
	if (error instanceof NothingToRevert) return refusal('NOTHING_TO_REVERT', error.message);
	if (error instanceof RestoreImpossible) return refusal('RESTORE_REFUSED', error.message);
	if (error instanceof RestoreInterrupted) return refusal('GO_ELSEWHERE', error.message);
	return queryError(error);
}
