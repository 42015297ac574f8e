/** What the server needs of the mirror. libs/audit has it; loading that takes a quarter of a second, which a start does not wait for. */
import type { Mirror, MirrorStatus } from '#audit/mirror';
import type { Zxid } from '#core/model/zxid';

export interface MirrorCallbacks {
	/** In strict mode nothing is acknowledged before this is told. */
	readonly mirrored: (zxid: Zxid) => void;
	readonly changed: (status: MirrorStatus) => void;
}

export type StartMirror = (databaseUrl: string, callbacks: MirrorCallbacks) => Promise<Mirror>;
