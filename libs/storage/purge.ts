/** Autopurge: removes snapshots and logs that nobody needs any more. */
import fs from 'node:fs';
import type { Zxid } from '#core/model/zxid';
import type { DataDirectory, StoredFile } from './data-directory.ts';
import { syncDirectorySync } from './disk.ts';
import { missingSeal } from './snapshot-tail.ts';

export interface PurgeRequest {
	/** How many snapshots to keep: autopurge.snapRetainCount, at least 3 as in ZooKeeper. */
	readonly retain: number;
	/** The first zxid that the mirror does not have yet: neither its log nor the snapshot before it goes. */
	readonly keepFromZxid: Zxid;
}

export const minRetain = 3;

/** What purge() would remove: snapshots, then logs. */
export function purgeable(directory: DataDirectory, request: PurgeRequest): StoredFile[] {
	const snapshots = directory.snapshots();
	const sound = snapshots.filter((snapshot) => missingSeal(snapshot.path) === null);
	const retained = sound.slice(-Math.max(minRetain, request.retain));
	if (retained.length < minRetain) return [];
	// The mirror may need a tree to begin with: the newest before what it lacks.
	const base = sound.findLast((snapshot) => snapshot.zxid < request.keepFromZxid);
	const oldest = Math.min(retained[0]!.zxid, base?.zxid ?? 0);
	const keepFrom = Math.min(oldest, request.keepFromZxid);
	const logs = directory.logs();
	// A log ends before the name of the next one: it is needed unless even that begins at or before what is kept.
	const oldLogs = logs.filter((_log, index) => (logs[index + 1]?.zxid ?? Number.POSITIVE_INFINITY) <= keepFrom);
	return [...snapshots.filter((snapshot) => snapshot.zxid < oldest), ...oldLogs];
}

/** Removes them in that order: a crash in between leaves logs too many, never a snapshot whose logs are gone. */
export function purge(directory: DataDirectory, request: PurgeRequest): StoredFile[] {
	const files = purgeable(directory, request);
	for (const file of files) fs.unlinkSync(file.path);
	if (files.length > 0) {
		syncDirectorySync(directory.snapshotDirectory);
		syncDirectorySync(directory.logDirectory);
	}
	return files;
}
