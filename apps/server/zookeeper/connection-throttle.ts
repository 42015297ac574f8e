/**
 * How many sessions may be opened or renewed: a bucket of tokens that fills with time, and over it, when that is asked for, a share of
 * requests that is turned away at random. The share rises while the bucket is found empty and falls while it is found full enough, so that a
 * herd that comes back at once is spread out instead of being served in bursts.
 */

export interface ConnectionThrottleOptions {
	/** What the bucket holds; 0: no limit. */
	readonly maxTokens: number;
	/** So many tokens come every fillTimeMs. */
	readonly fillCount: number;
	readonly fillTimeMs: number;
	/** The least time between two changes of the share; -1: nobody is turned away at random. */
	readonly freezeTimeMs: number;
	readonly dropIncrease: number;
	readonly dropDecrease: number;
	/** The share falls while no more than this part of the bucket is missing. */
	readonly decreaseRatio: number;
}

export class ConnectionThrottle {
	readonly #options: ConnectionThrottleOptions;
	/** From 0 up to, but not, 1. */
	readonly #random: () => number;
	#tokens: number;
	#filledMs: number;
	#changedMs: number;
	#dropChance = 0;

	/** @param nowMs monotonic, as in admits() */
	constructor(options: ConnectionThrottleOptions, random: () => number, nowMs: number) {
		this.#options = options;
		this.#random = random;
		this.#tokens = options.maxTokens;
		this.#filledMs = nowMs;
		this.#changedMs = nowMs;
	}

	/** Tokens that are missing. */
	get deficit(): number {
		return this.#options.maxTokens - this.#tokens;
	}

	/** The share that is turned away at random. */
	get dropChance(): number {
		return this.#dropChance;
	}

	/** Takes the tokens; false when they are not there, or by chance: the connection is to be closed. */
	admits(tokens: number, nowMs: number): boolean {
		const { maxTokens, freezeTimeMs } = this.#options;
		if (maxTokens === 0) return true;
		this.#fill(nowMs);
		if (freezeTimeMs !== -1) {
			this.#adjust(nowMs);
			if (this.#random() < this.#dropChance) return false;
		}
		if (this.#tokens < tokens) return false;
		this.#tokens -= tokens;
		return true;
	}

	#fill(nowMs: number): void {
		const { maxTokens, fillCount, fillTimeMs } = this.#options;
		const passedMs = nowMs - this.#filledMs;
		if (passedMs <= fillTimeMs) return;
		this.#tokens = Math.min(maxTokens, this.#tokens + Math.floor((passedMs * fillCount) / fillTimeMs));
		this.#filledMs = nowMs;
	}

	#adjust(nowMs: number): void {
		const { maxTokens, freezeTimeMs, dropIncrease, dropDecrease, decreaseRatio } = this.#options;
		if (nowMs - this.#changedMs <= freezeTimeMs) return;
		this.#changedMs = nowMs;
		if (this.#tokens === 0) this.#dropChance = Math.min(1, this.#dropChance + dropIncrease);
		else if (this.deficit <= Math.round(maxTokens * decreaseRatio)) {
			this.#dropChance = Math.max(0, this.#dropChance - dropDecrease);
		}
	}
}
