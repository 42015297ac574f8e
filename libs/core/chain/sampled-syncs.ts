/** Sampled transactions on their way to this replica's log: the sync of each ends when the log has it, whether that is before its commit or behind it. */
import type { Zxid } from '../model/zxid.ts';
import type { Clock } from '../ports/clock.ts';
import type { Tracer } from '../ports/tracer.ts';
import type { Proposal } from './proposal.ts';

export class SampledSyncs {
	readonly #tracer: Tracer;
	readonly #clock: Clock;
	/** In zxid order. */
	#unlogged: Proposal[] = [];

	constructor(tracer: Tracer, clock: Clock) {
		this.#tracer = tracer;
		this.#clock = clock;
	}

	/** One that is not sampled is passed over. */
	add(proposal: Proposal): void {
		if (!proposal.isSampled) return;
		this.#unlogged.push(proposal);
	}

	logged(zxid: Zxid): void {
		if (this.#unlogged.length === 0) return;
		const nowMs = this.#clock.monotonicMs();
		let count = 0;
		for (const proposal of this.#unlogged) {
			if (proposal.record.header.zxid > zxid) break;
			proposal.trace(this.#tracer, 'sync', proposal.begunMs, nowMs);
			count += 1;
		}
		if (count > 0) this.#unlogged = this.#unlogged.slice(count);
	}
}
