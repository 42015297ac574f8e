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
	readonly #keepsPersistent: boolean;

	/** @param keepsPersistent false: somebody else knows those */
	constructor(keepsPersistent: boolean) {
		this.#keepsPersistent = keepsPersistent;
	}

	/** The server has set or removed a watch: what must be set again on another stream is known before its event can come. */
	answered({ op, listener }: Submission, answer: Answer): void {
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

	/** @returns whether somebody else waits for the same */
	removeListener(path: string, listener: NodeListener): boolean {
		return this.#listeners.remove(path, listener);
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
