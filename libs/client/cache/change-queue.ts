/** What a cache tells to one loop. A loop that is slow misses nothing of what is there in the end: many changes of a node become one. */
import { EventQueue } from '../event-queue.ts';
import type { CacheEvent } from './cached-tree.ts';

/** So many wait one by one; of more than that only one for each node. */
const mostEvents = 10_000;

export class ChangeQueue extends EventQueue<CacheEvent> {
	readonly #left: () => void;
	/** How many there may be before they are merged. */
	#limit = mostEvents;

	/** @param left called once, when nothing more is wanted */
	constructor(left: () => void) {
		super();
		this.#left = left;
	}

	override push(event: CacheEvent): void {
		super.push(event);
		if (this.length <= this.#limit) return;
		this.rewrite(merged);
		this.#limit = Math.max(mostEvents, 2 * this.length);
	}

	protected override drop(): void {
		super.drop();
		this.#limit = mostEvents;
	}

	protected override ended(): void {
		this.#left();
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
