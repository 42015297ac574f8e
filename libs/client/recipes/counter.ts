import type { Chronokeeper } from '../chronokeeper.ts';
import type { Patience } from '../submission.ts';
import type { AclOption } from './acl-option.ts';
import { integerCodec } from './codec.ts';
import { type VersionedData, VersionedNode } from './versioned-node.ts';

interface Addition {
	readonly by: bigint;
	readonly patience: Patience;
	readonly resolve: (value: bigint) => void;
	readonly reject: (error: unknown) => void;
}

/**
 * A whole number of any size that many count in. The node has it as text, as Kazoo's Counter of integers does: both can count in one node.
 *
 * Guarantee: every addition that resolves was counted exactly once, and gives the number right behind it, which no other addition got. A lost answer changes nothing in that: the same write is
 * sent again, and the server answers it with its first result.
 *
 * Failure: OutcomeUnknownError or SessionExpiredError when the answer was lost with the session and others have counted since: it was counted once, or not. Then read, or let it be; nothing is
 * counted later. A node that is no integer makes every call fail with a TypeError, and stays as it is.
 *
 * Cost: one round trip while nobody else counts, else two for each attempt, with a random pause that grows to 200 ms. Additions that are asked for meanwhile go together into the next write, so
 * that one client counts as fast as it asks.
 */
export class Counter {
	readonly #node: VersionedNode;
	#pending: Addition[] = [];
	#isWriting = false;
	/** What the last write left; undefined when somebody else has written since. */
	#known: VersionedData | undefined;

	/** The node is created by the first addition; its parents, too. */
	constructor(ck: Chronokeeper, path: string, { acl }: AclOption = {}) {
		this.#node = new VersionedNode(ck, path, acl);
	}

	/** With everything that was counted before the call, by anybody. 0 when there is no node. */
	async value(patience: Patience = {}): Promise<bigint> {
		return integerCodec.decode((await this.#node.read(patience)).data);
	}

	/**
	 * @param by may be negative
	 * @returns the number behind it
	 * @throws OperationAbortedError, OperationTimeoutError; whether it was counted is in their `wasSent`
	 */
	add(by: bigint | number, patience: Patience = {}): Promise<bigint> {
		return new Promise((resolve, reject) => {
			patience.signal?.throwIfAborted();
			this.#pending.push({ by: BigInt(by), patience, resolve, reject });
			if (!this.#isWriting) void this.#writeAll();
		});
	}

	increment(patience: Patience = {}): Promise<bigint> {
		return this.add(1n, patience);
	}

	decrement(patience: Patience = {}): Promise<bigint> {
		return this.add(-1n, patience);
	}

	/** @returns whether it was `expected`, and is `value` now */
	async compareAndSet(expected: bigint, value: bigint, patience: Patience = {}): Promise<boolean> {
		this.#known = undefined;
		const change = ({ data }: VersionedData) =>
			integerCodec.decode(data) === expected ? integerCodec.encode(value) : undefined;
		return (await this.#node.update(change, patience)) !== undefined;
	}

	async #writeAll(): Promise<void> {
		this.#isWriting = true;
		// What is asked for in the same moment goes into the same write.
		await Promise.resolve();
		for (;;) {
			const additions = this.#nextWrite();
			if (additions.length === 0) break;
			await this.#write(additions);
		}
		this.#isWriting = false;
	}

	/** Those that have the same patience: who has a signal or a limit of its own gets a write of its own. */
	#nextWrite(): Addition[] {
		const [first, ...others] = this.#pending;
		if (first === undefined) return [];
		const isShared = ({ patience }: Addition) =>
			patience.signal === first.patience.signal && patience.timeoutMs === first.patience.timeoutMs;
		const count = others.findIndex((other) => !isShared(other));
		return this.#pending.splice(0, count === -1 ? this.#pending.length : count + 1);
	}

	async #write(additions: readonly Addition[]): Promise<void> {
		const { patience } = additions[0]!;
		const sum = additions.reduce((total, { by }) => total + by, 0n);
		let before = 0n;
		const change = ({ data }: VersionedData): Uint8Array => {
			before = integerCodec.decode(data);
			return integerCodec.encode(before + sum);
		};
		try {
			const known = this.#known;
			this.#known = undefined;
			let data: Uint8Array | undefined;
			let written = known && (await this.#node.writeIf(known.stat!.version, (data = change(known)), patience));
			if (written === undefined) {
				const updated = (await this.#node.update(change, patience))!;
				written = updated;
				data = updated.data;
			}
			this.#known = { data: data!, stat: written.stat };
			for (const { by, resolve } of additions) resolve((before += by));
		} catch (error) {
			for (const { reject } of additions) reject(error);
		}
	}
}
