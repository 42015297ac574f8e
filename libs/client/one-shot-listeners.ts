/** Who is called when a one-shot watch fires. The server has one watch for all who wait for the same. */
import type { NodeListener } from './submission.ts';
import type { NodeEvent } from './watched-event.ts';
import { usedUp, type WatchedKind } from './watched-paths.ts';

export class OneShotListeners {
	readonly #byPath = new Map<string, { readonly kind: WatchedKind; readonly listener: NodeListener }[]>();

	add(kind: WatchedKind, path: string, listener: NodeListener): void {
		const waiting = this.#byPath.get(path);
		if (waiting === undefined) this.#byPath.set(path, [{ kind, listener }]);
		else waiting.push({ kind, listener });
	}

	/** @returns whether it was there, and nobody else waits for the path */
	removeLast(path: string, listener: NodeListener): boolean {
		const waiting = this.#byPath.get(path);
		const rest = waiting?.filter((one) => one.listener !== listener) ?? [];
		if (rest.length > 0) this.#byPath.set(path, rest);
		else this.#byPath.delete(path);
		return waiting !== undefined && rest.length === 0;
	}

	fire(event: NodeEvent): void {
		const waiting = this.#byPath.get(event.path);
		if (waiting === undefined) return;
		const kinds = usedUp[event.type];
		const called = waiting.filter(({ kind }) => kinds.includes(kind));
		const rest = waiting.filter(({ kind }) => !kinds.includes(kind));
		if (rest.length === 0) this.#byPath.delete(event.path);
		else this.#byPath.set(event.path, rest);
		for (const { listener } of called) listener(event);
	}

	clear(): void {
		this.#byPath.clear();
	}
}
