/** What is held: a lock, a lease, leadership. */
import type { Chronokeeper } from '../chronokeeper.ts';
import type { HeldSession } from '../client-state.ts';
import { ConnectionLossError, SessionExpiredError } from '../errors.ts';
import type { Transaction } from '../transaction.ts';
import { retryMs } from './over-sessions.ts';
import { unhurried } from './patience.ts';
import { pause } from './pause.ts';

/** Why something is held no longer. */
export type LossReason = 'released' | 'sessionLost' | 'deleted';

const texts: Readonly<Record<LossReason, string>> = {
	released: 'it was released',
	sessionLost: 'the session that held it is lost',
	deleted: 'its node was deleted by somebody else',
};

/** The reason of a HeldLock's signal. */
export class LockLostError extends Error {
	readonly path: string;
	readonly reason: LossReason;

	/** @internal */
	constructor(path: string, reason: LossReason) {
		super(`${path} is held no longer: ${texts[reason]}`);
		this.name = 'LockLostError';
		this.path = path;
		this.reason = reason;
	}
}

/** An ephemeral node that stands for the possession of something, and of which session it is. */
export interface HeldNode {
	readonly path: string;
	/** Its czxid. */
	readonly token: bigint;
	readonly session: HeldSession;
}

/**
 * Possession, which an ephemeral node stands for. It ends by release(), with the session, or when somebody deletes the node; then the signal is aborted, with a LockLostError.
 *
 * A process can be stopped between looking at the signal and doing what it protects (garbage collection, SIGSTOP, a network that is slow), and wake up when another one has been let in.
 * No client can rule that out, so what must not happen twice is protected where it happens: by giving the resource the token, or by writing in a transaction() of the lock.
 */
export class HeldLock implements AsyncDisposable {
	/** The node that stands for it. */
	readonly path: string;
	/** The fencing token: greater than that of whoever held it before. A resource that refuses a smaller one than it has seen cannot be harmed by a holder who is late. */
	readonly token: bigint;
	readonly session: HeldSession;
	readonly #ck: Chronokeeper;
	readonly #end = new AbortController();
	readonly #loseSession = (): void => this.#lose('sessionLost');
	#isWatched = false;
	#released: Promise<void> | undefined;

	/** @internal */
	constructor(ck: Chronokeeper, { path, token, session }: HeldNode) {
		this.#ck = ck;
		this.path = path;
		this.token = token;
		this.session = session;
		if (session.signal.aborted) this.#loseSession();
		else session.signal.addEventListener('abort', this.#loseSession, { once: true });
	}

	/**
	 * Aborted when it is not surely held any more, with a LockLostError. The first look at it sets a watch on the node, which tells when somebody else deletes it; who never looks saves that.
	 */
	get signal(): AbortSignal {
		if (!this.#isWatched && !this.#end.signal.aborted) this.#watch();
		return this.#end.signal;
	}

	/** As far as is known here. */
	get isHeld(): boolean {
		return !this.signal.aborted;
	}

	/** A transaction whose first operation checks that it is still held: when it is not, NoNodeError, and nothing of it is done. The results have an entry for the check. */
	transaction(): Transaction {
		return this.#ck.transaction().check(this.path);
	}

	/**
	 * It is free when this resolves. One round trip; again, or when it was lost before, nothing.
	 * @throws ClientError when the node cannot be deleted; it goes with the session then
	 */
	release(): Promise<void> {
		this.#released ??= this.#release();
		return this.#released;
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.release();
	}

	/** The possession goes on in another node: this object stands for nothing any more. @internal */
	protected handOver(): void {
		this.#released = Promise.resolve();
		this.#lose('released');
	}

	async #release(): Promise<void> {
		const wasLost = this.#end.signal.aborted;
		this.#lose('released');
		if (!wasLost) await discard(this.#ck, this);
	}

	#watch(): void {
		this.#isWatched = true;
		this.#ck.untilDeleted(this.path, { signal: this.#end.signal }).then(
			() => this.#lose('deleted'),
			// Released, or the session is lost: the signal has said so. A server that refuses the watch leaves the session's end to tell.
			() => {},
		);
	}

	#lose(reason: LossReason): void {
		this.session.signal.removeEventListener('abort', this.#loseSession);
		this.#end.abort(new LockLostError(this.path, reason));
	}
}

/** Deletes a node of one's own. With its session it is gone, or going. @throws ClientError when the server refuses */
export async function discard(ck: Chronokeeper, { path, session }: HeldNode): Promise<void> {
	for (;;) {
		if (session.signal.aborted) return;
		try {
			await ck.delete(path, { ifExists: true, ...unhurried });
			return;
		} catch (error) {
			if (session.signal.aborted) return;
			// The name is nobody else's: to delete it once more does no harm.
			if (!(error instanceof ConnectionLossError || error instanceof SessionExpiredError)) throw error;
			await pause(retryMs);
		}
	}
}
