/**
 * A disk under real files. What a process writes is in the file at once, as the system's memory has it, and on the disk some time later; a power cut leaves of what was not
 * yet there nothing, all, or some sectors.
 */
import fs from 'node:fs';
import type { Disk, DiskFile } from '#storage/disk';
import type { SeededRandom } from '../random.ts';
import type { ProcessGate } from './process-gate.ts';
import type { World } from './world.ts';

const sectorBytes = 512;

export interface SimFilesParts {
	readonly world: World;
	readonly gate: ProcessGate;
	/** The longest that a sync takes. */
	syncMs(): number;
	/** Says that something is on the disk before it is. */
	readonly isHasty: boolean;
}

/** One process's. */
export class SimFiles implements Disk {
	readonly #parts: SimFilesParts;
	readonly #files: SimFile[] = [];
	isFull = false;

	constructor(parts: SimFilesParts) {
		this.#parts = parts;
	}

	async create(path: string): Promise<DiskFile> {
		await this.#takesTime(() => {});
		const file = new SimFile(path, (done) => this.#takesTime(done), this.#parts.isHasty);
		this.#files.push(file);
		return file;
	}

	syncDirectory(): Promise<void> {
		return this.#takesTime(() => {});
	}

	/** The process is gone. */
	stopped(isPowerCut: boolean): void {
		for (const file of this.#files) file.stopped(isPowerCut ? this.#parts.world.random : null);
	}

	/** The disk goes on while the process is stopped, and for a process that is dead nothing is done any more. */
	#takesTime(done: () => void): Promise<void> {
		const { world, gate, syncMs } = this.#parts;
		return new Promise((resolve, reject) => {
			world.after(world.random.next() * syncMs(), () => {
				if (!gate.isAlive) return;
				if (!this.isFull) done();
				gate.enter(() => {
					if (this.isFull) reject(Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' }));
					else resolve();
				});
			});
		});
	}
}

interface Unsynced {
	readonly position: number;
	readonly length: number;
}

class SimFile implements DiskFile {
	readonly #takesTime: (done: () => void) => Promise<void>;
	readonly #isHasty: boolean;
	readonly #fd: number;
	#isOpen = true;
	/** What is on the disk. */
	#image = new Uint8Array(0);
	#unsynced: Unsynced[] = [];

	constructor(path: string, takesTime: (done: () => void) => Promise<void>, isHasty: boolean) {
		this.#takesTime = takesTime;
		this.#isHasty = isHasty;
		this.#fd = fs.openSync(path, 'w+');
	}

	async write(bytes: Uint8Array, length: number, position: number): Promise<void> {
		this.#take(bytes, length, position);
	}

	async writeDurably(bytes: Uint8Array, length: number, position: number): Promise<void> {
		const written = this.#take(bytes, length, position);
		const onDisk = this.#takesTime(() => this.#sync([written]));
		if (this.#isHasty) onDisk.catch(() => undefined);
		else await onDisk;
	}

	async truncate(size: number): Promise<void> {
		fs.ftruncateSync(this.#fd, size);
		const image = new Uint8Array(size);
		image.set(this.#image.subarray(0, size));
		this.#image = image;
	}

	datasync(): Promise<void> {
		const written = [...this.#unsynced];
		return this.#takesTime(() => this.#sync(written));
	}

	async close(): Promise<void> {
		if (this.#isOpen) fs.closeSync(this.#fd);
		this.#isOpen = false;
	}

	/** @param random null: the system goes on, and writes everything */
	stopped(random: SeededRandom | null): void {
		if (random !== null && this.#isOpen) {
			for (const each of this.#unsynced) {
				const kept = random.pick(['nothing', 'all', 'some'] as const);
				if (kept === 'all') this.#sync([each]);
				else if (kept === 'some') this.#sync(sectorsOf(each).filter(() => random.chance(0.5)));
			}
			fs.ftruncateSync(this.#fd, 0);
			writeAll(this.#fd, this.#image, 0);
		}
		void this.close();
	}

	#take(bytes: Uint8Array, length: number, position: number): Unsynced {
		const written = { position, length };
		writeAll(this.#fd, bytes.subarray(0, length), position);
		this.#unsynced.push(written);
		return written;
	}

	/** What is there by now goes to the disk, whoever wrote it. */
	#sync(written: readonly Unsynced[]): void {
		// Nobody closes a file that is not synced, unless it was told that it is.
		if (!this.#isOpen) return;
		for (const { position, length } of written) {
			if (this.#image.length < position + length) {
				const image = new Uint8Array(position + length);
				image.set(this.#image);
				this.#image = image;
			}
			fs.readSync(this.#fd, this.#image, position, length, position);
		}
		this.#unsynced = this.#unsynced.filter((each) => !written.includes(each));
	}
}

function writeAll(fd: number, bytes: Uint8Array, position: number): void {
	for (let done = 0; done < bytes.length; ) {
		done += fs.writeSync(fd, bytes, done, bytes.length - done, position + done);
	}
}

function sectorsOf({ position, length }: Unsynced): Unsynced[] {
	const sectors: Unsynced[] = [];
	for (let at = position; at < position + length; ) {
		const end = Math.min(position + length, at + sectorBytes - (at % sectorBytes));
		sectors.push({ position: at, length: end - at });
		at = end;
	}
	return sectors;
}
