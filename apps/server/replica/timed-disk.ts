import type { Disk, DiskFile } from '#storage/disk';

/** A disk that says how long each durable write of the log took. */
export function timedDisk(disk: Disk, onSync: (durationMs: number) => void): Disk {
	return {
		create: async (path) => timedFile(await disk.create(path), onSync),
		syncDirectory: (path) => disk.syncDirectory(path),
	};
}

function timedFile(file: DiskFile, onSync: (durationMs: number) => void): DiskFile {
	return {
		write: (bytes, length, position) => file.write(bytes, length, position),
		truncate: (size) => file.truncate(size),
		async writeDurably(bytes, length, position) {
			const startMs = performance.now();
			await file.writeDurably(bytes, length, position);
			onSync(performance.now() - startMs);
		},
		datasync: () => file.datasync(),
		close: () => file.close(),
	};
}
