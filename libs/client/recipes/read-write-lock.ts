/** A lock that several readers have together, or one writer alone. */
import type { Chronokeeper } from '../chronokeeper.ts';
import { OutcomeUnknownError } from '../errors.ts';
import type { AclOption } from './acl-option.ts';
import { type Contender, contendersIn, type PlacedContender } from './contenders.ts';
import { HeldLock, type HeldNode } from './held.ts';
import type { Lockable } from './lock.ts';
import { patiently, unhurried, type WaitOptions } from './patience.ts';
import {
	inLine,
	kazooPrefix,
	type Marks,
	placeOf,
	predecessorOf,
	protectedPrefix,
	withMark,
} from './sequence-names.ts';
import { type Line, takeTurn, takeTurnAtOnce } from './sequence-nodes.ts';

export interface ReadWriteLockOptions extends AclOption {
	/** Who it is, for those who look: the text in the node of each contender. */
	readonly id?: string;
	/** How nodes are named: as Curator's InterProcessReadWriteLock does it, or as Kazoo's ReadLock and WriteLock. Curator's when absent. */
	readonly layout?: 'curator' | 'kazoo';
}

/** Marks of Curator and of Kazoo. */
const readMarks = ['__READ__', '__rlock__'];
const writeMarks = ['__WRIT__', '__lock__'];
const allMarks = [...readMarks, ...writeMarks];

export interface ReadWriteContender extends Contender {
	readonly kind: 'read' | 'write';
}

/**
 * Readers together, a writer alone, in the order in which they came: a reader that comes behind a waiting writer waits for it, so neither starves.
 *
 * Guarantee: as of a DistributedLock, between writers, and between a writer and readers. A writer's token is greater than that of all readers and writers before it.
 * It is not re-entrant, and a reader cannot become a writer: two of them would wait for each other. A writer can become a reader: downgrade().
 *
 * Fails, costs: as a DistributedLock. A writer that releases wakes all readers right behind it, which all get the lock; a reader that releases wakes a writer that has waited for it, or nobody.
 *
 * Layout: Curator's InterProcessReadWriteLock (`_c_<uuid>-__READ__<digits>`, `…-__WRIT__…`), which excludes it and is excluded by it; Kazoo's `__rlock__` and `__lock__` are respected too, and used
 * with `layout: 'kazoo'`. Kazoo respects the former with `extra_lock_patterns` of the marks above.
 */
export class ReadWriteLock {
	readonly path: string;
	readonly read: SharedLock;
	readonly write: ExclusiveLock;
	readonly #ck: Chronokeeper;

	constructor(ck: Chronokeeper, path: string, { id = '', layout = 'curator', acl }: ReadWriteLockOptions = {}) {
		this.#ck = ck;
		this.path = path;
		const newPrefix = (kind: 'read' | 'write') => () => {
			const mark = (kind === 'read' ? readMarks : writeMarks)[layout === 'curator' ? 0 : 1]!;
			return layout === 'curator' ? protectedPrefix(`-${mark}`) : kazooPrefix(mark);
		};
		const behind = (rivals: Marks) => (names: readonly string[], own: string) =>
			predecessorOf(own, inLine(names, allMarks), rivals)?.name;
		this.read = new SharedLock(ck, {
			directory: path,
			newPrefix: newPrefix('read'),
			data: id,
			acl,
			predecessor: behind(writeMarks),
		});
		this.write = new ExclusiveLock(ck, {
			directory: path,
			newPrefix: newPrefix('write'),
			data: id,
			acl,
			predecessor: behind(allMarks),
		});
	}

	/** Who holds it: readers, or one writer, or nobody. Two round trips. */
	async holders(): Promise<ReadWriteContender[]> {
		const all = await this.contenders();
		const firstWriter = all.findIndex(({ kind }) => kind === 'write');
		return firstWriter < 0 ? all : all.slice(0, Math.max(1, firstWriter));
	}

	/** Who holds it, and behind them all that wait, in their order. Two round trips. */
	async contenders(): Promise<ReadWriteContender[]> {
		return (await contendersIn(this.#ck, this.path, allMarks)).map((contender) => ({
			...contender,
			kind: kindOf(contender),
		}));
	}
}

class Side<Held extends HeldLock> {
	readonly path: string;
	readonly #ck: Chronokeeper;
	readonly #line: Line;
	readonly #held: (ck: Chronokeeper, node: HeldNode, line: Line) => Held;

	/** @internal */
	constructor(ck: Chronokeeper, line: Line, held: (ck: Chronokeeper, node: HeldNode, line: Line) => Held) {
		this.path = line.directory;
		this.#ck = ck;
		this.#line = line;
		this.#held = held;
	}

	/** Waits until it is held. @throws WaitTimeoutError, OperationAbortedError, ClientError */
	acquire(options: WaitOptions = {}): Promise<Held> {
		return patiently(this.path, options, async (signal) => {
			return this.#held(this.#ck, await takeTurn(this.#ck, this.#line, signal), this.#line);
		});
	}

	/** Undefined when it would have to wait. */
	tryAcquire(options: WaitOptions = {}): Promise<Held | undefined> {
		return patiently(this.path, options, async (signal) => {
			const node = await takeTurnAtOnce(this.#ck, this.#line, signal);
			return node && this.#held(this.#ck, node, this.#line);
		});
	}
}

/** The readers' side of a ReadWriteLock. */
export class SharedLock extends Side<HeldLock> implements Lockable {
	/** @internal */
	constructor(ck: Chronokeeper, line: Line) {
		super(ck, line, (client, node) => new HeldLock(client, node));
	}
}

/** The writers' side of a ReadWriteLock. */
export class ExclusiveLock extends Side<HeldWriteLock> implements Lockable {
	/** @internal */
	constructor(ck: Chronokeeper, line: Line) {
		super(ck, line, (client, node, own) => new HeldWriteLock(client, node, own));
	}
}

export class HeldWriteLock extends HeldLock {
	readonly #ck: Chronokeeper;
	readonly #line: Line;

	/** @internal */
	constructor(ck: Chronokeeper, node: HeldNode, line: Line) {
		super(ck, node);
		this.#ck = ck;
		this.#line = line;
	}

	/**
	 * Becomes a reader, with the readers that wait right behind; no writer gets in between: the node is exchanged for a reader's with the same place in the line, in one transaction.
	 * This object holds nothing any more then. One round trip.
	 * The reader keeps the token, because those of writers that wait already are smaller than the zxid of the exchange; `holders()` gives the czxid of its new node.
	 * @throws NoNodeError when it is held no longer, other ClientErrors; it is held as before then, unless its signal says otherwise
	 */
	async downgrade(): Promise<HeldLock> {
		const slash = this.path.lastIndexOf('/') + 1;
		const place = placeOf(this.path.slice(slash), writeMarks)!;
		const mark = readMarks[writeMarks.indexOf(place.mark)]!;
		const path = this.path.slice(0, slash) + withMark(place, mark);
		const exchange = this.#ck
			.transaction()
			.delete(this.path)
			.create(path, this.#line.data, { mode: 'ephemeral', acl: this.#line.acl });
		try {
			await exchange.commit(unhurried);
		} catch (error) {
			if (!(error instanceof OutcomeUnknownError)) throw error;
			const stat = await this.#ck.exists(path, { linearizable: true, ...unhurried });
			if (stat?.ephemeralOwner !== this.session.id) throw error;
		}
		this.handOver();
		return new HeldLock(this.#ck, { path, token: this.token, session: this.session });
	}
}

function kindOf({ place }: PlacedContender): 'read' | 'write' {
	return readMarks.includes(place.mark) ? 'read' : 'write';
}
