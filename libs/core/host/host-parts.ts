/** What a host is made of, and what it tells. */
import type { ChainOptions } from '../chain/options.ts';
import type { Request } from '../model/op.ts';
import type { TxnRecord } from '../model/txn-record.ts';
import type { SessionId, Zxid } from '../model/zxid.ts';
import type { Clock } from '../ports/clock.ts';
import type { Schedule } from '../ports/schedule.ts';
import type { Tracer } from '../ports/tracer.ts';
import type { TxnLog } from '../ports/txn-log.ts';
import type { DataTree } from '../tree/data-tree.ts';
import type { MirrorHold } from './mirror-hold.ts';

/** `looking`: a member of an ensemble that has no leader serves nobody; `readOnly`: only reads, to clients that accept that. */
export type HostState = 'serving' | 'looking' | 'readOnly' | 'logFailed' | 'broken' | 'stopped';

export interface HostParts {
	readonly tree: DataTree;
	/** Open sessions of the recovered state, with their timeouts. */
	readonly sessions: ReadonlyMap<SessionId, number>;
	readonly lastZxid: Zxid;
	/** New transactions are of this epoch; at least that of lastZxid. */
	readonly epoch: number;
	readonly log: TxnLog;
	readonly clock: Clock;
	readonly tracer: Tracer;
	readonly schedule: Schedule;
	readonly serverId: number;
	readonly options: ChainOptions;
	readonly events?: HostEvents;
	/** A member of an ensemble: its roles come by lead() and follow(). */
	readonly isMember?: boolean;
	/** With audit.mode=strict; a member's peer is given the same. */
	readonly hold?: MirrorHold | undefined;
}

/** Told synchronously; must not throw. */
export interface HostEvents {
	/** Everything up to this zxid is applied; once per batch. */
	applied?(zxid: Zxid): void;
	/** A session is over: its connections are to be closed behind the answers they already have. */
	sessionClosed?(id: SessionId): void;
	/** `reason` says what happened and what to do. */
	stateChanged?(state: HostState, reason: Error): void;
	/** A bug that harmed one request only. */
	requestFailed?(error: unknown, request: Request): void;
	/** The end of a batch of answers: doors that collect their output send it now. */
	answered?(): void;
	/** The log has everything up to this zxid. */
	durable?(zxid: Zxid): void;
	/** A transaction was applied. */
	committed?(record: TxnRecord): void;
	/** The epoch has no zxid left (semantics 7): a leader makes room for a new one. */
	exhausted?(): void;
}
