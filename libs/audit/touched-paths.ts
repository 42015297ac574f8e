import type { TreeListener } from '#core/tree/changes';

/** The paths that a transaction touched, each once, and whether it was created by it (was not there before). */
export class TouchedPaths implements TreeListener {
	readonly paths: string[] = [];
	readonly created: boolean[] = [];
	count = 0;
	#index: Map<string, number> | null = null;

	clear(): void {
		this.count = 0;
		this.#index = null;
	}

	add(path: string, created: boolean): void {
		if (this.#indexOf(path) !== -1) return;
		this.paths[this.count] = path;
		this.created[this.count] = created;
		this.#index?.set(path, this.count);
		this.count++;
	}

	nodeCreated(path: string): void {
		this.add(path, true);
	}

	nodeDeleted(path: string): void {
		this.add(path, false);
	}

	dataChanged(path: string): void {
		this.add(path, false);
	}

	aclChanged(path: string): void {
		this.add(path, false);
	}

	childrenChanged(path: string): void {
		this.add(path, false);
	}

	#indexOf(path: string): number {
		if (this.count < 8) {
			for (let i = 0; i < this.count; i++) if (this.paths[i] === path) return i;
			return -1;
		}
		if (this.#index === null) {
			this.#index = new Map();
			for (let i = 0; i < this.count; i++) this.#index.set(this.paths[i]!, i);
		}
		return this.#index.get(path) ?? -1;
	}
}
