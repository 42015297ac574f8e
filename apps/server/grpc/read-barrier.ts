/**
 * What linearizable reads wait for: a sync that began after they came (semantics 69). A quorum confirms the leader, and this replica has applied all that was
 * committed by then: what is read behind it is at least as new. One sync at a time: who comes while it is under way waits for the next one, together with all
 * the others.
 */
import { status } from '@grpc/grpc-js';
import type { Host } from '#core/host/host';
import type { Caller, Reply } from '#core/model/op';
import { noSession, zeroZxid } from '#core/model/zxid';
import { grpcError } from './grpc-error.ts';

/** The caller may go, or its deadline pass. */
export interface CancellableCall {
	readonly cancelled: boolean;
	once(event: 'cancelled', listener: () => void): unknown;
	off(event: 'cancelled', listener: () => void): unknown;
}

type Waiter = (reply: Reply) => void;

/** Not one caller's request: what throttles callers does not refuse it. */
const caller: Caller = { door: 'system', identities: [], address: '' };

export class ReadBarrier {
	/** Syncs that were asked for. */
	rounds = 0;
	readonly #host: Host;
	/** For a sync that has not begun. */
	#waiting = new Set<Waiter>();
	/** For the one that is under way. */
	#passing = new Set<Waiter>();
	#isUnderWay = false;

	constructor(host: Host) {
		this.#host = host;
	}

	/** Calls that wait. */
	get size(): number {
		return this.#waiting.size + this.#passing.size;
	}

	/** With error 0 the caller may read. @throws RpcException when it is gone */
	async pass(call: CancellableCall): Promise<Reply> {
		// Alone, whatever was acknowledged is applied.
		if (this.#host.role === 'standalone') return { error: 0, zxid: zeroZxid };
		if (call.cancelled) throw gone();
		return new Promise((resolve, reject) => {
			const waiter: Waiter = (reply) => {
				call.off('cancelled', cancel);
				resolve(reply);
			};
			const cancel = (): void => {
				this.#waiting.delete(waiter);
				this.#passing.delete(waiter);
				reject(gone());
			};
			call.once('cancelled', cancel);
			this.#waiting.add(waiter);
			this.#begin();
		});
	}

	#begin(): void {
		if (this.#isUnderWay || this.#waiting.size === 0) return;
		this.#isUnderWay = true;
		this.#passing = this.#waiting;
		this.#waiting = new Set();
		this.rounds += 1;
		this.#host.submit({
			sessionId: noSession,
			cxid: 0,
			op: { kind: 'sync', path: '/' },
			caller,
			reply: (reply) => this.#end(reply),
		});
	}

	#end(reply: Reply): void {
		const passed = this.#passing;
		this.#passing = new Set();
		this.#isUnderWay = false;
		for (const waiter of passed) waiter(reply);
		this.#begin();
	}
}

function gone() {
	return grpcError(status.CANCELLED, 'the caller is gone');
}
