import type { Clock } from '#core/ports/clock';
import type { Schedule } from '#core/ports/schedule';

/** Time that passes only when told to. */
export class VirtualClock implements Clock {
	#ms = 0;
	readonly #startMs: number;

	constructor(startMs: number) {
		this.#startMs = startMs;
	}

	now(): number {
		return this.#startMs + this.#ms;
	}

	monotonicMs(): number {
		return this.#ms;
	}

	advance(ms: number): void {
		this.#ms += ms;
	}
}

/** Turns that run only when told to. */
export class VirtualSchedule {
	#turns: (() => void)[] = [];

	readonly schedule: Schedule = (turn) => {
		this.#turns.push(turn);
	};

	/** Runs what is scheduled, and what that schedules. */
	run(): void {
		for (let turn = this.#turns.shift(); turn !== undefined; turn = this.#turns.shift()) turn();
	}

	/** What a process that died never runs. */
	clear(): void {
		this.#turns = [];
	}

	get pending(): number {
		return this.#turns.length;
	}
}
