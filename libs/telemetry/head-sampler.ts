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

	constructor(ratio: number, random: () => number = Math.random) {
		this.#ratio = ratio;
		this.#random = random;
	}

	decide(traceparent: string | undefined): SamplingDecision {
		const parent = traceparent === undefined ? undefined : parseTraceparent(traceparent);
		if (parent !== undefined) return parent.sampled ? { sampled: true, parent } : notSampled;
		return this.#ratio > 0 && this.#random() < this.#ratio ? sampledRoot : notSampled;
	}
}
