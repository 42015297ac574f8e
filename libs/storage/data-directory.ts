/**
 * Where a replica's files are. ZooKeeper keeps logs in dataLogDir/version-2, snapshots and epochs in dataDir/version-2 and myid in dataDir; the two
 * may be the same. A directory that has such files directly in it (a copy, a recording) is taken as it is.
 */
import fs from 'node:fs';
import path from 'node:path';
import type { Zxid } from '#core/model/zxid';
import { StorageDamage } from './damage.ts';
import { logPrefix, snapshotPrefix, zxidInName, zxidOfReceivedSnapshot } from './file-names.ts';

export const versionDirectory = 'version-2';

export interface StoredFile {
	readonly path: string;
	/** The first transaction of a log, the state of a snapshot. */
	readonly zxid: Zxid;
}

export class DataDirectory {
	/** Where myid is. */
	readonly dataDir: string;
	readonly snapshotDirectory: string;
	readonly logDirectory: string;

	constructor(dataDir: string, dataLogDir: string = dataDir) {
		this.dataDir = dataDir;
		this.snapshotDirectory = inner(dataDir);
		this.logDirectory = inner(dataLogDir);
	}

	/** Makes what is missing. Only a replica that is about to write does this; nothing that reads does. */
	create(): void {
		fs.mkdirSync(this.snapshotDirectory, { recursive: true });
		fs.mkdirSync(this.logDirectory, { recursive: true });
	}

	/** By zxid, oldest first. */
	logs(): StoredFile[] {
		return this.received() === null ? list(this.logDirectory, logPrefix) : [];
	}

	/** By zxid, oldest first; complete or not. */
	snapshots(): StoredFile[] {
		const received = this.received();
		return received === null ? list(this.snapshotDirectory, snapshotPrefix) : [received];
	}

	/** Snapshots that ZooKeeper compressed (`snapshot.5df.gz`): not read by this release. */
	compressedSnapshots(): string[] {
		return this.received() === null ? this.#compressed() : [];
	}

	/** The snapshot that is taking the place of everything else here, until the rest is removed; see received-snapshot.ts. */
	received(): StoredFile | null {
		for (const name of names(this.snapshotDirectory)) {
			const zxid = zxidOfReceivedSnapshot(name);
			if (zxid !== undefined) return { path: path.join(this.snapshotDirectory, name), zxid };
		}
		return null;
	}

	/** Logs and snapshots of every kind whose place the received one takes. */
	replaced(): string[] {
		const files = [...list(this.logDirectory, logPrefix), ...list(this.snapshotDirectory, snapshotPrefix)];
		return [...files.map((file) => file.path), ...this.#compressed()];
	}

	#compressed(): string[] {
		return names(this.snapshotDirectory)
			.filter((name) => /^snapshot\.[0-9a-f]+\.(gz|snappy)$/.test(name))
			.map((name) => path.join(this.snapshotDirectory, name));
	}
}

function inner(directory: string): string {
	const version = path.join(directory, versionDirectory);
	if (fs.existsSync(version)) return version;
	const plain = names(directory).some((name) => /^((log|snapshot)\.|received-snapshot-)[0-9a-f]{1,16}$/i.test(name));
	return plain ? directory : version;
}

function list(directory: string, prefix: string): StoredFile[] {
	const files: StoredFile[] = [];
	for (const name of names(directory)) {
		const file = path.join(directory, name);
		const zxid = zxidOf(file, prefix);
		if (zxid !== undefined) files.push({ path: file, zxid });
	}
	return files.sort((a, b) => a.zxid - b.zxid);
}

function zxidOf(file: string, prefix: string): Zxid | undefined {
	try {
		return zxidInName(path.basename(file), prefix);
	} catch (error) {
		if (!(error instanceof RangeError)) throw error;
		throw new StorageDamage({
			file,
			problem: error.message,
			advice: 'This release cannot serve this history; nothing was changed',
		});
	}
}

/** A directory that is not there yet has no files. */
function names(directory: string): string[] {
	try {
		return fs.readdirSync(directory);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
		throw error;
	}
}
