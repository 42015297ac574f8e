/** The watches of a session by their paths: which of them an event uses up, and which must be set again on a new stream. */
import type { NodeEventType, WatchMode } from './watched-event.ts';

/** `exist`: a one-shot watch of a node that was not there. */
export type WatchedKind = WatchMode | 'exist';

const kinds = ['data', 'exist', 'children', 'persistent', 'persistentRecursive'] as const;

/** The one-shot watches that an event uses up. */
export const usedUp: Readonly<Record<NodeEventType, readonly WatchedKind[]>> = {
	NodeCreated: ['data', 'exist'],
	NodeDataChanged: ['data', 'exist'],
	NodeChildrenChanged: ['children'],
	NodeDeleted: ['data', 'exist', 'children'],
};

export class WatchedPaths {
	readonly #paths: Readonly<Record<WatchedKind, Set<string>>> = {
		data: new Set(),
		exist: new Set(),
		children: new Set(),
		persistent: new Set(),
		persistentRecursive: new Set(),
	};

	add(kind: WatchedKind, path: string): void {
		this.#paths[kind].add(path);
	}

	has(kind: WatchedKind, path: string): boolean {
		return this.#paths[kind].has(path);
	}

	/** @returns whether there was such a watch */
	remove(kind: WatchedKind, path: string): boolean {
		return this.#paths[kind].delete(path);
	}

	/** @returns whether anyone waits for this event; one-shot watches are then used up */
	use(type: NodeEventType, path: string): boolean {
		const used = usedUp[type].map((kind) => this.remove(kind, path));
		return used.includes(true) || this.has('persistent', path) || this.#isBelowRecursive(path);
	}

	paths(kind: WatchedKind): readonly string[] {
		return [...this.#paths[kind]];
	}

	clear(...which: readonly WatchedKind[]): void {
		for (const kind of which.length === 0 ? kinds : which) this.#paths[kind].clear();
	}

	#isBelowRecursive(path: string): boolean {
		for (let at = path; ; at = at.slice(0, Math.max(at.lastIndexOf('/'), 1))) {
			if (this.has('persistentRecursive', at)) return true;
			if (at === '/') return false;
		}
	}
}
