import { statSync } from 'node:fs';
import type { Replica } from '../../replica/replica.ts';

/** The snapshot that was written last; before the first of this process, the one it started from. */
export function lastSnapshot({
	snapshots,
	recovery,
}: Replica): { readonly zxid: number; readonly writtenSeconds: number } | undefined {
	const file = snapshots.last?.file ?? recovery.recovered.snapshot?.path;
	const zxid = snapshots.last?.zxid ?? recovery.recovered.snapshot?.zxid;
	if (file === undefined || zxid === undefined) return undefined;
	const written = statSync(file, { throwIfNoEntry: false });
	return written === undefined ? undefined : { zxid, writtenSeconds: Math.floor(written.mtimeMs / 1000) };
}
