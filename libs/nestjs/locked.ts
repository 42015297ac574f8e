/** Methods that run one at a time in the whole cluster. */
import { type Chronokeeper, DistributedLock, type HeldLock, type LockOptions } from '#client/index';
import {
	type AnyMethodDecorator,
	type AsyncMethodDecorator,
	Holdings,
	injectedInto,
	replaceMethod,
} from './guarded-method.ts';
import { chronokeeperToken } from './tokens.ts';

export interface LockedOptions extends LockOptions {
	/** How long a call waits for the lock; for ever when absent. Then it fails with a WaitTimeoutError. */
	readonly timeoutMs?: number;
	/** When somebody else has the lock, the call does nothing and resolves to undefined: for schedules. */
	readonly skipWhenLocked?: boolean;
}

const locks = new Holdings();

/** The lock that the running method holds by @Locked, the innermost. @throws Error outside of such a method */
export function currentLock(): HeldLock {
	const { current } = locks;
	if (current === undefined) throw new Error('no method with @Locked is running here');
	return current;
}

/**
 * The method runs while its caller holds the lock at the path, a DistributedLock: one at a time among all processes. `currentLock()` is what it holds: `signal` is aborted when the lock is lost
 * while it runs, and `token` is what others can tell a late holder by. The lock is released when the method has ended; when it was lost before, the call fails with a LockLostError whatever the
 * method returned. A method that calls another one with the same lock does not wait for itself.
 *
 * @param path or what makes it of the method's arguments
 */
export function Locked(path: string, options?: LockedOptions): AnyMethodDecorator;
export function Locked<Args extends unknown[]>(
	path: (...args: Args) => string,
	options?: LockedOptions,
): AsyncMethodDecorator<Args>;
export function Locked<Args extends unknown[]>(
	path: string | ((...args: Args) => string),
	{ timeoutMs, skipWhenLocked = false, ...lockOptions }: LockedOptions = {},
): AsyncMethodDecorator<Args> {
	return (target, _key, descriptor) => {
		const clientOf = injectedInto<Chronokeeper>(target, chronokeeperToken);
		replaceMethod(
			descriptor,
			(method) =>
				async function (this: object, ...args) {
					const of = typeof path === 'string' ? path : path(...args);
					if (locks.of(of) !== undefined) return method.apply(this, args);
					const lock = new DistributedLock(clientOf(this), of, lockOptions);
					const held = skipWhenLocked ? await lock.tryAcquire() : await lock.acquire({ timeoutMs });
					// Whoever skips says that undefined is an answer, too.
					if (held === undefined) return undefined as never;
					try {
						// From here on somebody listens: a loss is noticed.
						const { signal } = held;
						const result = await locks.run(of, held, () => method.apply(this, args));
						signal.throwIfAborted();
						return result;
					} finally {
						await held.release();
					}
				},
		);
	};
}
