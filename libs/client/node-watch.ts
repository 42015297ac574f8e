/** One loop over what happens to a node, or to everything below it. */
import { EventQueue } from './event-queue.ts';
import { missedEvent, type NodeEvent } from './node-event.ts';

/** A watch that is set, or being set, for one who listens. @internal */
export interface Listening {
	/** Resolves when the server has set it. */
	ready(): Promise<void>;
	stop(): void;
}

/** Events that nobody takes are dropped beyond so many, and told as missed. */
const mostEvents = 65_536;

/** Iterated once, by one loop; leaving the loop ends it, as do return() and the signal. A loop that is slower than 65,536 events is told that it missed some. */
export class NodeWatch extends EventQueue<NodeEvent> {
	readonly #path: string;
	readonly #signal: AbortSignal | undefined;
	readonly #abort: (() => void) | undefined;
	#listening: Listening | undefined;

	/** @internal */
	constructor(path: string, signal: AbortSignal | undefined) {
		super();
		this.#path = path;
		this.#signal = signal;
		if (signal !== undefined) {
			this.#abort = () => this.end();
			signal.addEventListener('abort', this.#abort);
		}
	}

	/**
	 * Resolves when the server has set the watch: everything that happens from then on is told. Operations that are submitted after watch() was called are done behind
	 * it in any case.
	 */
	get ready(): Promise<void> {
		return this.#listening?.ready() ?? Promise.resolve();
	}

	/** @internal */
	begin(listening: Listening): void {
		this.#listening = listening;
		if (this.#signal?.aborted) this.end();
	}

	/** @internal */
	override push(event: NodeEvent): void {
		if (this.length < mostEvents) {
			super.push(event);
			return;
		}
		this.drop();
		super.push(missedEvent(this.#path));
	}

	/** @internal */
	protected override ended(): void {
		if (this.#abort !== undefined) this.#signal?.removeEventListener('abort', this.#abort);
		this.#listening?.stop();
	}
}
