/**
 * The watches that this client has set, by the path that it named. There is one watcher, the command line itself, so a watch is no more
 * than a path in a set: what matters is which of them an event uses up, and which must be set again on a new connection.
 */
import type { NodeEventType } from '#client/watched-event';
import { type WatchedKind, WatchedPaths } from '#client/watched-paths';
import { errors } from '#jute/errors';
import { addWatchMode, watcherType } from '#jute/op-codes';
import type { EventType, WatchedEvent } from './watched-event.ts';

export class Watches {
	readonly #paths = new WatchedPaths();

	/** By the server's answer to getData. */
	afterGetData(path: string, error: number): void {
		if (error === errors.ok.code) this.#paths.add('data', path);
	}

	/** The watch of a node that is not there yet waits for its creation. */
	afterExists(path: string, error: number): void {
		if (error === errors.ok.code) this.#paths.add('data', path);
		else if (error === errors.noNode.code) this.#paths.add('exist', path);
	}

	afterGetChildren(path: string, error: number): void {
		if (error === errors.ok.code) this.#paths.add('children', path);
	}

	afterAddWatch(path: string, mode: number, error: number): void {
		if (error !== errors.ok.code && error !== errors.noNode.code) return;
		this.#paths.add(mode === addWatchMode.persistent ? 'persistent' : 'persistentRecursive', path);
	}

	/** @returns whether anyone waits for this event; one-time watches are then used up */
	use({ type, path }: WatchedEvent): boolean {
		return path === null || (isOfNode(type) && this.#paths.use(type, path));
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
			if (this.#remove(path, 'children')) removed.push('ChildWatchRemoved');
		}
		if (any || type === watcherType.data) {
			if (this.#remove(path, 'data', 'exist')) removed.push('DataWatchRemoved');
		}
		if (any && this.#remove(path, 'persistent', 'persistentRecursive')) removed.push('PersistentWatchRemoved');
		return removed.length === 0 ? errors.noWatcher.code : removed;
	}

	paths(kind: WatchedKind): readonly string[] {
		return this.#paths.paths(kind);
	}

	/** One-time watches are forgotten when they are not to be set again. */
	clearOneTime(): void {
		this.#paths.clear('data', 'exist', 'children');
	}

	/** @returns whether there was one of them */
	#remove(path: string, ...kinds: readonly WatchedKind[]): boolean {
		return kinds.map((kind) => this.#paths.remove(kind, path)).includes(true);
	}

	#has(path: string, type: number): boolean {
		const kinds: WatchedKind[] = ['persistent', 'persistentRecursive'];
		if (type !== watcherType.data) kinds.push('children');
		if (type !== watcherType.children) kinds.push('data', 'exist');
		return kinds.some((kind) => this.#paths.has(kind, path));
	}
}

function isOfNode(type: EventType): type is NodeEventType {
	return type.startsWith('Node');
}
