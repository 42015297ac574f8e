/** What the log needs of a file system: so little that a test can keep the image after each step, or let it fail. */
import fs from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import path from 'node:path';

export interface Disk {
	/** Creates the file, or empties it. Its name is durable only after syncDirectory. */
	create(path: string): Promise<DiskFile>;
	syncDirectory(path: string): Promise<void>;
}

export interface DiskFile {
	/** Settles when all of the bytes were handed to the operating system. They belong to the disk until then. */
	write(bytes: Uint8Array, length: number, position: number): Promise<void>;
	/** Settles when all of the bytes, and whatever is needed to find them again, are on the disk. They belong to the disk until then. */
	writeDurably(bytes: Uint8Array, length: number, position: number): Promise<void>;
	truncate(size: number): Promise<void>;
	/** Settles when everything written is on the disk. */
	datasync(): Promise<void>;
	close(): Promise<void>;
}

/** What it takes to cut a history, or to put another one in its place: so little that a test can cut the power after each step. */
export interface FileChanges {
	/** Durable when it resolves. */
	truncate(path: string, size: number): Promise<void>;
	/** Durable after syncDirectory. A file that is gone already is no error. */
	remove(path: string): Promise<void>;
	/** Both names are in the same directory. Durable after syncDirectory. */
	rename(from: string, to: string): Promise<void>;
	syncDirectory(path: string): Promise<void>;
}

export const realFileChanges: FileChanges = {
	truncate: async (file, size) => {
		const handle = await open(file, 'r+');
		try {
			await handle.truncate(size);
			await handle.sync();
		} finally {
			await handle.close();
		}
	},
	remove: (file) => rm(file, { force: true }),
	rename: (from, to) => rename(from, to),
	syncDirectory,
};

export const realDisk: Disk = {
	create: async (path) => new RealFile(await openFile(path, 'w'), await openForDurableWrites(path)),
	syncDirectory,
};

/** Makes creations, renames and removals in a directory durable. */
export async function syncDirectory(path: string): Promise<void> {
	const directory = await open(path, 'r');
	try {
		await directory.sync();
	} finally {
		await directory.close();
	}
}

/** Durable when it returns, and never half written: a temporary file takes the place of the old one. */
export function replaceFile(file: string, text: string): void {
	const temporary = `${file}.tmp`;
	const fd = fs.openSync(temporary, 'w');
	try {
		fs.writeSync(fd, text);
		fs.fsyncSync(fd);
	} finally {
		fs.closeSync(fd);
	}
	fs.renameSync(temporary, file);
	syncDirectorySync(path.dirname(file));
}

/** As syncDirectory, for worker threads and command lines. */
export function syncDirectorySync(directory: string): void {
	const fd = fs.openSync(directory, 'r');
	try {
		fs.fsyncSync(fd);
	} finally {
		fs.closeSync(fd);
	}
}

function openFile(path: string, flags: string | number): Promise<number> {
	return new Promise((resolve, reject) => {
		fs.open(path, flags, 0o644, (error, fd) => (error ? reject(error) : resolve(fd)));
	});
}

/**
 * With O_DSYNC a write is on the disk when it returns, which saves the way to another thread for the sync. Only Linux also flushes the
 * disk's own cache then; elsewhere a sync follows the write.
 */
async function openForDurableWrites(path: string): Promise<number | null> {
	return process.platform === 'linux' ? openFile(path, fs.constants.O_WRONLY | fs.constants.O_DSYNC) : null;
}

function writeAll(fd: number, bytes: Uint8Array, length: number, position: number): Promise<void> {
	return new Promise((resolve, reject) => {
		let done = 0;
		const more = () => {
			fs.write(fd, bytes, done, length - done, position + done, (error, written) => {
				if (error) return reject(error);
				done += written;
				if (done === length) return resolve();
				// A short write: the next one says why (disk full), or gets on.
				more();
			});
		};
		more();
	});
}

class RealFile implements DiskFile {
	readonly #fd: number;
	/** The same file, for writes that are synced; null where the system cannot do that. */
	readonly #durable: number | null;

	constructor(fd: number, durable: number | null) {
		this.#fd = fd;
		this.#durable = durable;
	}

	write(bytes: Uint8Array, length: number, position: number): Promise<void> {
		return writeAll(this.#fd, bytes, length, position);
	}

	async writeDurably(bytes: Uint8Array, length: number, position: number): Promise<void> {
		if (this.#durable !== null) return writeAll(this.#durable, bytes, length, position);
		await this.write(bytes, length, position);
		await this.datasync();
	}

	truncate(size: number): Promise<void> {
		return this.#call((done) => fs.ftruncate(this.#fd, size, done));
	}

	datasync(): Promise<void> {
		return this.#call((done) => fs.fdatasync(this.#fd, done));
	}

	async close(): Promise<void> {
		const durable = this.#durable;
		if (durable !== null) await this.#call((done) => fs.close(durable, done));
		await this.#call((done) => fs.close(this.#fd, done));
	}

	#call(start: (done: (error: Error | null) => void) => void): Promise<void> {
		return new Promise((resolve, reject) => start((error) => (error ? reject(error) : resolve())));
	}
}
