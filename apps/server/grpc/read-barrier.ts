/**
 * What linearizable reads wait for: a sync that began after they came (semantics 69). A quorum confirms the leader, and this replica has applied all that was
 * committed by then: what is read behind it is at least as new. One sync at a time: who comes while it is under way waits for the next one, together with all
 * the others.
 */
import type { Host } from '#core/host/host';
import { systemCaller } from '#core/host/own-requests';
import type { Reply } from '#core/model/op';
import { noSession, zeroZxid } from '#core/model/zxid';
import { type CancellableCall, gone, tooMany } from './cancellable-call.ts';

type Waiter = (reply: Reply) => void;

export class ReadBarrier {
	/** Syncs that were asked for. */
	rounds = 0;
	readonly #host: Host;
	readonly #maxWaiting: number;
	/** For a sync that has not begun. */
	#waiting = new Set<Waiter>();
	/** For the one that is under way. */
	#passing = new Set<Waiter>();
	#isUnderWay = false;

	/** @param maxWaiting calls that may wait: `grpc.maxWaiting` */
	constructor(host: Host, maxWaiting: number) {
		this.#host = host;
		this.#maxWaiting = maxWaiting;
	}

	/** Calls that wait. */
	get size(): number {
		return this.#waiting.size + this.#passing.size;
	}

	/** With error 0 the caller may read. @throws RpcException when it is gone, or too many wait */
	async pass(call: CancellableCall): Promise<Reply> {
		// Alone, whatever was acknowledged is applied.
		if (this.#host.role === 'standalone') return { error: 0, zxid: zeroZxid };
		if (call.cancelled) throw gone();
		if (this.size >= this.#maxWaiting) throw tooMany(this.#maxWaiting);
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
			// Not one caller's request: what throttles callers does not refuse it.
			caller: systemCaller,
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
