import type { Chronokeeper } from '../chronokeeper.ts';
import type { Patience } from '../submission.ts';
import type { AclOption } from './acl-option.ts';
import { ElementQueue, type QueueOptions } from './element-queue.ts';

export type DelayOptions = Patience &
	({ readonly delayMs: number } | { /** By the leader's clock. */ readonly at: Date });

/**
 * A queue whose elements are given when they are due: those that are due first come first.
 *
 * Guarantee: no element is given before it is due, by the clock of the ensemble's leader, whatever the clocks of producers and consumers say: the transaction that locks it has the leader's time. The
 * rest is Queue's: given until it is acknowledged, never after that, to one consumer at a time.
 *
 * Failure: as Queue's. When another server leads, it is its clock that counts.
 *
 * Cost: as Queue's; the first put() with `delayMs` of a client asks what time it is with a write. Of all consumers that wait one has a timer and watches.
 *
 * Layout: `entries/entry-<milliseconds since 1970, 15 digits>-<digits>`, `taken/<the same>`. Nothing else has it: a consumer that does not know it would take elements that are not due.
 */
export class DelayQueue<T = Uint8Array> extends ElementQueue<T> {
	readonly #ck: Chronokeeper;
	readonly #acl: AclOption['acl'];

	constructor(ck: Chronokeeper, path: string, options: QueueOptions<T> = {}) {
		super(ck, path, options);
		this.#ck = ck;
		this.#acl = options.acl;
	}

	/** @throws RangeError for a time that is none */
	put(value: T, options: DelayOptions): Promise<void> {
		return this.putAll([value], options);
	}

	/** One transaction: all of them or none. @throws RangeError for a time that is none */
	async putAll(values: readonly T[], { signal, timeoutMs, ...when }: DelayOptions): Promise<void> {
		const patience = { signal, timeoutMs };
		const dueMs = 'at' in when ? when.at.getTime() : (await this.#now(patience)) + when.delayMs;
		// Also when it is NaN.
		if (!(Math.abs(dueMs) < latestMs)) throw new RangeError(`${dueMs} ms since 1970 is no time to be due`);
		const digits = String(Math.max(0, Math.ceil(dueMs))).padStart(dueDigits, '0');
		await this.putNodes(`entry-${digits}-`, values, patience);
	}

	/** @internal */
	protected override waitMsOf(name: string): number {
		const nowMs = this.clock.now();
		// Who does not know what time it is locks the first one, and knows it then.
		return nowMs === undefined ? 0 : dueMsOf(name) - nowMs;
	}

	/** @internal */
	protected override isDue(name: string, lockedMs: number): boolean {
		return dueMsOf(name) <= lockedMs;
	}

	async #now(patience: Patience): Promise<number> {
		if (this.clock.now() === undefined) {
			await this.#ck.ensurePath(this.path, { acl: this.#acl, ...patience });
			const sentMs = this.clock.read();
			const { stat } = await this.#ck.set(this.path, null, patience);
			this.clock.observe(Number(stat.mtimeMs), sentMs);
		}
		return this.clock.now()!;
	}
}

const dueDigits = 15;
const latestMs = 10 ** dueDigits;

/** 0 for a name that says nothing: due. */
function dueMsOf(name: string): number {
	return Number(/^entry-(\d{15})-/.exec(name)?.[1] ?? 0);
}
