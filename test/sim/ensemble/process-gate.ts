/**
 * Through here comes whatever reaches a process: its timers, what the network brings, answers of its disk. While it is stopped (as SIGSTOP does it) all that
 * waits, and comes one after the other when it goes on; a process that is dead is reached by nothing.
 */
import type { After } from '#core/ports/timers';
import type { World } from './world.ts';

interface Waiting {
	readonly isTimer: boolean;
	readonly run: () => void;
}

export class ProcessGate {
	readonly #world: World;
	#isAlive = true;
	#isStopped = false;
	#waiting: Waiting[] = [];

	constructor(world: World) {
		this.#world = world;
	}

	get isAlive(): boolean {
		return this.#isAlive;
	}

	get isStopped(): boolean {
		return this.#isStopped;
	}

	/** Now, when it goes on, or never. */
	enter(run: () => void, isTimer = false): void {
		if (!this.#isAlive) return;
		if (this.#isStopped) this.#waiting.push({ isTimer, run });
		else run();
	}

	/** Timers of the process. One that was cancelled does not run, should it have waited here. */
	after(after: After): After {
		return (ms, run) => {
			let isCancelled = false;
			const timer = () => {
				if (!isCancelled) run();
			};
			const cancel = after(ms, () => this.enter(timer, true));
			return () => {
				isCancelled = true;
				cancel();
			};
		};
	}

	stop(): void {
		this.#isStopped = true;
	}

	/** @param timersFirst an event loop may look at its clock first, or at its sockets */
	goOn(timersFirst: boolean): void {
		if (!this.#isStopped || !this.#isAlive) return;
		if (timersFirst) {
			const [timers, others] = [true, false].map((isTimer) => this.#waiting.filter((each) => each.isTimer === isTimer));
			this.#waiting = [...timers!, ...others!];
		}
		this.#next();
	}

	die(): void {
		this.#isAlive = false;
		this.#waiting = [];
	}

	/** What comes meanwhile goes behind what waits. */
	#next(): void {
		const next = this.#waiting.shift();
		if (next === undefined) {
			this.#isStopped = false;
			return;
		}
		next.run();
		this.#world.after(0, () => this.#next());
	}
}
