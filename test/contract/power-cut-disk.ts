/**
 * A disk in memory whose power can be cut at any step: it keeps every write and sync in order, and says what a machine would find afterwards.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Disk, DiskFile } from '#storage/disk';

type Step =
	| { readonly kind: 'create'; readonly path: string }
	| { readonly kind: 'write'; readonly path: string; readonly position: number; readonly bytes: Uint8Array }
	| { readonly kind: 'truncate'; readonly path: string; readonly size: number }
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

class SimulatedFile {
	/** Its name is in the directory for good. */
	named = false;
	#synced = new Uint8Array(0);
	#unsynced: (Step & { readonly kind: 'write' | 'truncate' })[] = [];

	take(step: Step): void {
		if (step.kind === 'datasync') {
			this.#synced = this.#unsynced.reduce<Uint8Array<ArrayBuffer>>(
				(bytes, each) => applied(bytes, each, () => true),
				this.#synced,
			);
			this.#unsynced = [];
		} else if (step.kind === 'write' || step.kind === 'truncate') {
			this.#unsynced.push(step);
		}
	}

	after(keeps: () => boolean): Uint8Array {
		return this.#unsynced.reduce<Uint8Array<ArrayBuffer>>((bytes, step) => applied(bytes, step, keeps), this.#synced);
	}
}

function applied(
	bytes: Uint8Array<ArrayBuffer>,
	step: Step & { readonly kind: 'write' | 'truncate' },
	keeps: () => boolean,
): Uint8Array<ArrayBuffer> {
	if (step.kind === 'truncate') return keeps() ? resized(bytes, step.size) : bytes;
	let result = bytes;
	const end = step.position + step.bytes.length;
	// Page by page of the file: the disk writes those in any order.
	for (let at = step.position; at < end; ) {
		const stop = Math.min(end, (Math.floor(at / pageBytes) + 1) * pageBytes);
		if (keeps()) {
			result = resized(result, Math.max(result.length, stop));
			result.set(step.bytes.subarray(at - step.position, stop - step.position), at);
		}
		at = stop;
	}
	return result;
}

function resized(bytes: Uint8Array<ArrayBuffer>, size: number): Uint8Array<ArrayBuffer> {
	const result = new Uint8Array(size);
	result.set(bytes.subarray(0, size));
	return result;
}
