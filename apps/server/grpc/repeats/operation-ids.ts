/**
 * What the ids of a stream's operations stand for. On one that is repeatable they are those of the session: the cxids of its transactions, by which a write that was sent before is found
 * again. What was looked up is kept until a write comes that was never sent: all that are sent again come in front of it.
 */
import type { Op, Reply } from '#core/model/op';
import { type SessionId, type Zxid, zeroZxid } from '#core/model/zxid';
import { errors } from '#jute/errors';
import type { ErrorDetail } from '#proto/chronokeeper/v1/common';
import type { Operation } from '#proto/chronokeeper/v1/session';
import { detailOf, invalidField } from '../grpc-error.ts';
import { reasonOf } from '../refusals.ts';
import { firstReply, isRepeatable, type RepeatableOp } from './first-result.ts';
import { firstServerCxid, isOperationId } from './operation-id.ts';
import type { RepeatedWrites } from './repeated-writes.ts';
import type { SessionWrites } from './session-log.ts';

/** What is known of a write that was sent before. */
export type Known =
	/** It was done, or failed: it is answered so. */
	| { readonly kind: 'first'; readonly op: Op; readonly reply: Reply }
	/** Nothing is done. */
	| { readonly kind: 'failed'; readonly detail: ErrorDetail };

export class OperationIds {
	readonly #repeats: RepeatedWrites;
	readonly #areOfSession: boolean;
	#writes: SessionWrites | null = null;
	/** Behind which zxid they were looked up. */
	#after: Zxid = zeroZxid;
	/** Those that were sent before, were not done, and are now. */
	readonly #performed = new Set<number>();

	constructor(repeats: RepeatedWrites, areOfSession: boolean) {
		this.#repeats = repeats;
		this.#areOfSession = areOfSession;
	}

	cxidOf({ id }: Operation): number {
		return this.#areOfSession && isOperationId(id) ? id : this.#repeats.nextCxid();
	}

	/**
	 * @param settled called when it is to be asked again
	 * @returns undefined: it is to be performed
	 * @throws RpcException for an id that means nothing, or another operation
	 */
	known(
		{ id, sentAtZxid }: Operation,
		op: Op,
		sessionId: SessionId,
		settled: () => void,
	): Known | 'not yet' | undefined {
		if (this.#areOfSession && !isOperationId(id))
			throw invalidField('id', `${id} is no id of a repeatable stream: they are 1 to ${firstServerCxid - 1}`);
		if (sentAtZxid === undefined) {
			if (this.#writes !== null && isRepeatable(op)) this.#writes = null;
			return undefined;
		}
		if (!this.#areOfSession)
			throw invalidField('sent_at_zxid', 'nothing is sent again on a stream that did not begin with `repeatable`');
		return isRepeatable(op) ? this.#first(id, op, sentAtZxid, sessionId, settled) : undefined;
	}

	#first(
		id: number,
		op: RepeatableOp,
		sentAt: bigint,
		sessionId: SessionId,
		settled: () => void,
	): Known | 'not yet' | undefined {
		const after = Number(sentAt < newest ? sentAt : newest) as Zxid;
		const writes = this.#writes;
		if (writes === null || after < this.#after || this.#performed.has(id)) {
			this.#lookUp(sessionId, after, settled);
			return 'not yet';
		}
		const { host } = this.#repeats;
		const first = writes.results.get(id);
		if (first !== undefined) {
			const reply = firstReply(first, op, host.tree);
			if (reply === undefined) throw invalidField('id', `${id} is the id of another operation of the session`);
			return { kind: 'first', op, reply };
		}
		// What failed to be logged may be in the log all the same when that is read again.
		if (!writes.isComplete || host.state !== 'serving') return { kind: 'failed', detail: outcomeUnknown(op) };
		this.#performed.add(id);
		return undefined;
	}

	#lookUp(sessionId: SessionId, after: Zxid, settled: () => void): void {
		void this.#repeats.of(sessionId, after).then((writes) => {
			this.#writes = writes;
			this.#after = after;
			this.#performed.clear();
			settled();
		});
	}
}

/** Nothing is newer than the newest there can be. */
const newest = BigInt(Number.MAX_SAFE_INTEGER);

function outcomeUnknown(op: RepeatableOp): ErrorDetail {
	const path = 'path' in op ? op.path : '';
	return detailOf({ code: errors.connectionLoss.code, path, zxid: zeroZxid, ...reasonOf('OUTCOME_UNKNOWN') });
}
