/** What the server needs of the mirror: libs/audit has it, in a worker thread. */
import type { Zxid } from '#core/model/zxid';

export type MirrorState = 'starting' | 'catching-up' | 'in-step' | 'away' | 'stopped';

export interface MirrorStatus {
	/** Everything up to this zxid is in PostgreSQL. */
	readonly mirroredZxid: Zxid;
	readonly lagTxns: number;
	readonly state: MirrorState;
	readonly lastError: string | null;
}

export interface RunningMirror {
	committed(zxid: Zxid): void;
	status(): MirrorStatus;
	/** Writes what is left when the database answers, for so long at most. */
	stop(timeoutMs: number): Promise<void>;
}

export type StartMirror = (options: {
	readonly databaseUrl: string;
	/** In strict mode nothing is acknowledged before this is told. */
	readonly onMirrored: (zxid: Zxid) => void;
}) => Promise<RunningMirror>;
