/**
 * How soon those who look see that an instance of a service has come or gone. It is measured from the moment when the leader prepared the transaction that did it (of an instance that died: when its
 * session was found to have expired) to the moment when the view of a watcher, in its own process, had it. What comes in the time in which a watcher is stopped is not measured; what comes while
 * its connection is lost, is.
 */
import { ok } from 'node:assert/strict';

/** It is there from then on, or is not. */
interface Turn {
	readonly isThere: boolean;
	readonly atMs: number;
}

/** Of instances by id. */
type Turns = Map<string, Turn[]>;

interface Watcher {
	ids: ReadonlySet<string>;
	sinceMs: number;
	/** It was killed then. */
	untilMs: number;
	readonly seen: Turns;
	readonly connection: Turn[];
	/** It was stopped, and went on. */
	readonly stops: { readonly fromMs: number; untilMs: number }[];
}

export interface Latencies {
	readonly count: number;
	/** Of a hundred, 99 are not longer. */
	readonly mostMs: number;
	readonly longestMs: number;
}

export class DiscoveryCheck {
	readonly #committed: Turns = new Map();
	readonly #watchers = new Map<string, Watcher>();

	committed(id: string, turn: Turn): void {
		add(this.#committed, id, turn);
	}

	view(name: string, ids: readonly string[], atMs: number): void {
		const watcher = this.#watcher(name);
		const now = new Set(ids);
		watcher.sinceMs = Math.min(watcher.sinceMs, atMs);
		for (const id of now) if (!watcher.ids.has(id)) add(watcher.seen, id, { isThere: true, atMs });
		for (const id of watcher.ids) if (!now.has(id)) add(watcher.seen, id, { isThere: false, atMs });
		watcher.ids = now;
	}

	connection(name: string, isThere: boolean, atMs: number): void {
		this.#watcher(name).connection.push({ isThere, atMs });
	}

	stopped(name: string): void {
		this.#watcher(name).stops.push({ fromMs: Date.now(), untilMs: Number.POSITIVE_INFINITY });
	}

	goesOn(name: string): void {
		this.#watcher(name).stops.at(-1)!.untilMs = Date.now();
	}

	killed(name: string): void {
		this.#watcher(name).untilMs = Date.now();
	}

	/** Whether all who look see what there is. */
	get isConverged(): boolean {
		const living = [...this.#watchers.values()].filter(({ untilMs }) => untilMs === Number.POSITIVE_INFINITY);
		return [...this.#committed].every(([id, turns]) =>
			living.every(({ ids }) => ids.has(id) === turns.at(-1)!.isThere),
		);
	}

	/**
	 * Of watchers whose connection was there all the time, and of those who had lost it meanwhile.
	 * @throws when one has seen an instance go that did not
	 */
	measure(): { readonly connected: Latencies; readonly reconnected: Latencies } {
		const connected: number[] = [];
		const reconnected: number[] = [];
		for (const [name, watcher] of this.#watchers)
			for (const [id, turns] of this.#committed) {
				const seen = watcher.seen.get(id) ?? [];
				const goings = (some: readonly Turn[]) => some.filter(({ isThere }) => !isThere).length;
				ok(goings(seen) <= goings(turns), `${name} has seen ${id} go ${goings(seen)} times, not ${goings(turns)}`);
				for (const [i, turn] of turns.entries()) {
					const nextMs = turns[i + 1]?.atMs ?? Date.now();
					const seenMs = Math.min(agreesMs(seen, turn), nextMs, watcher.untilMs);
					if (turn.atMs < watcher.sinceMs || seenMs < turn.atMs || wasStopped(watcher, turn.atMs, seenMs)) continue;
					(wasConnected(watcher, turn.atMs, seenMs) ? connected : reconnected).push(seenMs - turn.atMs);
				}
			}
		return { connected: latencies(connected), reconnected: latencies(reconnected) };
	}

	#watcher(name: string): Watcher {
		const known = this.#watchers.get(name);
		if (known !== undefined) return known;
		const never = Number.POSITIVE_INFINITY;
		const watcher = { ids: new Set([]), sinceMs: never, untilMs: never, seen: new Map(), connection: [], stops: [] };
		this.#watchers.set(name, watcher);
		return watcher;
	}
}

function latencies(allMs: readonly number[]): Latencies {
	const sorted = allMs.toSorted((one, other) => one - other);
	return {
		count: sorted.length,
		mostMs: sorted[Math.floor(sorted.length * 0.99)] ?? 0,
		longestMs: sorted.at(-1) ?? 0,
	};
}

function add(all: Turns, id: string, turn: Turn): void {
	const turns = all.get(id);
	if (turns === undefined) all.set(id, [turn]);
	else turns.push(turn);
}

/** From when on what was seen is as it was since the turn. */
function agreesMs(seen: readonly Turn[], { isThere, atMs }: Turn): number {
	const before = seen.findLast((one) => one.atMs <= atMs)?.isThere ?? false;
	if (before === isThere) return atMs;
	return seen.find((one) => one.atMs > atMs)?.atMs ?? Number.POSITIVE_INFINITY;
}

function wasStopped({ stops, connection }: Watcher, fromMs: number, toMs: number): boolean {
	return stops.some((stop) => {
		// Its session is lost by then: it goes on when it has another one.
		const { atMs = stop.untilMs } = connection.find((one) => one.isThere && one.atMs >= stop.untilMs) ?? {};
		return stop.fromMs <= toMs && fromMs <= atMs;
	});
}

function wasConnected({ connection }: Watcher, fromMs: number, toMs: number): boolean {
	const before = connection.findLast(({ atMs }) => atMs <= fromMs)?.isThere ?? false;
	return before && !connection.some(({ isThere, atMs }) => !isThere && atMs > fromMs && atMs <= toMs);
}
