/** How a learner is brought up to the leader's history: ZooKeeper's LearnerHandler.syncFollower as a decision (semantics 80). */
import { counterOf, epochOf, type Zxid } from '../../model/zxid.ts';
import type { History } from '../../ports/history.ts';

export type SyncPlan =
	/** DIFF with `zxid`, then the window's transactions behind `after`. */
	| { readonly kind: 'diff'; readonly zxid: Zxid; readonly after: Zxid }
	/** TRUNC to `zxid`, then the window's transactions behind it. */
	| { readonly kind: 'trunc'; readonly zxid: Zxid; readonly after: Zxid }
	/** DIFF with `zxid`, then those behind `after` from the log on disk and the window, if they are there. */
	| { readonly kind: 'log'; readonly zxid: Zxid; readonly after: Zxid }
	| { readonly kind: 'snap' };

export function planSync(history: Pick<History, 'lastCommitted' | 'window'>, learnerLastZxid: Zxid): SyncPlan {
	const { window, lastCommitted } = history;
	const { minCommitted, maxCommitted } = window;
	if (learnerLastZxid === lastCommitted) return { kind: 'diff', zxid: learnerLastZxid, after: learnerLastZxid };
	// A leader reports its epoch's zxid while it has proposed nothing, and so do those that got its snapshot then: no transaction has it.
	const isEpoch = counterOf(learnerLastZxid) === 0;
	if (learnerLastZxid > maxCommitted) {
		return isEpoch ? { kind: 'snap' } : { kind: 'trunc', zxid: maxCommitted, after: maxCommitted };
	}
	if (learnerLastZxid < minCommitted) return { kind: 'log', zxid: maxCommitted, after: learnerLastZxid };
	if (isEpoch || learnerLastZxid === minCommitted || window.has(learnerLastZxid)) {
		return { kind: 'diff', zxid: maxCommitted, after: learnerLastZxid };
	}
	// It has a transaction of a leader that did not get a quorum for it.
	const next = window.after(learnerLastZxid)[0];
	const floor = window.floor(learnerLastZxid);
	const sameEpoch = next !== undefined && epochOf(next.header.zxid) === epochOf(learnerLastZxid);
	// ZooKeeper's learners cannot cut across epochs.
	return sameEpoch && floor !== undefined ? { kind: 'trunc', zxid: floor, after: floor } : { kind: 'snap' };
}
