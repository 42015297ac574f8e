import type { Zxid } from '../model/zxid.ts';

/** What a transaction has to wait for besides the disks of a quorum, or alone its own: with audit.mode=strict the mirror. */
export interface CommitHold {
	/** A new term, or the start: nobody waits. */
	begin(): void;
	/**
	 * Everything up to this zxid survives whatever happens, and this replica's log has it: it may be mirrored.
	 * @returns up to where it is, too, and so may be committed
	 */
	decided(zxid: Zxid): Zxid;
	/** Somebody waits, and has for too long: no new write is taken. */
	readonly isOverdue: boolean;
}
