import type { Stat } from '#proto/chronokeeper/v1/common';
import type { Chronokeeper } from '../chronokeeper.ts';
import { NoNodeError, OutcomeUnknownError } from '../errors.ts';
import type { Patience } from '../submission.ts';
import type { Codec } from './codec.ts';
import { discard, HeldLock, type HeldNode, LockLostError } from './held.ts';

/** An element of a queue, and where its data came from. */
export interface TakenElement extends HeldNode {
	/** Of its node, which it keeps when it is given again. */
	readonly name: string;
	readonly entryPath: string;
	readonly data: Uint8Array;
	readonly stat: Stat;
}

/**
 * An element of a queue that is this consumer's until ack(), release(), or the end of the session. Its `token` is greater each time that the element is given; its `signal` says when it is not
 * surely this consumer's any more.
 */
export class QueueItem<T> extends HeldLock {
	/** Of the element: the same when it is given again. */
	readonly name: string;
	/** As they were put. */
	readonly data: Uint8Array;
	/** When it was put, by the leader's clock. */
	readonly putAt: Date;
	readonly #ck: Chronokeeper;
	readonly #element: TakenElement;
	readonly #codec: Codec<T>;
	readonly #released: () => void;
	#isSettled = false;

	/** @param released called when it is free again @internal */
	constructor(ck: Chronokeeper, element: TakenElement, codec: Codec<T>, released: () => void) {
		super(ck, element);
		this.name = element.name;
		this.data = element.data;
		this.putAt = new Date(Number(element.stat.ctimeMs));
		this.#ck = ck;
		this.#element = element;
		this.#codec = codec;
		this.#released = released;
	}

	/** What the codec makes of the data. @throws what it throws */
	get value(): T {
		return this.#codec.decode(this.data);
	}

	/** Acknowledged or released by this consumer. */
	get isSettled(): boolean {
		return this.#isSettled;
	}

	/**
	 * The element is done: it leaves the queue, and is never given again. One transaction deletes it and its lock, so that nobody can have taken it in between.
	 *
	 * @returns the transaction's zxid; 0n when the answer was lost, and the element's absence told that it was done
	 * @throws LockLostError when it was not this consumer's any more: another one has it, or will have; SessionExpiredError when the answer was lost with the session, and nobody knows; other
	 * ClientErrors when it was not done, and can be tried again
	 */
	async ack(patience: Patience = {}): Promise<bigint> {
		const { path, entryPath, session } = this.#element;
		let zxid = 0n;
		for (;;) {
			if (this.#isSettled) throw new LockLostError(path, 'released');
			// What is submitted from here on is done in this session, or not at all.
			if (session.signal.aborted) throw new LockLostError(path, 'sessionLost');
			try {
				const [deleted] = await this.#ck.transaction().delete(path).delete(entryPath).commit(patience);
				zxid = deleted!.zxid;
				break;
			} catch (error) {
				if (error instanceof NoNodeError) throw await this.#whyMissing(error);
				if (!(error instanceof OutcomeUnknownError)) throw error;
				// Nobody else deletes what this consumer has locked.
				if ((await this.#ck.exists(entryPath, { linearizable: true, ...patience })) === undefined) break;
			}
		}
		this.#isSettled = true;
		this.handOver();
		return zxid;
	}

	/** It goes back to its place in the queue, for anybody. */
	override async release(): Promise<void> {
		this.#isSettled = true;
		await super.release();
		this.#released();
	}

	async #whyMissing(error: NoNodeError): Promise<Error> {
		if (error.op === 0) return new LockLostError(this.path, 'deleted');
		// Somebody has deleted the element behind the queue's back; nobody needs the lock any more.
		await discard(this.#ck, this.#element);
		return error;
	}
}
