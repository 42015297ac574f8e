import type { Clock } from '#core/ports/clock';
import type { After } from '#core/ports/timers';
import { SeededRandom } from '../random.ts';
import { VirtualTimers } from '../virtual-timers.ts';

/** One seed's time, chance and order of events. Between two events everything runs that promises led to. */
export class World {
	readonly random: SeededRandom;
	readonly #timers = new VirtualTimers();
	readonly after: After = this.#timers.after;
	/** Members read and write real files: time stands still while the system is at work for them, so that nothing depends on how long it takes. */
	hasFiles = false;

	constructor(seed: number) {
		this.random = new SeededRandom(seed);
	}

	get nowMs(): number {
		return this.#timers.nowMs;
	}

	async run(ms: number): Promise<void> {
		const untilMs = this.nowMs + ms;
		while (this.#timers.runNext(untilMs)) await this.settled();
	}

	/** Everything that the last event led to has happened, but for what waits for its time. */
	async settled(): Promise<void> {
		do await new Promise((resolve) => setImmediate(resolve));
		while (this.hasFiles && systemIsAtWork());
	}
}

function systemIsAtWork(): boolean {
	return process.getActiveResourcesInfo().some((name) => /^FS|FileHandle|^CloseReq|^Immediate$/.test(name));
}

/**
 * A member's clocks. The wall clock is minutes off, drifts, and somebody sets it now and then; the monotonic one runs up to a fifth too fast or too slow, and the member's
 * timers with it.
 */
export class MemberClock implements Clock {
	readonly #world: World;
	/** Of the monotonic clock; 1 is right. */
	readonly #rate: number;
	readonly #drift: number;
	#offMs: number;

	constructor(world: World, rate: number) {
		this.#world = world;
		this.#rate = rate;
		const { random } = world;
		this.#drift = 1 + (random.next() - 0.5) / 50;
		this.#offMs = (random.next() - 0.5) * tenMinutesMs;
	}

	now(): number {
		return Math.floor(1_700_000_000_000 + this.#world.nowMs * this.#drift + this.#offMs);
	}

	monotonicMs(): number {
		return this.#world.nowMs * this.#rate;
	}

	readonly after: After = (ms, run) => this.#world.after(ms / this.#rate, run);

	/** Forwards or backwards. */
	jump(): void {
		this.#offMs += (this.#world.random.next() - 0.5) * tenMinutesMs;
	}
}

const tenMinutesMs = 600_000;
