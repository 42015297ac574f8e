import type { Chronokeeper } from '../chronokeeper.ts';
import type { Patience } from '../submission.ts';
import { ElementQueue, type QueueOptions } from './element-queue.ts';

/**
 * A queue: elements are taken in the order in which they were put, each by one consumer, which acknowledges it when it is done.
 *
 * Guarantee: an element that was put is given until it is acknowledged, and never after that; to one consumer at a time. When a consumer releases it, or its session ends, it is given again, at its
 * old place. A single consumer gets elements in their order; of several each does. putAll() is all or none.
 *
 * Failure: a consumer that is stopped for longer than its session may still be working when another one gets the element: the other one's token is greater, and the first one's ack() fails. An
 * element is so worked on at least once; what must not be done twice is done with the token. When put() fails with SessionExpiredError or OutcomeUnknownError, the element may be in the queue.
 *
 * Cost: a round trip to put, one to take, one to acknowledge; the list of elements is read a page at a time, once for `lookAhead` elements. Of all consumers that wait, one has watches: an element
 * that comes wakes one.
 *
 * Layout: Kazoo's LockingQueue (`entries/entry-100-<digits>`, `taken/<the same>`): consumers and producers of both can share a queue. Digits end at 2,147,483,647 elements; then the order begins
 * anew, in front.
 */
export class Queue<T = Uint8Array> extends ElementQueue<T> {
	constructor(ck: Chronokeeper, path: string, options: QueueOptions<T> = {}) {
		super(ck, path, options);
	}

	put(value: T, patience: Patience = {}): Promise<void> {
		return this.putAll([value], patience);
	}

	/** One transaction: all of them, next to each other in this order, or none. */
	putAll(values: readonly T[], patience: Patience = {}): Promise<void> {
		return this.putNodes(elementPrefix(defaultPriority), values, patience);
	}
}

/** Kazoo's. */
export const defaultPriority = 100;

/** @throws RangeError unless it is a whole number from 0 to 999 */
export function elementPrefix(priority: number): string {
	if (!Number.isInteger(priority) || priority < 0 || priority > 999)
		throw new RangeError(`a priority is a whole number from 0 to 999, not ${priority}`);
	return `entry-${String(priority).padStart(3, '0')}-`;
}
