/** The recipes: what programs need to agree on something, each in a few lines. docs/recipes.md shows them. */
export { Barrier, type SetBarrierOptions } from './barrier.ts';
export type { Contender } from './contenders.ts';
export { DoubleBarrier, type DoubleBarrierOptions, InsideBarrier } from './double-barrier.ts';
export { HeldLock, LockLostError, type LossReason } from './held.ts';
export { type ElectionOptions, LeaderElection, type Leadership } from './leader-election.ts';
export { DistributedLock, type Lockable, type LockOptions } from './lock.ts';
export { HeldLocks, MultiLock } from './multi-lock.ts';
export { type WaitOptions, WaitTimeoutError } from './patience.ts';
export {
	ExclusiveLock,
	HeldWriteLock,
	type ReadWriteContender,
	ReadWriteLock,
	type ReadWriteLockOptions,
	SharedLock,
} from './read-write-lock.ts';
export { Semaphore, type SemaphoreOptions } from './semaphore.ts';
