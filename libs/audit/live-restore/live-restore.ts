/**
 * A live restore under way: a plan, performed as ordinary transactions under a record. History is not rewritten; who watches a node hears of it, and so does the audit.
 *
 *  1. Each multi writes the record, at the version that this run knows, together with the changes. So no two runs of a restore both go on, and the
 *     record never says other than what was done.
 *  2. Each change demands the state of its node that the plan saw. What somebody else wrote meanwhile is found, and nothing more is done, unless the restore is forced.
 *  3. When an answer is lost the record says whether the multi was done.
 *  4. Whoever takes a restore on plans anew, and finds by the zxids of the record what others did since it began.
 */

import type { MultiOp, Op, Reply } from '#core/model/op';
import { rootPath } from '#core/model/path';
import type { Zxid } from '#core/model/zxid';
import type { DataTree } from '#core/tree/data-tree';
import { errorName, errors } from '#jute/errors';
import { conflictOf, wasDone } from './conflicts.ts';
import { type AclChange, type Conflict, isNothing, type LeftNode, type NodeChange, type Plan } from './plan.ts';
import { planOf, type StoredTrees } from './planners.ts';
import {
	listed,
	ownZxids,
	type RestoreRecord,
	type RestoreState,
	recordPath,
	type StoredRecord,
	storedRecord,
	withZxid,
	writeRecord,
} from './record.ts';
import { anyVersion, type Step, type StepLimits, stepsOf } from './steps.ts';

/** What a restore needs of the replica that runs it. */
export interface RestoreReplica {
	/** As it was applied here; another object after the replica got a snapshot from its leader. */
	readonly tree: DataTree;
	readonly isServing: boolean;
	readonly serverId: number;
	/** As `super`, in the name of who asked for the restore. @param requestId shown in the audit */
	submit(op: Op, requestId: string): Promise<Reply>;
	/** Milliseconds since 1970. */
	now(): number;
	pause(ms: number): Promise<void>;
}

export interface LiveRestoreOptions {
	readonly replica: RestoreReplica;
	readonly trees: StoredTrees;
	readonly limits: StepLimits;
	/** Ends it between two multis; the record stays `running`, and whoever wants takes it on. */
	readonly signal: AbortSignal;
}

/** Nobody goes on with the restore here; the record tells of it. */
export class RestoreInterrupted extends Error {
	override readonly name = 'RestoreInterrupted';
}

/** How many setACLs are under way at a time. */
const aclsAtOnce = 100;
/** A forced one plans again when others write while it works. */
const mostRounds = 10;
const retryMs = 50;
/** An ensemble that has no leader for so long needs its operator. */
const patienceMs = 120_000;

export class LiveRestore {
	readonly id: number;
	readonly #parts: LiveRestoreOptions;
	#stored: StoredRecord;
	/** Paths that this run has changed already. */
	readonly #touched = new Set<string>();
	/** Others may have written since it began. */
	#isTakenOn: boolean;

	/**
	 * @param stored the record as this run has written it
	 * @param isTakenOn it began a while ago, perhaps by another run: what others did since its base is looked for
	 */
	constructor(parts: LiveRestoreOptions, stored: StoredRecord, isTakenOn: boolean) {
		this.id = stored.id;
		this.#parts = parts;
		this.#stored = stored;
		this.#isTakenOn = isTakenOn;
	}

	/**
	 * To its end, or until it cannot go on.
	 * @returns the record as it then is
	 * @throws RestoreInterrupted
	 */
	async run(): Promise<RestoreRecord> {
		try {
			return await this.#run();
		} catch (error) {
			if (error instanceof RestoreInterrupted) throw error;
			// The history is away, or what it has cannot be restored: that is for people to read.
			return this.#end('failed', [], (error as Error).message);
		}
	}

	async #run(): Promise<RestoreRecord> {
		const { isForced } = this.#stored.record;
		for (let round = 1; ; round++) {
			const plan = await this.#plan();
			if (plan.conflicts.length > 0) return this.#end('conflict', plan.conflicts);
			this.#isTakenOn = false;
			const { record } = this.#stored;
			const { left, ephemerals } = plan;
			const changesPlanned = record.changesDone + plan.acls.length + plan.changes.length;
			await this.#save({ ...record, ...leftOf(left), ephemerals, changesPlanned });
			const problem = await this.#perform(plan);
			if (problem !== null && !(isForced && problem.kind === 'conflict' && round < mostRounds)) {
				return problem.kind === 'conflict'
					? this.#end('conflict', await this.#conflictsOf(plan, problem.conflicts))
					: this.#end('failed', [], problem.message);
			}
			// What others have written since then in the part that was restored.
			const remaining = await this.#plan();
			const isReached = isNothing(remaining);
			if (isReached || (problem === null && (!isForced || round >= mostRounds))) {
				return this.#end('done', differencesOf(remaining));
			}
			this.#touched.clear();
		}
	}

	async #plan(): Promise<Plan> {
		const { replica, trees, signal } = this.#parts;
		await this.#synced();
		const { undoing, isForced, baseZxid } = this.#stored.record;
		const since = { baseZxid, isOwn: ownZxids(this.#stored) };
		if (this.#isTakenOn) await this.#mirrored(baseZxid);
		const options = this.#isTakenOn ? { isForced, since, signal } : { isForced, signal };
		return planOf(trees, undoing, replica.tree, options);
	}

	/** Null: all of it was done. */
	async #perform({ acls, changes }: Plan): Promise<Problem | null> {
		for (let i = 0; i < acls.length; i += aclsAtOnce) {
			const problem = await this.#setAcls(acls.slice(i, i + aclsAtOnce));
			if (problem !== null) return problem;
		}
		for (const step of stepsOf(changes, this.#parts.limits, this.#stored.record.isForced)) {
			const problem = await this.#make(step);
			if (problem !== null) return problem;
		}
		return null;
	}

	/** Each a transaction of its own; then the record says how far it is. */
	async #setAcls(changes: readonly AclChange[]): Promise<Problem | null> {
		const { replica } = this.#parts;
		const { isForced } = this.#stored.record;
		const conflicts: Conflict[] = [];
		let waiting = changes;
		let done = 0;
		for (let isFirst = true; waiting.length > 0; isFirst = false) {
			this.#stopIfAsked();
			const lost: AclChange[] = [];
			const results = await Promise.all(
				waiting.map(async (change) => {
					const { path, node, seen } = change;
					if (!isFirst && wasDone(change, replica.tree)) return 0;
					const conflict = isForced ? null : conflictOf(change, replica.tree);
					if (conflict !== null) conflicts.push(conflict);
					if (conflict !== null) return 0;
					const version = isForced ? anyVersion : seen.aversion;
					const op = { kind: 'setACL', path, acl: node.acl, version } as const;
					const reply = await replica.submit(op, this.#requestId('acl'));
					if (isLost(reply)) lost.push(change);
					else if (reply.error === 0) done += 1;
					else if (isAboutOthers(reply.error)) conflicts.push({ path, what: whatHappened(reply.error) });
					else return { path, code: reply.error };
					return 0;
				}),
			);
			const failed = results.find((result) => result !== 0);
			if (failed !== undefined) return failure(failed.path, failed.code);
			waiting = lost;
			if (lost.length > 0) await this.#synced();
		}
		const { record } = this.#stored;
		await this.#save({ ...record, changesDone: record.changesDone + done });
		return conflicts.length === 0 ? null : { kind: 'conflict', conflicts };
	}

	async #make(step: Step): Promise<Problem | null> {
		const { replica } = this.#parts;
		const { record } = this.#stored;
		if (!record.isForced) {
			const conflicts = this.#conflictsIn(step.changes, replica.tree);
			if (conflicts.length > 0) return { kind: 'conflict', conflicts };
		}
		const changes = new Set(step.changes).size;
		const next = { ...record, steps: record.steps + 1, changesDone: record.changesDone + changes };
		const failed = await this.#save(next, step.operations);
		if (failed !== null) {
			const { path } = step.changes[failed.operation]!;
			return isAboutOthers(failed.code)
				? {
						kind: 'conflict',
						conflicts: [{ path: step.operations[failed.operation]!.path, what: whatHappened(failed.code) }],
					}
				: failure(path, failed.code);
		}
		for (const { path } of step.changes) this.#touched.add(path);
		return null;
	}

	#conflictsIn(changes: readonly NodeChange[], tree: DataTree): Conflict[] {
		const seen = new Set(this.#touched);
		return changes.flatMap((change) => {
			if (seen.has(change.path)) return [];
			seen.add(change.path);
			return conflictOf(change, tree) ?? [];
		});
	}

	/** All of them, not only the first that was met. */
	async #conflictsOf({ acls, changes }: Plan, met: readonly Conflict[]): Promise<Conflict[]> {
		await this.#synced();
		const { tree } = this.#parts.replica;
		const others = acls.filter((change) => !wasDone(change, tree)).flatMap((change) => conflictOf(change, tree) ?? []);
		const all = [...met, ...others, ...this.#conflictsIn(changes, tree)];
		return [...new Map(all.map((conflict) => [conflict.path, conflict])).values()];
	}

	async #end(state: RestoreState, conflicts: readonly Conflict[] = [], problem = ''): Promise<RestoreRecord> {
		const record = {
			...this.#stored.record,
			state,
			conflicts: listed(conflicts),
			conflictCount: conflicts.length,
			problem,
		};
		await this.#save(record);
		return this.#stored.record;
	}

	/**
	 * Writes the record, and with it makes the changes: all or nothing.
	 * @returns which of the operations failed, if one did
	 * @throws RestoreInterrupted when another run has the record, or it was aborted
	 */
	async #save(
		record: RestoreRecord,
		operations: MultiOp['ops'] = [],
	): Promise<{ readonly operation: number; readonly code: number } | null> {
		const { replica } = this.#parts;
		const path = recordPath(this.id);
		for (;;) {
			this.#stopIfAsked();
			const { version } = this.#stored;
			const data = writeRecord({ ...record, changedMs: replica.now() });
			const op: MultiOp = { kind: 'multi', ops: [{ kind: 'setData', path, data, version }, ...operations] };
			const reply = await replica.submit(op, this.#requestId(`${record.steps}`));
			const failed = failedOperation(reply);
			if (isLost(reply) || failed?.operation === 0) {
				await this.#synced();
				const found = this.#reread(record);
				// It was done, although nobody heard of it.
				if (found.version !== version) {
					this.#stored = { ...found, record: { ...found.record, own: withZxid(found.record.own, found.mzxid) } };
					return null;
				}
				if (isLost(reply)) continue;
			}
			const code = failed?.operation === 0 ? failed.code : reply.error;
			if (code !== 0) throw new RestoreInterrupted(`the record ${path} cannot be written: ${errorName(code)}`);
			if (failed !== undefined) return { ...failed, operation: failed.operation - 1 };
			const own = withZxid(record.own, reply.zxid);
			this.#stored = { id: this.id, record: { ...record, own }, version: (version + 1) | 0, mzxid: reply.zxid };
			return null;
		}
	}

	/** @throws RestoreInterrupted when it is not this run's any more */
	#reread({ run }: RestoreRecord): StoredRecord {
		const found = storedRecord(this.#parts.replica.tree, this.id);
		if (found === undefined) throw new RestoreInterrupted(`the record ${recordPath(this.id)} was deleted`);
		if (found.record.run !== run) {
			throw new RestoreInterrupted(`server ${found.record.server} has taken restore ${this.id} on`);
		}
		if (found.record.state === 'aborted') throw new RestoreInterrupted(`restore ${this.id} was aborted`);
		return found;
	}

	/** This replica has a leader, and what was committed before is applied here. */
	async #synced(): Promise<void> {
		await synced(this.#parts.replica, this.#parts.signal);
	}

	/** The history has the state that the restore began with. */
	async #mirrored(zxid: Zxid): Promise<void> {
		const { replica, trees } = this.#parts;
		const untilMs = replica.now() + patienceMs;
		while ((await trees.lastZxid()) < zxid) {
			this.#stopIfAsked();
			if (replica.now() > untilMs) throw new RestoreInterrupted('the mirror does not have what the restore began with');
			await replica.pause(retryMs);
		}
	}

	#stopIfAsked(): void {
		if (this.#parts.signal.aborted) throw new RestoreInterrupted(String(this.#parts.signal.reason));
	}

	#requestId(what: string): string {
		return `restore-${this.id}-${what}`;
	}
}

/**
 * Waits until the replica has a leader and has applied all that was committed before.
 * @throws RestoreInterrupted when that takes too long
 */
export async function synced(replica: RestoreReplica, signal: AbortSignal): Promise<void> {
	const untilMs = replica.now() + patienceMs;
	for (;;) {
		if (signal.aborted) throw new RestoreInterrupted(String(signal.reason));
		if (replica.isServing) {
			const reply = await replica.submit({ kind: 'sync', path: rootPath }, '');
			if (reply.error === 0) return;
		}
		if (replica.now() > untilMs) throw new RestoreInterrupted('this replica has no leader');
		await replica.pause(retryMs);
	}
}

type Problem =
	| { readonly kind: 'conflict'; readonly conflicts: readonly Conflict[] }
	| { readonly kind: 'failure'; readonly message: string };

function failure(path: string, code: number): Problem {
	return { kind: 'failure', message: `${path}: ${errorName(code)}` };
}

/** Nobody knows whether it was done, or it was not because of the moment. */
function isLost({ error }: Reply): boolean {
	return error === errors.connectionLoss.code || error === errors.systemError.code || error === errors.throttledOp.code;
}

/** The first operation of a multi that failed; the others only went with it (semantics 42). */
export function failedOperation(reply: Reply): { readonly operation: number; readonly code: number } | undefined {
	const { result } = reply;
	if (result?.kind !== 'multi') return undefined;
	for (const [operation, one] of result.results.entries()) {
		const code = one.kind === 'error' ? one.code : 0;
		if (code !== 0 && code !== errors.runtimeInconsistency.code) return { operation, code };
	}
	return undefined;
}

/** Errors that only come about because a node is not as the plan saw it. */
const othersDid: ReadonlyMap<number, string> = new Map([
	[errors.noNode.code, 'was deleted'],
	[errors.nodeExists.code, 'was created'],
	[errors.badVersion.code, 'was changed'],
	[errors.notEmpty.code, 'got children'],
	[errors.noChildrenForEphemerals.code, 'has an ephemeral parent'],
]);

function isAboutOthers(code: number): boolean {
	return othersDid.has(code);
}

function whatHappened(code: number): string {
	return othersDid.get(code)!;
}

function leftOf(left: readonly LeftNode[]): Pick<RestoreRecord, 'left' | 'leftCount'> {
	return { left: listed(left), leftCount: left.length };
}

/** Of a plan that was performed: what is not as it was wanted. */
function differencesOf({ acls, changes }: Plan): Conflict[] {
	const all = [...acls, ...changes].map(({ path }): [string, Conflict] => [
		path,
		{ path, what: 'was changed meanwhile' },
	]);
	return [...new Map(all).values()];
}
