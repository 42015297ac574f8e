/** One loop over what happens to a node, or to everything below it. */
import { EventQueue } from './event-queue.ts';
import { missedEvent, type NodeEvent } from './node-event.ts';
import type { EventSink, SharedWatch } from './shared-watch.ts';

/** Events that nobody takes are dropped beyond so many, and told as missed. */
const mostEvents = 65_536;

/** Iterated once, by one loop; leaving the loop ends it, as do return() and the signal. A loop that is behind by more than 65,536 events is told that it missed some. */
export class NodeWatch extends EventQueue<NodeEvent> implements EventSink {
	readonly #shared: SharedWatch;
	readonly #signal: AbortSignal | undefined;

	/** @internal */
	constructor(shared: SharedWatch, signal: AbortSignal | undefined) {
		super();
		this.#shared = shared;
		this.#signal = signal;
		shared.join(this);
		signal?.addEventListener('abort', this);
		if (signal?.aborted) this.end();
	}

	/**
	 * Resolves when the server has set the watch: everything that happens from then on is told. Operations that are submitted after watch() was called are done behind
	 * it in any case.
	 */
	get ready(): Promise<void> {
		return this.#shared.ready();
	}

	/** @internal */
	override push(event: NodeEvent): void {
		if (this.length < mostEvents) {
			super.push(event);
			return;
		}
		this.drop();
		super.push(missedEvent(this.#shared.shownPath));
	}

	/** Of the signal. @internal */
	handleEvent(): void {
		this.end();
	}

	/** @internal */
	protected override ended(): void {
		this.#signal?.removeEventListener('abort', this);
		this.#shared.leave(this);
	}
}
