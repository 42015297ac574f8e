import type { Chronokeeper } from '../chronokeeper.ts';
import type { AclOption } from './acl-option.ts';
import { integerCodec } from './codec.ts';
import { isForLostConnection } from './over-sessions.ts';
import { orAborted, patiently, type WaitOptions } from './patience.ts';
import { type VersionedData, VersionedNode } from './versioned-node.ts';

export interface IdSequenceOptions extends AclOption {
	/** How many are reserved at once; 100 when absent. What a client has reserved and not given out when it ends is never given out. */
	readonly blockSize?: number;
	/** The first of all, where the sequence begins; 1n when absent. */
	readonly first?: bigint;
}

/**
 * Numbers that nobody else gets: of orders, of tenants, of anything. They are reserved in blocks; a node has the first free one as text.
 *
 * Guarantee: no two clients of one path ever get the same number, and what one client gets rises strictly, in the order in which it asked. Numbers are left out where a client ended, or an answer
 * was lost.
 *
 * Failure: a reservation whose answer was lost is given up for another one: it costs numbers, never uniqueness. When somebody has set the node back behind what this client has given out
 * (deleted it, restored it), next() rejects with a RangeError until it is put forward again.
 *
 * Cost: nothing while the block lasts, and two round trips for a block, which are asked for when half of the one before is given out: only who is faster than that waits.
 */
export class IdSequence {
	readonly #ck: Chronokeeper;
	readonly #node: VersionedNode;
	readonly #blockSize: bigint;
	readonly #first: bigint;
	/** What the block has left. */
	#next = 0n;
	#end = 0n;
	/** The block behind it. */
	#ahead: Promise<bigint> | undefined;
	/** Settles when all that asked before have their numbers. */
	#line: Promise<unknown> | undefined;

	constructor(ck: Chronokeeper, path: string, { blockSize = 100, first = 1n, acl }: IdSequenceOptions = {}) {
		if (!Number.isSafeInteger(blockSize) || blockSize < 1)
			throw new RangeError(`a block of ids has at least one, and not ${blockSize}`);
		this.#ck = ck;
		this.#node = new VersionedNode(ck, path, acl);
		this.#blockSize = BigInt(blockSize);
		this.#first = first;
	}

	/** @throws RangeError when the node was set back; ClientError; OperationAbortedError and WaitTimeoutError: no number is lost by them */
	next(options: WaitOptions = {}): Promise<bigint> {
		if (this.#line === undefined && this.#next < this.#end) return Promise.resolve(this.#take());
		const before = this.#line ?? Promise.resolve();
		const own = patiently(this.#node.path, options, async (signal) => {
			await orAborted(before, signal);
			if (this.#next >= this.#end) await orAborted(this.#refill(), signal);
			return this.#take();
		});
		// Who gives up lets those behind go on only when it would have been its turn.
		const line = Promise.allSettled([before, own]).then(() => {
			if (this.#line === line) this.#line = undefined;
		});
		this.#line = line;
		return own;
	}

	#take(): bigint {
		const id = this.#next;
		this.#next += 1n;
		if ((this.#end - this.#next) * 2n < this.#blockSize && this.#blockSize > 1n) {
			// When it fails, next() hears of it.
			this.#reserveAhead().catch(() => {});
		}
		return id;
	}

	async #refill(): Promise<void> {
		const start = await this.#reserveAhead();
		if (this.#next < this.#end) return; // Somebody who gave up began it.
		this.#ahead = undefined;
		if (start < this.#end) throw new RangeError(`${this.#node.path} was set back: ${start} is next, ${this.#end} was`);
		this.#next = start;
		this.#end = start + this.#blockSize;
	}

	#reserveAhead(): Promise<bigint> {
		if (this.#ahead === undefined) {
			const ahead = this.#reserve();
			this.#ahead = ahead;
			// The next call tries again.
			ahead.catch(() => {
				if (this.#ahead === ahead) this.#ahead = undefined;
			});
		}
		return this.#ahead;
	}

	async #reserve(): Promise<bigint> {
		let start = 0n;
		const reserve = ({ data, stat }: VersionedData): Uint8Array => {
			start = stat === undefined || data.length === 0 ? this.#first : integerCodec.decode(data);
			return integerCodec.encode(start + this.#blockSize);
		};
		for (;;) {
			try {
				await this.#node.update(reserve);
				return start;
			} catch (error) {
				// Then these numbers are nobody's, perhaps.
				if (!isForLostConnection(this.#ck, error)) throw error;
			}
		}
	}
}
