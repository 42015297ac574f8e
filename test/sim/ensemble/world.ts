import type { Clock } from '#core/ports/clock';
import type { After } from '#core/ports/timers';
import { SeededRandom } from '../random.ts';
import { VirtualTimers } from '../virtual-timers.ts';

/** One seed's time, chance and order of events. Between two events everything runs that promises led to. */
export class World {
	readonly random: SeededRandom;
	readonly #timers = new VirtualTimers();
	readonly after: After = this.#timers.after;
	readonly clock: Clock = { now: () => 1_700_000_000_000 + Math.floor(this.nowMs), monotonicMs: () => this.nowMs };

	constructor(seed: number) {
		this.random = new SeededRandom(seed);
	}

	get nowMs(): number {
		return this.#timers.nowMs;
	}

	async run(ms: number): Promise<void> {
		const untilMs = this.nowMs + ms;
		while (this.#timers.runNext(untilMs)) await new Promise((resolve) => setImmediate(resolve));
	}
}
