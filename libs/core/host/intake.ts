/**
 * The requests that were submitted and wait for their turn, and the account of all that are not answered yet.
 *
 * How much the host holds: doors stop reading from their connections while `isThrottled`. A door that does not obey costs its own clients
 * ThrottledOp from `maxOutstanding` requests or `maxOutstandingBytes` on, answered in the next turn, ahead of what its session still
 * waits for: what is held is bounded whatever a door does.
 */
import type { ChainOptions } from '../chain/options.ts';
import type { Request } from '../model/op.ts';
import { zeroZxid } from '../model/zxid.ts';
import type { Clock } from '../ports/clock.ts';
import type { Tracer } from '../ports/tracer.ts';
import { opBytes } from './op-bytes.ts';

export class Intake {
	readonly #options: ChainOptions;
	readonly #tracer: Tracer;
	readonly #clock: Clock;
	/** When those that wait and are sampled came, in their order, in monotonic milliseconds. A Map of them would do what NewestChanges tells of Maps. */
	readonly #sampledMs: number[] = [];
	#queue: Request[] = [];
	#head = 0;
	#refused: Request[] = [];
	/** How many had their turn, and what waits until so many had it. */
	#taken = 0;
	#behind: { readonly taken: number; readonly run: () => void }[] = [];
	#outstanding = 0;
	#bytes = 0;

	constructor(options: ChainOptions, tracer: Tracer, clock: Clock) {
		this.#options = options;
		this.#tracer = tracer;
		this.#clock = clock;
	}

	/** Requests taken and not yet answered, wherever they are. */
	get outstanding(): number {
		return this.#outstanding;
	}

	/** By their number, or well before their bytes are too many. */
	get isThrottled(): boolean {
		const { globalOutstandingLimit, maxOutstandingBytes } = this.#options;
		return this.#outstanding > globalOutstandingLimit || this.#bytes > maxOutstandingBytes / 2;
	}

	get waiting(): number {
		return this.#queue.length - this.#head;
	}

	push(request: Request): void {
		this.count(request);
		const isTooMuch =
			this.#outstanding > this.#options.maxOutstanding || this.#bytes > this.#options.maxOutstandingBytes;
		if (isTooMuch && isRefusable(request)) {
			this.#refused.push(request);
			return;
		}
		this.#queue.push(request);
		if (request.traceparent !== undefined) this.#sampledMs.push(this.#clock.monotonicMs());
	}

	/** Runs it when all that wait now had their turn: at once when none does. */
	behind(run: () => void): void {
		if (this.waiting === 0) run();
		else this.#behind.push({ taken: this.#taken + this.waiting, run });
	}

	/** What was shifted last had its turn. */
	taken(): void {
		this.#taken += 1;
		if (this.#behind.length === 0) return;
		const due = this.#behind.findIndex(({ taken }) => taken > this.#taken);
		for (const { run } of this.#behind.splice(0, due === -1 ? this.#behind.length : due)) run();
	}

	/** The next one in the order of submission. */
	shift(): Request | undefined {
		const request = this.#queue[this.#head];
		if (request === undefined) return undefined;
		this.#head += 1;
		if (request.traceparent !== undefined) this.#trace(request, request.traceparent);
		return request;
	}

	#trace(request: Request, traceparent: string): void {
		const nowMs = this.#clock.monotonicMs();
		const sinceMs = this.#sampledMs.shift() ?? nowMs;
		this.#tracer.stage(traceparent, 'queue', sinceMs, nowMs, { zxid: zeroZxid, op: request.op.kind, error: 0 });
	}

	/** Those beyond the bounds: the caller answers them. */
	takeRefused(): readonly Request[] {
		if (this.#refused.length === 0) return this.#refused;
		const refused = this.#refused;
		this.#refused = [];
		return refused;
	}

	/** A request that did not come by push(). */
	count(request: Request): void {
		this.#outstanding += 1;
		this.#bytes += opBytes(request.op);
	}

	answered(request: Request): void {
		this.#outstanding -= 1;
		this.#bytes -= opBytes(request.op);
	}

	/** The end of a turn: forgets what was shifted. */
	compact(): void {
		if (this.#head === this.#queue.length) {
			this.#queue = [];
			this.#head = 0;
		} else if (this.#head * 2 >= this.#queue.length) {
			this.#queue = this.#queue.slice(this.#head);
			this.#head = 0;
		}
	}
}

/** What a learner forwarded is not: that learner, which has bounds of its own, waits for its transaction, and a ZooKeeper answers nobody before that one came. */
function isRefusable({ caller, owner }: Request): boolean {
	return caller.door !== 'system' && owner === undefined;
}
