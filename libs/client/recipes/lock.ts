/** A lock that one session at a time has. */
import type { Chronokeeper } from '../chronokeeper.ts';
import type { AclOption } from './acl-option.ts';
import { type Contender, contendersIn } from './contenders.ts';
import { HeldLock } from './held.ts';
import { patiently, type WaitOptions } from './patience.ts';
import { inLine, kazooPrefix, predecessorOf, protectedPrefix } from './sequence-names.ts';
import { type Line, takeTurn, takeTurnAtOnce } from './sequence-nodes.ts';

export interface LockOptions extends AclOption {
	/** Who it is, for those who look: the text in the node of each contender. */
	readonly id?: string;
	/** How nodes are named: as Curator's InterProcessMutex does it, or as Kazoo's Lock. Curator's when absent. */
	readonly layout?: 'curator' | 'kazoo';
}

/** Something that can be held, by itself or with others in a MultiLock. */
export interface Lockable {
	readonly path: string;
	acquire(options?: WaitOptions): Promise<HeldLock>;
}

/** Both are rivals, so that programs with Curator and programs with Kazoo can share locks with this one. */
export const lockMarks = ['lock-', '__lock__'];

/**
 * A fair lock: one holder at a time, in the order in which they came.
 *
 * Guarantee: of two holders the later one has the greater token. While the session lives nobody else is let in; a holder whose session has expired may believe for a moment that it still holds
 * (its signal tells it as soon as it can know), and what it does then is refused by whoever looks at tokens, and by transaction().
 * It is not re-entrant: who acquires it again waits for itself.
 *
 * Fails: WaitTimeoutError and OperationAbortedError leave no node behind. A session that is lost while it waits puts it at the end of the line, in the next session.
 *
 * Costs: 1 round trip to acquire when it is free, 1 to release; while it waits 1 watch on the node in front, so that a release wakes one contender.
 *
 * Layout: `_c_<uuid>-lock-<digits>` as Curator's InterProcessMutex, which excludes it and is excluded by it; `<uuid>__lock__<digits>` of Kazoo is respected too, and used with
 * `layout: 'kazoo'`. Kazoo's Lock respects the former with `extra_lock_patterns=['-lock-']`.
 */
export class DistributedLock implements Lockable {
	readonly path: string;
	readonly #ck: Chronokeeper;
	readonly #line: Line;

	constructor(ck: Chronokeeper, path: string, { id = '', layout = 'curator', acl }: LockOptions = {}) {
		this.#ck = ck;
		this.path = path;
		this.#line = lockLine(path, id, layout, acl);
	}

	/** Waits until it is held. @throws WaitTimeoutError, OperationAbortedError, ClientError */
	acquire(options: WaitOptions = {}): Promise<HeldLock> {
		return patiently(this.path, options, async (signal) => {
			return new HeldLock(this.#ck, await takeTurn(this.#ck, this.#line, signal));
		});
	}

	/** Undefined when somebody else holds it or waits for it. */
	tryAcquire(options: WaitOptions = {}): Promise<HeldLock | undefined> {
		return patiently(this.path, options, async (signal) => {
			const node = await takeTurnAtOnce(this.#ck, this.#line, signal);
			return node && new HeldLock(this.#ck, node);
		});
	}

	/** Does the work while it holds the lock, and releases it whatever becomes of the work. The options are about the waiting. */
	async run<T>(work: (held: HeldLock) => Promise<T>, options: WaitOptions = {}): Promise<T> {
		const held = await this.acquire(options);
		try {
			return await work(held);
		} finally {
			await held.release();
		}
	}

	/** Who holds it: one, or nobody. Two round trips. */
	holders(): Promise<Contender[]> {
		return contendersIn(this.#ck, this.path, lockMarks, 1);
	}

	/** Who holds it, and behind it all that wait, in their order. Two round trips. */
	contenders(): Promise<Contender[]> {
		return contendersIn(this.#ck, this.path, lockMarks);
	}
}

export function lockLine(directory: string, id: string, layout: 'curator' | 'kazoo', acl: AclOption['acl']): Line {
	return {
		directory,
		newPrefix: () => (layout === 'kazoo' ? kazooPrefix('__lock__') : protectedPrefix('-lock-')),
		data: id,
		acl,
		predecessor: (names, own) => predecessorOf(own, inLine(names, lockMarks), lockMarks)?.name,
	};
}
