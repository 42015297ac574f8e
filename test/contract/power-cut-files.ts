/**
 * Real directories whose changes are also written down, so that a test can say what a machine finds when they stopped after any step.
 */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type FileChanges, realFileChanges } from '#storage/disk';

type Step =
	| { readonly kind: 'truncate'; readonly path: string; readonly size: number }
	| { readonly kind: 'sync'; readonly path: string }
	| { readonly kind: 'remove'; readonly path: string }
	| { readonly kind: 'rename'; readonly path: string; readonly to: string }
	| { readonly kind: 'syncDirectory'; readonly path: string };

interface SimulatedFile {
	readonly content: Uint8Array;
	readonly sizes: number[];
	readonly syncedSize: number;
}

export class PowerCutFiles implements FileChanges {
	readonly steps: Step[] = [];
	/** What was there at first, and is on the disk. */
	readonly #initial = new Map<string, Uint8Array>();

	constructor(...directories: string[]) {
		for (const directory of directories) {
			for (const name of readdirSync(directory)) {
				const path = join(directory, name);
				if (statSync(path).isFile()) this.#initial.set(path, new Uint8Array(readFileSync(path)));
			}
		}
	}

	async truncate(path: string, size: number): Promise<void> {
		await realFileChanges.truncate(path, size);
		this.steps.push({ kind: 'truncate', path, size }, { kind: 'sync', path });
	}

	async remove(path: string): Promise<void> {
		await realFileChanges.remove(path);
		this.steps.push({ kind: 'remove', path });
	}

	async rename(path: string, to: string): Promise<void> {
		await realFileChanges.rename(path, to);
		this.steps.push({ kind: 'rename', path, to });
	}

	async syncDirectory(path: string): Promise<void> {
		await realFileChanges.syncDirectory(path);
		this.steps.push({ kind: 'syncDirectory', path });
	}

	/**
	 * Writes what is found after `count` steps: `to` says where the files of each directory go. A process that was killed leaves all that it did;
	 * a machine without power leaves what was synced, and of the rest anything: `keeps` decides for each change.
	 */
	image(to: (directory: string) => string, count: number, keeps: () => boolean = () => true): void {
		const files = new Map<string, SimulatedFile>();
		const names = new Map<string, string>();
		for (const [path, content] of this.#initial) {
			files.set(path, { content, sizes: [], syncedSize: content.length });
			names.set(path, path);
		}
		const entries = new Map<string, (() => void)[]>();
		for (const step of this.steps.slice(0, count)) {
			const directory = step.kind === 'syncDirectory' ? step.path : dirname(step.path);
			const unsynced = entries.get(directory) ?? [];
			entries.set(directory, unsynced);
			if (step.kind === 'remove') unsynced.push(() => names.delete(step.path));
			else if (step.kind === 'rename') unsynced.push(() => move(names, step.path, step.to));
			else if (step.kind === 'syncDirectory') for (const change of unsynced.splice(0)) change();
			else this.#resize(files, step);
		}
		for (const unsynced of entries.values()) for (const change of unsynced) if (keeps()) change();
		for (const directory of new Set([...this.#initial.keys()].map(dirname)))
			mkdirSync(to(directory), { recursive: true });
		for (const [path, original] of names) {
			const { content, sizes, syncedSize } = files.get(original)!;
			const size = sizes.reduce((before, after) => (keeps() ? after : before), syncedSize);
			writeFileSync(join(to(dirname(path)), basename(path)), content.subarray(0, size));
		}
	}

	#resize(files: Map<string, SimulatedFile>, step: Step & { kind: 'truncate' | 'sync' }): void {
		const file = files.get(step.path)!;
		if (step.kind === 'truncate') file.sizes.push(step.size);
		else files.set(step.path, { ...file, sizes: [], syncedSize: file.sizes.at(-1) ?? file.syncedSize });
	}
}

function move(names: Map<string, string>, from: string, to: string): void {
	const file = names.get(from);
	if (file === undefined) return;
	names.delete(from);
	names.set(to, file);
}
