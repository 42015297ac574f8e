import type { Clock } from '#core/ports/clock';
import type { After } from '#core/ports/timers';
import { SeededRandom } from '../random.ts';

interface Event {
	readonly atMs: number;
	readonly run: () => void;
	isCancelled: boolean;
}

/** One seed's time, chance and order of events. Between two events everything runs that promises led to. */
export class World {
	readonly random: SeededRandom;
	readonly clock: Clock = { now: () => 1_700_000_000_000 + Math.floor(this.#nowMs), monotonicMs: () => this.#nowMs };
	/** The next one is last. */
	readonly #events: Event[] = [];
	#nowMs = 0;

	constructor(seed: number) {
		this.random = new SeededRandom(seed);
	}

	get nowMs(): number {
		return this.#nowMs;
	}

	readonly after: After = (ms, run) => {
		const event: Event = { atMs: this.#nowMs + ms, run, isCancelled: false };
		let at = this.#events.length;
		while (at > 0 && this.#events[at - 1]!.atMs <= event.atMs) at--;
		this.#events.splice(at, 0, event);
		return () => {
			event.isCancelled = true;
		};
	};

	async run(ms: number): Promise<void> {
		const untilMs = this.#nowMs + ms;
		for (let next = this.#events.at(-1); next !== undefined && next.atMs <= untilMs; next = this.#events.at(-1)) {
			this.#events.pop();
			this.#nowMs = next.atMs;
			if (next.isCancelled) continue;
			next.run();
			await new Promise((resolve) => setImmediate(resolve));
		}
		this.#nowMs = untilMs;
	}
}
