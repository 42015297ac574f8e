/** What a replica holds, whatever its role: the tree, its sessions and watches, and the end of the chain that changes them. */

import { Final, type FinalParts } from '../chain/final.ts';
import type { ChainOptions } from '../chain/options.ts';
import { Sync } from '../chain/sync.ts';
import type { SessionId, Zxid } from '../model/zxid.ts';
import type { Clock } from '../ports/clock.ts';
import type { Tracer } from '../ports/tracer.ts';
import type { TxnLog } from '../ports/txn-log.ts';
import { SessionTable } from '../session/session-table.ts';
import type { DataTree } from '../tree/data-tree.ts';
import type { FrozenTree } from '../tree/frozen-tree.ts';
import { WatchManager } from '../tree/watches.ts';
import { Containers } from './containers.ts';

export interface StoreParts {
	readonly tree: DataTree;
	/** Open sessions with their timeouts. */
	readonly sessions: ReadonlyMap<SessionId, number>;
	readonly log: TxnLog;
	readonly clock: Clock;
	readonly tracer: Tracer;
	readonly serverId: number;
	readonly options: ChainOptions;
	readonly outcomes: Pick<FinalParts, 'onSessionClosed' | 'onAnswered' | 'onError' | 'onCommitted'>;
}

export class Store {
	readonly tree: DataTree;
	readonly sessions: SessionTable;
	readonly watches: WatchManager;
	readonly containers: Containers;
	readonly sync: Sync;
	readonly final: Final;

	constructor({ tree, sessions, log, clock, tracer, serverId, options, outcomes }: StoreParts) {
		const nowMs = clock.monotonicMs();
		this.tree = tree;
		this.sessions = new SessionTable({
			serverId,
			tickMs: options.tickMs,
			minSessionTimeoutMs: options.minSessionTimeoutMs,
			maxSessionTimeoutMs: options.maxSessionTimeoutMs,
			committed: sessions,
			timeMs: clock.now(),
			nowMs,
		});
		this.watches = options.skipAcl ? new WatchManager(tree, () => true) : new WatchManager(tree);
		this.containers = new Containers(tree, options, nowMs);
		this.sync = new Sync(log, options.maxPendingLogBytes);
		this.final = new Final({
			tree,
			watches: this.watches,
			sessions: this.sessions,
			options,
			clock,
			tracer,
			...outcomes,
		});
	}

	/** The last transaction of the log, applied or not. */
	get lastLogged(): Zxid {
		return this.final.lastExpected ?? this.tree.lastProcessedZxid;
	}

	/** Exactly as it is now. The caller releases it. */
	freeze(): FrozenTree {
		const frozen = this.tree.freeze();
		frozen.sessions = this.sessions.committed();
		return frozen;
	}
}
