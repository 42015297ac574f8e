/** What a cache tells to one loop. A loop that is slow misses nothing of what is there in the end: many changes of a node become one. */
import type { CacheEvent } from './cached-tree.ts';

/** So many wait one by one; of more than that only one for each node. */
const mostEvents = 10_000;

export class ChangeQueue implements AsyncIterableIterator<CacheEvent, undefined> {
	readonly #left: () => void;
	#events: CacheEvent[] = [];
	#head = 0;
	/** How many there may be before they are merged. */
	#limit = mostEvents;
	#waiting: ((result: IteratorResult<CacheEvent, undefined>) => void)[] = [];
	#isOver = false;

	/** @param left called once, when nothing more is wanted */
	constructor(left: () => void) {
		this.#left = left;
	}

	push(event: CacheEvent): void {
		if (this.#isOver) return;
		const next = this.#waiting.shift();
		if (next !== undefined) {
			next({ value: event, done: false });
			return;
		}
		this.#events.push(event);
		if (this.#events.length - this.#head <= this.#limit) return;
		this.#events = merged(this.#events.slice(this.#head));
		this.#head = 0;
		this.#limit = Math.max(mostEvents, 2 * this.#events.length);
	}

	/** What was pushed before is still given. */
	end(): void {
		if (this.#isOver) return;
		this.#isOver = true;
		for (const next of this.#waiting.splice(0)) next({ value: undefined, done: true });
		this.#left();
	}

	next(): Promise<IteratorResult<CacheEvent, undefined>> {
		if (this.#head < this.#events.length) {
			const value = this.#events[this.#head++]!;
			if (this.#head === this.#events.length) this.#clear();
			return Promise.resolve({ value, done: false });
		}
		if (this.#isOver) return Promise.resolve({ value: undefined, done: true });
		return new Promise((resolve) => {
			this.#waiting.push(resolve);
		});
	}

	return(): Promise<IteratorResult<CacheEvent, undefined>> {
		this.#clear();
		this.end();
		return Promise.resolve({ value: undefined, done: true });
	}

	[Symbol.asyncIterator](): this {
		return this;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.return();
	}

	#clear(): void {
		this.#events = [];
		this.#head = 0;
		this.#limit = mostEvents;
	}
}

/** From what each node was before the first to what it is after the last. */
function merged(events: readonly CacheEvent[]): CacheEvent[] {
	const ofNodes = new Map<string, { first: CacheEvent; last: CacheEvent }>();
	for (const event of events) {
		const known = ofNodes.get(event.path);
		if (known === undefined) ofNodes.set(event.path, { first: event, last: event });
		else known.last = event;
	}
	return [...ofNodes.values()].flatMap(({ first: { old }, last: { path, zxid, node } }): CacheEvent[] => {
		if (node === undefined) return old === undefined ? [] : [{ type: 'deleted', path, zxid, node, old }];
		if (old === undefined) return [{ type: 'created', path, zxid, node, old }];
		if (old.stat.czxid === node.stat.czxid) return [{ type: 'changed', path, zxid, node, old }];
		return [
			{ type: 'deleted', path, zxid, node: undefined, old },
			{ type: 'created', path, zxid, node, old: undefined },
		];
	});
}
