/** The recipes: what programs need to agree on something, each in a few lines. docs/recipes.md shows them. */
export type { AclOption } from './acl-option.ts';
export { Barrier, type SetBarrierOptions } from './barrier.ts';
export { bytesCodec, type Codec, integerCodec, jsonCodec, textCodec } from './codec.ts';
export {
	Configuration,
	type ConfigurationChanges,
	ConfigurationConflictError,
	type ConfigurationOptions,
	type ConfigurationState,
	type UpdateOptions,
} from './configuration.ts';
export type { ConfigurationVersion } from './configuration-history.ts';
export type { Contender } from './contenders.ts';
export { Counter } from './counter.ts';
export { type DelayOptions, DelayQueue } from './delay-queue.ts';
export type { Departure } from './departure.ts';
export { DoubleBarrier, type DoubleBarrierOptions, InsideBarrier } from './double-barrier.ts';
export { type ConsumeOptions, ElementQueue, type QueueOptions } from './element-queue.ts';
export { Group, type GroupChange, type Member, Membership } from './group.ts';
export type { HealthOptions } from './health-check.ts';
export { HeldLock, LockLostError, type LossReason } from './held.ts';
export { type HostChange, HostMonitor, type HostStatus, HostView, type HostViewOptions } from './host-monitor.ts';
export { IdSequence, type IdSequenceOptions } from './id-sequence.ts';
export { type ElectionOptions, LeaderElection, type Leadership } from './leader-election.ts';
export {
	type BalancerOptions,
	type InstanceSource,
	type Lease,
	LoadBalancer,
	NoInstanceError,
	type PickOptions,
	type Strategy,
	type StrategyName,
} from './load-balancer.ts';
export { DistributedLock, type Lockable, type LockOptions } from './lock.ts';
export { HeldLocks, MultiLock } from './multi-lock.ts';
export { ClaimedName, type NameOwner, NameTakenError, NamingService } from './naming-service.ts';
export { type WaitOptions, WaitTimeoutError } from './patience.ts';
export { PriorityQueue, type PutOptions } from './priority-queue.ts';
export { Queue } from './queue.ts';
export { QueueItem } from './queue-item.ts';
export {
	ExclusiveLock,
	HeldWriteLock,
	type ReadWriteContender,
	ReadWriteLock,
	type ReadWriteLockOptions,
	SharedLock,
} from './read-write-lock.ts';
export { Semaphore, type SemaphoreOptions } from './semaphore.ts';
export { ServiceDiscovery, ServicesView, ServiceView } from './service-discovery.ts';
export type { ServiceInstance } from './service-instance.ts';
export {
	type InstanceDetails,
	type RegisterOptions,
	Registration,
	RegistrationEndedError,
	ServiceRegistry,
} from './service-registry.ts';
export { type SharedState, SharedValue } from './shared-value.ts';
export { InvalidValueError, type Schema, type StandardSchema } from './standard-schema.ts';
export {
	type HeldPartition,
	type PartitionerOptions,
	type PartitionWork,
	PartitionWorker,
	WorkPartitioner,
} from './work-partitioner.ts';
