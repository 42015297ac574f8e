import type { QuorumConfig } from '../../zab/quorum-config.ts';

/** What prep knows of the ensemble that the replica leads. */
export interface Ensemble {
	readonly membership: { readonly current: QuorumConfig; readonly next: QuorumConfig | null };
	/** Whether a quorum of it is in step with this leader. */
	isQuorumSynced(config: QuorumConfig): boolean;
	/** For the log: why a reconfiguration is refused, and what to do; a client gets a code only. */
	refused(reason: string): void;
}
