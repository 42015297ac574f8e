/** Latencies with their percentiles, to the millisecond. */
import { Tally } from '#core/model/tally';

/** From here on a latency counts as this one; the greatest is kept exactly. */
const highestMs = 4095;

export class LatencySpread extends Tally {
	readonly #counts = new Uint32Array(highestMs + 1);

	override add(ms: number): void {
		super.add(ms);
		// A clock that went back is nobody's latency.
		const at = ms < highestMs ? Math.max(0, Math.trunc(ms)) : highestMs;
		this.#counts[at]! += 1;
	}

	override reset(): void {
		super.reset();
		this.#counts.fill(0);
	}

	/** The whole milliseconds that so large a part of what was measured, from 0 to 1, did not exceed. 0 before anything was. */
	percentileMs(part: number): number {
		const wanted = Math.ceil(this.count * part);
		let seen = 0;
		for (let ms = 0; ms < highestMs && wanted > 0; ms++) {
			seen += this.#counts[ms]!;
			if (seen >= wanted) return ms;
		}
		return wanted > 0 ? Math.trunc(this.max) : 0;
	}
}
