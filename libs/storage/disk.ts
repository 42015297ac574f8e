/** What the log needs of a file system: so little that a test can keep the image after each step, or let it fail. */
import fs from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';

export interface Disk {
	/** Creates the file, or empties it. Its name is durable only after syncDirectory. */
	create(path: string): Promise<DiskFile>;
	syncDirectory(path: string): Promise<void>;
}

export interface DiskFile {
	/** Settles when all of the bytes were handed to the operating system. They belong to the disk until then. */
	write(bytes: Uint8Array, length: number, position: number): Promise<void>;
	truncate(size: number): Promise<void>;
	/** Settles when everything written is on the disk. */
	datasync(): Promise<void>;
	close(): Promise<void>;
}

export const realDisk: Disk = {
	create: (path) =>
		new Promise((resolve, reject) => {
			fs.open(path, 'w', 0o644, (error, fd) => (error ? reject(error) : resolve(new RealFile(fd))));
		}),
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

class RealFile implements DiskFile {
	readonly #fd: number;

	constructor(fd: number) {
		this.#fd = fd;
	}

	write(bytes: Uint8Array, length: number, position: number): Promise<void> {
		return new Promise((resolve, reject) => {
			let done = 0;
			const more = () => {
				fs.write(this.#fd, bytes, done, length - done, position + done, (error, written) => {
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

	truncate(size: number): Promise<void> {
		return this.#call((done) => fs.ftruncate(this.#fd, size, done));
	}

	datasync(): Promise<void> {
		return this.#call((done) => fs.fdatasync(this.#fd, done));
	}

	close(): Promise<void> {
		return this.#call((done) => fs.close(this.#fd, done));
	}

	#call(start: (done: (error: Error | null) => void) => void): Promise<void> {
		return new Promise((resolve, reject) => start((error) => (error ? reject(error) : resolve())));
	}
}
