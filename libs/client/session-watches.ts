/** What the server watches for a session, as far as it must be set again on the next stream, and who is called for the watches that fire once. */
import type { SetWatchesRequest } from '#proto/chronokeeper/v1/watch';
import { OneShotListeners } from './one-shot-listeners.ts';
import type { Answer } from './operation.ts';
import { setWatchesRequests } from './set-watches.ts';
import type { NodeListener, Submission } from './submission.ts';
import { type NodeEvent, type WatchMode, watcherTypes, watchKinds } from './watched-event.ts';
import { type WatchedKind, WatchedPaths } from './watched-paths.ts';

export class SessionWatches {
	readonly #watched = new WatchedPaths();
	readonly #listeners = new OneShotListeners();
	/** How many operations are on their way that set a watch of the path. */
	readonly #coming = new Map<string, number>();
	readonly #keepsPersistent: boolean;

	/** @param keepsPersistent false: somebody else knows those */
	constructor(keepsPersistent: boolean) {
		this.#keepsPersistent = keepsPersistent;
	}

	/** The server has set or removed a watch: what must be set again on another stream is known before its event can come. */
	answered({ op, listener: own, isSettled }: Submission, answer: Answer): void {
		// Who has given up is not called.
		const listener = isSettled ? undefined : own;
		switch (op.$case) {
			case 'get':
				if (op.value.watch) this.#keep('data', op.value.path, listener);
				return;
			case 'exists': {
				const isThere = answer.$case === 'exists' && answer.value.stat !== undefined;
				if (op.value.watch) this.#keep(isThere ? 'data' : 'exist', op.value.path, listener);
				return;
			}
			case 'listChildren':
				if (op.value.watch) this.#keep('children', op.value.path, listener);
				return;
			case 'addWatch':
				if (this.#keepsPersistent) this.#watched.add(modeOf(watchKinds, op.value.kind), op.value.path);
				return;
			case 'removeWatches':
				this.#removed(op.value.path, modeOf(watcherTypes, op.value.type));
				return;
			default:
				return;
		}
	}

	fire(event: NodeEvent): void {
		this.#watched.use(event.type, event.path);
		this.#listeners.fire(event);
	}

	/** An operation is on its way that sets a watch with a listener. */
	begin(path: string): void {
		this.#coming.set(path, (this.#coming.get(path) ?? 0) + 1);
	}

	/** Its caller has the answer, or will not get one. */
	end(path: string): void {
		const rest = (this.#coming.get(path) ?? 0) - 1;
		if (rest > 0) this.#coming.set(path, rest);
		else this.#coming.delete(path);
	}

	/** @returns whether the server has a watch for nobody now: the listener had not been called, and nobody else waits, or is about to wait, for the path */
	removeLast(path: string, listener: NodeListener): boolean {
		return this.#listeners.removeLast(path, listener) && !this.#coming.has(path);
	}

	requests(relativeZxid: bigint): SetWatchesRequest[] {
		return setWatchesRequests((kind) => this.#watched.paths(kind), relativeZxid);
	}

	clear(): void {
		this.#watched.clear();
		this.#listeners.clear();
	}

	#keep(kind: WatchedKind, path: string, listener: NodeListener | undefined): void {
		this.#watched.add(kind, path);
		if (listener !== undefined) this.#listeners.add(kind, path, listener);
	}

	#removed(path: string, mode: WatchMode | 'any'): void {
		const gone =
			mode === 'any' ? (['data', 'exist', 'children', 'persistent', 'persistentRecursive'] as const) : [mode];
		for (const kind of gone) this.#watched.remove(kind, path);
		if (mode === 'data') this.#watched.remove('exist', path);
	}
}

/** The name that has this number. */
function modeOf<Mode extends string>(numbers: Readonly<Record<Mode, number>>, number: number): Mode {
	return (Object.keys(numbers) as Mode[]).find((mode) => numbers[mode] === number)!;
}
