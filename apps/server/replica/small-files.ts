/** Small files that are replaced as a whole: so little of a file system that a test can cut the power after each step. Everything is durable when it returns. */
import fs from 'node:fs';
import { dirname } from 'node:path';
import { syncDirectorySync } from '#storage/disk';

export interface SmallFiles {
	read(path: string): string;
	/** The old content or the new one is there, never a part. `like` is a file whose mode and owner it gets. */
	replace(path: string, text: string, like?: string): void;
	/** One that is gone already is no error. */
	remove(path: string): void;
}

/** What a file system does one after the other. */
export interface FileSteps {
	/** The content is durable, its name is not. */
	write(path: string, bytes: Uint8Array, like: string | undefined): void;
	rename(from: string, to: string): void;
	remove(path: string): void;
	syncDirectory(path: string): void;
}

/** Byte by byte: a configuration file may be written in Latin-1, as Java expects, or in UTF-8. */
const encoding = 'latin1';

export function smallFiles(steps: FileSteps): SmallFiles {
	return {
		read: (path) => fs.readFileSync(path, encoding),
		replace(path, text, like) {
			const temporary = `${path}.tmp`;
			steps.write(temporary, Buffer.from(text, encoding), like);
			steps.rename(temporary, path);
			steps.syncDirectory(dirname(path));
		},
		remove(path) {
			steps.remove(path);
			steps.syncDirectory(dirname(path));
		},
	};
}

export const realFileSteps: FileSteps = {
	write(path, bytes, like) {
		const fd = fs.openSync(path, 'w');
		try {
			if (like !== undefined) takeAfter(fd, like);
			fs.writeFileSync(fd, bytes);
			fs.fsyncSync(fd);
		} finally {
			fs.closeSync(fd);
		}
	},
	rename: (from, to) => fs.renameSync(from, to),
	remove: (path) => fs.rmSync(path, { force: true }),
	syncDirectory: syncDirectorySync,
};

export const realSmallFiles: SmallFiles = smallFiles(realFileSteps);

/** A configuration file may hold passwords. */
function takeAfter(fd: number, like: string): void {
	const { mode, uid, gid } = fs.statSync(like);
	fs.fchmodSync(fd, mode & 0o777);
	try {
		fs.fchownSync(fd, uid, gid);
	} catch (error) {
		// Only root can give a file away.
		if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
	}
}
