/** What outlives a member's process: its disk, as a process opens it. */
import type { Host } from '#core/host/host';
import type { TxnRecord } from '#core/model/txn-record';
import type { SessionId, Zxid } from '#core/model/zxid';
import type { ReplicaStorage } from '#core/ports/replica-storage';
import type { TxnLog, TxnLogListener } from '#core/ports/txn-log';
import type { DataTree } from '#core/tree/data-tree';
import type { ProcessGate } from './process-gate.ts';

export interface Opened {
	readonly tree: DataTree;
	readonly sessions: ReadonlyMap<SessionId, number>;
	readonly lastZxid: Zxid;
	readonly log: MachineLog;
	readonly storage: ReplicaStorage;
}

export interface MachineLog extends TxnLog {
	listen(listener: TxnLogListener): void;
}

export interface Machine {
	readonly counts: StorageCounts;
	/** Bits of its files flipped: what is there may not be enough to begin with. */
	readonly isDamaged: boolean;
	/** The longest that a sync takes, milliseconds. */
	syncMs: number;
	/**
	 * A process begins with what is there.
	 * @param live the tree of the process, once it has one
	 * @throws Error when what is there is not enough to begin with
	 */
	open(gate: ProcessGate, live: () => DataTree): Promise<Opened>;
	/** Writes a snapshot of the process's own, should it be the time for one. */
	snapshot(host: Host): Promise<void>;
	/** The disk takes nothing more, until the process is started again. */
	fail(): void;
	/** It does again, should the process not have noticed. */
	makeRoom(): void;
	/** The process is gone, and with the power what was not synced, as a whole or in part. */
	stopped(isPowerCut: boolean): void;
	/** An empty disk takes its place. */
	replace(): void;
	/** What the log has, for who checks it. */
	records(): readonly TxnRecord[];
	/** Whether a snapshot has what is missing in the log between two zxids: a power cut takes from a log what is in a snapshot already. */
	isInSnapshot(after: Zxid, before: Zxid): boolean;
	/** Nobody needs it any more. */
	remove(): void;
}

/** What happened. */
export interface StorageCounts {
	/** Snapshots that were streamed while transactions changed the tree, each a state that never was. */
	torn: number;
	installed: number;
	/** Of those the ones that no transaction had proved when they were. */
	unproved: number;
	/** TRUNC that could not be performed. */
	refused: number;
}

export function noCounts(): StorageCounts {
	return { torn: 0, installed: 0, unproved: 0, refused: 0 };
}
