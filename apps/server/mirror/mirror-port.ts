/** What the server needs of the mirror. libs/audit has it; loading that takes a quarter of a second, which a start does not wait for. */
import type { Mirror, MirrorStatus } from '#audit/mirror';
import type { WrittenBatch } from '#audit/mirror-loop';
import type { Zxid } from '#core/model/zxid';

export interface MirrorCallbacks {
	/** In strict mode nothing is acknowledged before this is told. */
	readonly mirrored: (zxid: Zxid) => void;
	readonly wrote: (batch: WrittenBatch) => void;
	readonly changed: (status: MirrorStatus) => void;
}

export interface MirrorParts {
	readonly start: (databaseUrl: string, callbacks: MirrorCallbacks) => Promise<Mirror>;
	/** How far the database is, whoever writes to it; 0 when nobody has begun. @throws when it does not answer */
	readonly mirroredIn: (databaseUrl: string) => Promise<Zxid>;
}
