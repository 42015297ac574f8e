/** Chronokeeper in Nest applications: an injectable client, locks and leaders as decorators, live configuration, health. */

export {
	ChronokeeperModule,
	type ChronokeeperModuleAsyncOptions,
	type ConfigurationModuleOptions,
} from './chronokeeper.module.ts';
export { type ChronokeeperHealth, ChronokeeperHealthIndicator } from './chronokeeper-health-indicator.ts';
export { Elections, type LeaderWork } from './elections.ts';
export { currentLeadership, LeaderOnly, WhileLeader } from './leader-only.ts';
export { currentLock, Locked, type LockedOptions } from './locked.ts';
export { InjectChronokeeper, InjectConfiguration } from './tokens.ts';
