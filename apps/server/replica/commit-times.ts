/**
 * How long what is logged takes until it is committed: of one turn's transactions at a time, whether sampled or not, so that it costs a look at two numbers per batch.
 */
import type { Zxid } from '#core/model/zxid';

/** Of the host. */
export interface History {
	readonly lastLogged: Zxid;
	/** Committed and applied. */
	readonly lastProcessedZxid: Zxid;
}

export class CommitTimes {
	readonly #history: History;
	readonly #measured: (durationMs: number) => void;
	#zxid: number | undefined;
	#sinceMs = 0;

	constructor(history: History, measured: (durationMs: number) => void) {
		this.#history = history;
		this.#measured = measured;
	}

	/** At the end of each batch of prep and final. */
	look(nowMs = performance.now()): void {
		const { lastLogged, lastProcessedZxid } = this.#history;
		if (this.#zxid !== undefined && lastProcessedZxid >= this.#zxid) {
			this.#measured(nowMs - this.#sinceMs);
			this.#zxid = undefined;
		}
		// What was logged may have been cut off again: then nothing is waited for any more.
		if (this.#zxid !== undefined && lastLogged < this.#zxid) this.#zxid = undefined;
		if (this.#zxid !== undefined || lastLogged <= lastProcessedZxid) return;
		this.#zxid = lastLogged;
		this.#sinceMs = nowMs;
	}
}
