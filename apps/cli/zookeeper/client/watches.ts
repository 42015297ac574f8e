/**
 * The watches that this client has set, by the path that it named. There is one watcher, the command line itself, so a watch is no more
 * than a path in a set: what matters is which of them an event uses up, and which must be set again on a new connection.
 */
import { errors } from '#jute/errors';
import { addWatchMode, watcherType } from '#jute/op-codes';
import type { EventType, WatchedEvent } from './watched-event.ts';

export interface WatchedPaths {
	readonly data: readonly string[];
	readonly exist: readonly string[];
	readonly child: readonly string[];
	readonly persistent: readonly string[];
	readonly persistentRecursive: readonly string[];
}

export class Watches {
	readonly #data = new Set<string>();
	readonly #exist = new Set<string>();
	readonly #child = new Set<string>();
	readonly #persistent = new Set<string>();
	readonly #persistentRecursive = new Set<string>();

	/** By the server's answer to getData. */
	afterGetData(path: string, error: number): void {
		if (error === errors.ok.code) this.#data.add(path);
	}

	/** The watch of a node that is not there yet waits for its creation. */
	afterExists(path: string, error: number): void {
		if (error === errors.ok.code) this.#data.add(path);
		else if (error === errors.noNode.code) this.#exist.add(path);
	}

	afterGetChildren(path: string, error: number): void {
		if (error === errors.ok.code) this.#child.add(path);
	}

	afterAddWatch(path: string, mode: number, error: number): void {
		if (error !== errors.ok.code && error !== errors.noNode.code) return;
		(mode === addWatchMode.persistent ? this.#persistent : this.#persistentRecursive).add(path);
	}

	/** @returns whether anyone waits for this event; one-time watches are then used up */
	use(event: WatchedEvent): boolean {
		if (event.path === null) return true;
		const used = this.#setsOf(event.type).map((set) => set.delete(event.path!));
		return used.includes(true) || this.#persistent.has(event.path) || this.#isBelowRecursive(event.path);
	}

	/**
	 * After the server's answer to removeWatches.
	 * @returns the events that tell of what was removed, or the error to report instead
	 */
	remove(path: string, type: number, local: boolean, error: number): readonly EventType[] | number {
		if (!this.#has(path, type)) return errors.noWatcher.code;
		if (error !== errors.ok.code && !local) return error;
		const any = type === watcherType.any;
		const removed: EventType[] = [];
		if (any || type === watcherType.children) {
			if (this.#child.delete(path)) removed.push('ChildWatchRemoved');
		}
		if (any || type === watcherType.data) {
			if ([this.#data.delete(path), this.#exist.delete(path)].includes(true)) removed.push('DataWatchRemoved');
		}
		if (any && [this.#persistent.delete(path), this.#persistentRecursive.delete(path)].includes(true)) {
			removed.push('PersistentWatchRemoved');
		}
		return removed.length === 0 ? errors.noWatcher.code : removed;
	}

	paths(): WatchedPaths {
		return {
			data: [...this.#data],
			exist: [...this.#exist],
			child: [...this.#child],
			persistent: [...this.#persistent],
			persistentRecursive: [...this.#persistentRecursive],
		};
	}

	/** One-time watches are forgotten when they are not to be set again. */
	clearOneTime(): void {
		for (const set of [this.#data, this.#exist, this.#child]) set.clear();
	}

	/** The one-time watches that an event of this type uses up. */
	#setsOf(type: EventType): Set<string>[] {
		switch (type) {
			case 'NodeCreated':
			case 'NodeDataChanged':
				return [this.#data, this.#exist];
			case 'NodeChildrenChanged':
				return [this.#child];
			case 'NodeDeleted':
				return [this.#data, this.#exist, this.#child];
			default:
				return [];
		}
	}

	#isBelowRecursive(path: string): boolean {
		for (let at = path; ; at = at.slice(0, Math.max(at.lastIndexOf('/'), 1))) {
			if (this.#persistentRecursive.has(at)) return true;
			if (at === '/') return false;
		}
	}

	#has(path: string, type: number): boolean {
		const sets = [this.#persistent, this.#persistentRecursive];
		if (type !== watcherType.data) sets.push(this.#child);
		if (type !== watcherType.children) sets.push(this.#data, this.#exist);
		return sets.some((set) => set.has(path));
	}
}
