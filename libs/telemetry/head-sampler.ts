/**
 * Decides once per request, before any span is made, whether it is traced. A caller who has decided (traceparent) is followed; of the others a share is
 * taken. A request that is not sampled touches no tracing API afterwards: that is what makes it cost next to nothing.
 */
import { parseTraceparent, type TraceContext } from './trace-context.ts';

export type SamplingDecision =
	| { readonly sampled: false }
	/** `parent` is the caller's span, when there is one. */
	| { readonly sampled: true; readonly parent: TraceContext | undefined };

const notSampled: SamplingDecision = Object.freeze({ sampled: false });
const sampledRoot: SamplingDecision = Object.freeze({ sampled: true, parent: undefined });

export class HeadSampler {
	readonly #ratio: number;
	readonly #random: () => number;
	/** Undecided requests that are passed over until one is taken: to count down costs less than a random number for each, and takes the same share of them. */
	#passedOver: number;

	constructor(ratio: number, random: () => number = Math.random) {
		this.#ratio = ratio;
		this.#random = random;
		this.#passedOver = this.#draw();
	}

	decide(traceparent: string | undefined): SamplingDecision {
		const parent = traceparent === undefined ? undefined : parseTraceparent(traceparent);
		if (parent !== undefined) return parent.sampled ? { sampled: true, parent } : notSampled;
		if (this.#passedOver > 0) {
			this.#passedOver -= 1;
			return notSampled;
		}
		this.#passedOver = this.#draw();
		return sampledRoot;
	}

	/** Geometrically distributed, as the number of failures in front of a success is. */
	#draw(): number {
		if (this.#ratio <= 0) return Number.POSITIVE_INFINITY;
		return Math.floor(Math.log1p(-this.#random()) / Math.log1p(-Math.min(this.#ratio, 1)));
	}
}
