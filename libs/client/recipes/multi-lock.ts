/** Several locks as one. */
import type { Chronokeeper } from '../chronokeeper.ts';
import type { HeldLock } from './held.ts';
import { DistributedLock, type Lockable, type LockOptions } from './lock.ts';
import { patiently, underSignals, type WaitOptions } from './patience.ts';

/**
 * All of its locks or none. They are taken one after the other in the order of their paths, whatever order they were given in, so that two who want some of the same never wait for each other.
 * Whoever takes several locks otherwise beside it must keep to that order, too.
 *
 * Guarantee: that of each lock; each has its own token, for the resource that it protects.
 *
 * Fails: WaitTimeoutError and OperationAbortedError give back what was taken already. When one is lost while it waits for the others, it gives all back and begins anew.
 *
 * Costs: 1 round trip and 1 watch for each lock to acquire when they are free, 1 to release all.
 */
export class MultiLock {
	readonly #locks: readonly Lockable[];

	/** @param locks paths of DistributedLocks, or other locks: a side of a ReadWriteLock, a Semaphore */
	constructor(ck: Chronokeeper, locks: readonly (string | Lockable)[], options: LockOptions = {}) {
		const all = locks.map((lock) => (typeof lock === 'string' ? new DistributedLock(ck, lock, options) : lock));
		const byPath = new Map(all.map((lock) => [lock.path, lock]));
		if (byPath.size < all.length) throw new RangeError('a lock that is named twice would wait for itself');
		this.#locks = [...byPath.values()].sort((one, other) => (one.path < other.path ? -1 : 1));
	}

	/** In the order in which they are taken. */
	get paths(): string[] {
		return this.#locks.map(({ path }) => path);
	}

	/** Waits until all are held. @throws WaitTimeoutError, OperationAbortedError, ClientError */
	acquire(options: WaitOptions = {}): Promise<HeldLocks> {
		return patiently(this.paths.join(', '), options, async (signal) => {
			for (;;) {
				const held = await this.#acquireAll(signal);
				if (held !== undefined) return held;
			}
		});
	}

	/** Undefined when one was lost before the last was there. */
	async #acquireAll(signal: AbortSignal): Promise<HeldLocks | undefined> {
		const held = new Map<string, HeldLock>();
		try {
			for (const lock of this.#locks) {
				const losses = [...held.values()].map((one) => one.signal);
				held.set(lock.path, await underSignals([signal, ...losses], (first) => lock.acquire({ signal: first })));
			}
			if ([...held.values()].every(({ isHeld }) => isHeld)) return new HeldLocks(held);
			await releaseAll(held);
			return undefined;
		} catch (error) {
			const isOneLost = [...held.values()].some(({ isHeld }) => !isHeld);
			const releasing = releaseAll(held);
			if (!signal.aborted && isOneLost) {
				await releasing;
				return undefined;
			}
			releasing.catch(() => {});
			throw error;
		}
	}
}

/** All of the locks of a MultiLock. */
export class HeldLocks implements AsyncDisposable {
	readonly #held: ReadonlyMap<string, HeldLock>;
	readonly #end = new AbortController();

	/** @internal */
	constructor(held: ReadonlyMap<string, HeldLock>) {
		this.#held = held;
		for (const { signal } of held.values()) {
			if (signal.aborted) this.#end.abort(signal.reason);
			signal.addEventListener('abort', () => this.#end.abort(signal.reason), { once: true });
		}
	}

	/** Aborted, with a LockLostError, when one of them is not surely held any more. */
	get signal(): AbortSignal {
		return this.#end.signal;
	}

	get isHeld(): boolean {
		return !this.signal.aborted;
	}

	/** By the path of the lock. */
	get locks(): ReadonlyMap<string, HeldLock> {
		return this.#held;
	}

	/** Of the lock with this path. @throws RangeError when there is none */
	token(path: string): bigint {
		const held = this.#held.get(path);
		if (held === undefined) throw new RangeError(`${path} is none of ${[...this.#held.keys()].join(', ')}`);
		return held.token;
	}

	/** All of them, together. @throws AggregateError of what failed; the rest is released */
	release(): Promise<void> {
		return releaseAll(this.#held);
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.release();
	}
}

async function releaseAll(held: ReadonlyMap<string, HeldLock>): Promise<void> {
	const outcomes = await Promise.allSettled([...held.values()].map((one) => one.release()));
	const failed = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
	if (failed.length > 0) throw new AggregateError(failed, 'not all locks could be released');
}
