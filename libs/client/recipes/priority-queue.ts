import type { Chronokeeper } from '../chronokeeper.ts';
import type { Patience } from '../submission.ts';
import { ElementQueue, type QueueOptions } from './element-queue.ts';
import { defaultPriority, elementPrefix } from './queue.ts';

export interface PutOptions extends Patience {
	/** From 0, which comes first, to 999; 100 when absent. */
	readonly priority?: number | undefined;
}

/**
 * A queue whose elements have priorities: those with the smaller number are taken first, those with the same in the order in which they were put.
 *
 * Guarantee, failure, cost and layout are Queue's, with which it can share nodes. A consumer looks at some elements in advance (`lookAhead`): one that is put with a smaller number is taken before
 * those that are listed later, and not later than a second after it came, when a consumer is free.
 */
export class PriorityQueue<T = Uint8Array> extends ElementQueue<T> {
	constructor(ck: Chronokeeper, path: string, options: QueueOptions<T> = {}) {
		super(ck, path, { lookAhead: 16, ...options });
	}

	/** @throws RangeError for a priority that is none */
	put(value: T, options: PutOptions = {}): Promise<void> {
		return this.putAll([value], options);
	}

	/** One transaction: all of them or none. @throws RangeError for a priority that is none */
	async putAll(values: readonly T[], { priority = defaultPriority, ...patience }: PutOptions = {}): Promise<void> {
		await this.putNodes(elementPrefix(priority), values, patience);
	}
}
