/** Writes a snapshot file: synchronously and in bounded memory, for a worker thread or a command line. */
import fs from 'node:fs';
import path from 'node:path';
import type { Zxid } from '#core/model/zxid';
import { digestVersion } from '#core/tree/digest';
import { adler32 } from '#jute/adler32';
import { JuteWriter } from '#jute/codec';
import type { Acl } from '#jute/records';
import type { SessionId } from '#jute/scalars';
import { syncDirectorySync } from './disk.ts';
import { fileHeader, snapshotKind } from './file-header.ts';
import { snapshotFileName, unfinishedSnapshotPrefix } from './file-names.ts';
import { type SnapshotNode, writeAclEntry, writeNode, writeSession } from './snapshot-items.ts';
import type { SnapshotDigest } from './snapshot-reader.ts';

export interface SnapshotContent {
	readonly zxid: Zxid;
	readonly sessions: ReadonlyMap<SessionId, number>;
	readonly acls: readonly (readonly [number, readonly Acl[]])[];
	/** Parents before their children, the root first. */
	readonly nodes: Iterable<SnapshotNode>;
}

export interface WrittenSnapshot {
	readonly file: string;
	readonly bytes: number;
	readonly nodes: number;
}

const flushBytes = 1 << 20;
/** Synced in steps: one sync of a large file at its end would hold up those of the transaction log. */
const syncStepBytes = 16 << 20;

/**
 * Writes the snapshot into the directory, as `snapshot.<zxid>` unless it gets another name: under a temporary one first, then synced, renamed, and the directory synced. An exact snapshot: its
 * digest section has the name's zxid; none is written for a tree whose digest is not that of its zxid. What goes wrong leaves no snapshot behind.
 */
export function writeSnapshotFile(
	directory: string,
	content: SnapshotContent,
	digest: bigint | null,
	name: string = snapshotFileName(content.zxid),
): WrittenSnapshot {
	const temporary = path.join(directory, unfinishedSnapshotPrefix + content.zxid.toString(16));
	const file = path.join(directory, name);
	const fd = fs.openSync(temporary, 'w');
	try {
		const section = digest === null ? null : { zxid: content.zxid, version: digestVersion, value: digest };
		let unsynced = 0;
		const written = writeSnapshot(content, section, (bytes) => {
			writeAll(fd, bytes);
			unsynced += bytes.length;
			if (unsynced < syncStepBytes) return;
			fs.fdatasyncSync(fd);
			unsynced = 0;
		});
		fs.fsyncSync(fd);
		fs.closeSync(fd);
		fs.renameSync(temporary, file);
		syncDirectorySync(directory);
		return { file, ...written };
	} catch (error) {
		tryQuietly(() => fs.closeSync(fd));
		tryQuietly(() => fs.unlinkSync(temporary));
		throw error;
	}
}

/** The bytes of a snapshot, in pieces that are valid until `write` returns. Without a digest section as ZooKeeper 3.5 has it. */
export function writeSnapshot(
	content: SnapshotContent,
	digest: SnapshotDigest | null,
	write: (bytes: Uint8Array) => void,
): { bytes: number; nodes: number } {
	const writer = new JuteWriter(flushBytes + (1 << 16));
	let checksum = 1;
	let bytes = 0;
	let nodes = 0;
	const flush = () => {
		checksum = adler32(writer.bytes, 0, writer.position, checksum);
		bytes += writer.position;
		write(writer.view());
		writer.reset();
	};
	const seal = () => {
		flush();
		writer.writeInt(0);
		writer.writeUint32(checksum);
		writer.writeString('/');
	};
	writer.writeRaw(fileHeader(snapshotKind));
	writer.writeInt(content.sessions.size);
	for (const [id, timeoutMs] of content.sessions) writeSession(writer, id, timeoutMs);
	writer.writeInt(content.acls.length);
	for (const [id, acl] of content.acls) writeAclEntry(writer, id, acl);
	for (const node of content.nodes) {
		writeNode(writer, node);
		nodes++;
		if (writer.position >= flushBytes) flush();
	}
	writer.writeString('/');
	seal();
	if (digest !== null) {
		writer.writeZxid(digest.zxid);
		writer.writeInt(digest.version);
		writer.writeLong(digest.value);
		seal();
	}
	flush();
	return { bytes, nodes };
}

function writeAll(fd: number, bytes: Uint8Array): void {
	for (let done = 0; done < bytes.length; ) done += fs.writeSync(fd, bytes, done, bytes.length - done);
}

/** For clearing up behind an error, which is what gets reported. */
function tryQuietly(action: () => void): void {
	try {
		action();
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === undefined) throw error;
	}
}
