/**
 * A disk in memory whose power can be cut at any step: it keeps every write and sync in order, and says what a machine would find afterwards.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Disk, DiskFile } from '#storage/disk';

interface Write {
	readonly kind: 'write' | 'writeDurably';
	readonly path: string;
	readonly position: number;
	readonly bytes: Uint8Array;
}

interface Truncate {
	readonly kind: 'truncate';
	readonly path: string;
	readonly size: number;
}

type Step =
	| Write
	| Truncate
	| { readonly kind: 'create'; readonly path: string }
	| { readonly kind: 'datasync'; readonly path: string }
	| { readonly kind: 'syncDirectory' };

const pageBytes = 4096;

export class PowerCutDisk implements Disk {
	readonly steps: Step[] = [];
	/** The step at which calls begin to fail, with this code. */
	failure: { readonly from: number; readonly code: string } | null = null;
	/** Called before each step, as the operating system would: the others run on meanwhile. */
	onStep: () => void = () => undefined;

	async create(path: string): Promise<DiskFile> {
		await this.#step({ kind: 'create', path });
		return {
			write: (bytes, length, position) => this.#step({ kind: 'write', path, position, bytes: bytes.slice(0, length) }),
			writeDurably: (bytes, length, position) =>
				this.#step({ kind: 'writeDurably', path, position, bytes: bytes.slice(0, length) }),
			truncate: (size) => this.#step({ kind: 'truncate', path, size }),
			datasync: () => this.#step({ kind: 'datasync', path }),
			close: () => Promise.resolve(),
		};
	}

	async syncDirectory(_path: string): Promise<void> {
		await this.#step({ kind: 'syncDirectory' });
	}

	/**
	 * Writes to `directory` what is found after a cut behind `count` steps. A process that was killed leaves all that it had written;
	 * a machine without power leaves what was synced, and of the rest any pages: `keeps` decides for each.
	 */
	image(directory: string, count: number, keeps: () => boolean = () => true): void {
		const files = new Map<string, SimulatedFile>();
		for (const step of this.steps.slice(0, count)) {
			if (step.kind === 'create') files.set(step.path, new SimulatedFile());
			else if (step.kind === 'syncDirectory') for (const file of files.values()) file.named = true;
			else files.get(step.path)!.take(step);
		}
		mkdirSync(directory, { recursive: true });
		for (const [path, file] of files) {
			if (!file.named && !keeps()) continue;
			writeFileSync(join(directory, basename(path)), file.after(keeps));
		}
	}

	async #step(step: Step): Promise<void> {
		this.onStep();
		await Promise.resolve();
		if (this.failure !== null && this.steps.length >= this.failure.from) {
			throw Object.assign(new Error(`${this.failure.code}: simulated, ${step.kind}`), { code: this.failure.code });
		}
		this.steps.push(step);
	}
}

/** Bytes of one page. */
interface Piece {
	readonly kind: 'piece';
	readonly page: number;
	readonly position: number;
	readonly bytes: Uint8Array;
}

class SimulatedFile {
	/** Its name is in the directory for good. */
	named = false;
	#synced = new Uint8Array(0);
	#unsynced: (Piece | Truncate)[] = [];

	take(step: Step): void {
		if (step.kind === 'truncate') {
			this.#unsynced.push(step);
		} else if (step.kind === 'write' || step.kind === 'writeDurably') {
			const pieces = piecesOf(step);
			this.#unsynced.push(...pieces);
			const pages = new Set(pieces.map(({ page }) => page));
			// The pages that were written, and how large the file is; no other page.
			if (step.kind === 'writeDurably') this.#sync((each) => each.kind === 'truncate' || pages.has(each.page));
		} else if (step.kind === 'datasync') {
			this.#sync(() => true);
		}
	}

	after(keeps: () => boolean): Uint8Array {
		let bytes = this.#synced;
		// The disk writes pages in any order.
		for (const each of this.#unsynced) if (keeps()) bytes = applied(bytes, each);
		return bytes;
	}

	#sync(isSynced: (each: Piece | Truncate) => boolean): void {
		for (const each of this.#unsynced) if (isSynced(each)) this.#synced = applied(this.#synced, each);
		this.#unsynced = this.#unsynced.filter((each) => !isSynced(each));
	}
}

function piecesOf({ position, bytes }: Write): Piece[] {
	const pieces: Piece[] = [];
	const end = position + bytes.length;
	for (let at = position; at < end; ) {
		const page = Math.floor(at / pageBytes);
		const stop = Math.min(end, (page + 1) * pageBytes);
		pieces.push({ kind: 'piece', page, position: at, bytes: bytes.subarray(at - position, stop - position) });
		at = stop;
	}
	return pieces;
}

function applied(bytes: Uint8Array<ArrayBuffer>, step: Piece | Truncate): Uint8Array<ArrayBuffer> {
	if (step.kind === 'truncate') return resized(bytes, step.size);
	const result = resized(bytes, Math.max(bytes.length, step.position + step.bytes.length));
	result.set(step.bytes, step.position);
	return result;
}

function resized(bytes: Uint8Array<ArrayBuffer>, size: number): Uint8Array<ArrayBuffer> {
	const result = new Uint8Array(size);
	result.set(bytes.subarray(0, size));
	return result;
}
