/** One loop over what happens to a node, or to everything below it. */
import { EventQueue } from './event-queue.ts';
import type { NodeEvent } from './node-event.ts';

/** Iterated once, by one loop; leaving the loop ends it, as do return() and the signal. */
export class NodeWatch implements AsyncIterableIterator<NodeEvent, undefined> {
	readonly #queue: EventQueue<NodeEvent>;
	readonly #ready: () => Promise<void>;

	/** @internal */
	constructor(queue: EventQueue<NodeEvent>, ready: () => Promise<void>) {
		this.#queue = queue;
		this.#ready = ready;
	}

	/**
	 * Resolves when the server has set the watch: everything that happens from then on is told. What is read after that shows everything before. Operations that are
	 * submitted after watch() was called are done behind it in any case.
	 */
	get ready(): Promise<void> {
		return this.#ready();
	}

	next(): Promise<IteratorResult<NodeEvent, undefined>> {
		return this.#queue.next();
	}

	return(): Promise<IteratorResult<NodeEvent, undefined>> {
		return this.#queue.return();
	}

	[Symbol.asyncIterator](): this {
		return this;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.return();
	}
}
