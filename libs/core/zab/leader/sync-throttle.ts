/** How many learners are brought up at a time, by ZooKeeper's rule: followers always are, and count; an observer that is one too many has to come again. */
import { QuorumError } from '../quorum-error.ts';

export interface SyncLimits {
	/** ZooKeeper's forceSnapshotSync: nobody is sent anything else. */
	readonly forceSnapshot: boolean;
	readonly maxConcurrentSnapSyncs: number;
	/** Of all that is no snapshot. */
	readonly maxConcurrentDiffSyncs: number;
}

const defaultLimits: SyncLimits = { forceSnapshot: false, maxConcurrentSnapSyncs: 10, maxConcurrentDiffSyncs: 100 };

export type SyncWay = 'snap' | 'diff';

const keys = { snap: 'maxConcurrentSnapSyncs', diff: 'maxConcurrentDiffSyncs' } as const;

/** It comes again, and is brought up in the same way. */
export class TooManySyncs extends QuorumError {}

export class SyncThrottle {
	readonly limits: SyncLimits;
	readonly #underWay = { snap: 0, diff: 0 };

	constructor(limits: SyncLimits = defaultLimits) {
		this.limits = limits;
	}

	/** @returns what ends it; a second call does nothing @throws TooManySyncs when there are too many already */
	begin(way: SyncWay, role: 'follower' | 'observer'): () => void {
		const key = keys[way];
		const most = this.limits[key];
		if (role === 'observer' && this.#underWay[way] >= most) {
			throw new TooManySyncs(`as many as ${key}=${most} allows are brought up already: an observer has to come again`);
		}
		this.#underWay[way] += 1;
		let isOver = false;
		return () => {
			if (!isOver) this.#underWay[way] -= 1;
			isOver = true;
		};
	}
}
