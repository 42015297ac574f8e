/** What leader and learner alike are given. */
import type { CommitHold } from '../ports/commit-hold.ts';
import type { History } from '../ports/history.ts';
import type { After } from '../ports/timers.ts';
import type { SyncLimits } from './leader/sync-throttle.ts';
import type { Membership } from './membership.ts';

export interface ZabParts {
	readonly serverId: number;
	readonly membership: Membership;
	readonly history: History;
	readonly after: After;
	/** Monotonic. */
	nowMs(): number;
	readonly limits: ZabLimits;
	/** Of a leader: with audit.mode=strict. */
	readonly hold?: CommitHold | undefined;
	/** Of a leader. */
	readonly syncLimits?: SyncLimits | undefined;
}

export interface ZabLimits {
	readonly tickMs: number;
	/** Ticks to find and synchronize with each other. */
	readonly initLimit: number;
	/** Ticks of silence after that. */
	readonly syncLimit: number;
}
