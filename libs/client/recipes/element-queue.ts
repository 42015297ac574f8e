/** What all queues have in common: elements are nodes, whoever takes one locks it with an ephemeral node beside it, and an acknowledgement deletes both. */
import type { Chronokeeper } from '../chronokeeper.ts';
import { NodeExistsError, NoNodeError, OperationTimeoutError, OutcomeUnknownError } from '../errors.ts';
import type { Patience } from '../submission.ts';
import type { AclOption } from './acl-option.ts';
import { ChangeBell } from './change-bell.ts';
import { bytesCodec, type Codec } from './codec.ts';
import { discard, type HeldLock, type HeldNode } from './held.ts';
import { findHeldNode } from './held-node.ts';
import { LeaderClock } from './leader-clock.ts';
import { DistributedLock } from './lock.ts';
import { LookAhead, type QueuePaths } from './look-ahead.ts';
import { isForLostConnection, overSessions } from './over-sessions.ts';
import { orAborted, patiently, underSignals, type WaitOptions } from './patience.ts';
import { QueueItem } from './queue-item.ts';

export interface QueueOptions<T> extends AclOption {
	/** What elements are; bytes when absent. */
	readonly codec?: Codec<T>;
	/** So many elements are listed at a time; 100 when absent. An element that comes in front of those is taken behind them, or a second later, whichever is sooner. */
	readonly lookAhead?: number;
}

export interface ConsumeOptions {
	/** Ends the loop, without an error. What it has given stays the consumer's. */
	readonly signal?: AbortSignal | undefined;
	/** So many elements are locked at a time, in one round trip; 1 when absent. They wait here for the loop, and nobody else gets them meanwhile. */
	readonly prefetch?: number | undefined;
}

export abstract class ElementQueue<T> {
	readonly path: string;
	/** @internal */
	protected readonly codec: Codec<T>;
	/** @internal */
	protected readonly clock = new LeaderClock();
	readonly #ck: Chronokeeper;
	readonly #paths: QueuePaths;
	readonly #acl: AclOption['acl'];
	readonly #id = crypto.randomUUID().replaceAll('-', '');
	readonly #ahead: LookAhead;
	readonly #bell: ChangeBell;
	/** Of all consumers that have found nothing, one looks out for what comes; the others wait for that post. */
	readonly #lookOut: DistributedLock;
	#attempts = 0;

	/** @internal */
	protected constructor(ck: Chronokeeper, path: string, options: QueueOptions<T>) {
		this.#ck = ck;
		this.path = path;
		this.#acl = options.acl;
		// Without one T is what it is by default.
		this.codec = options.codec ?? (bytesCodec as unknown as Codec<T>);
		this.#paths = { entries: `${path}/entries`, taken: `${path}/taken` };
		this.#ahead = new LookAhead(ck, this.#paths, options.acl, options.lookAhead ?? 100, (name) => this.waitMsOf(name));
		this.#bell = new ChangeBell(ck);
		this.#lookOut = new DistributedLock(ck, `${path}/waiting`, options);
	}

	/** How many elements there are, those that are taken included. */
	async length(patience: Patience = {}): Promise<number> {
		return (await this.#ck.exists(this.#paths.entries, { linearizable: true, ...patience }))?.numChildren ?? 0;
	}

	/** The next element if there is one that is free. */
	async tryTake(): Promise<QueueItem<T> | undefined> {
		return (await this.#tryTake(1))[0];
	}

	/** The next element; waits for it. @throws WaitTimeoutError, OperationAbortedError: then nothing is locked; ClientError */
	take(options: WaitOptions = {}): Promise<QueueItem<T>> {
		return patiently(this.path, options, async (signal) => (await this.#take(1, signal))[0]!);
	}

	/**
	 * Elements as they come, over lost connections and sessions, until the loop is left or the signal fires. Each is to be acknowledged or released.
	 * When the loop is left by break, return or an error, what it gave and nobody has settled goes back to the queue, so that nothing stays locked that nobody works on.
	 */
	async *consume({ signal, prefetch = 1 }: ConsumeOptions = {}): AsyncGenerator<QueueItem<T>, void> {
		if (!Number.isSafeInteger(prefetch) || prefetch < 1)
			throw new RangeError(`prefetch is at least 1, not ${prefetch}`);
		const ready: QueueItem<T>[] = [];
		const given = new Set<QueueItem<T>>();
		const never = new AbortController().signal;
		try {
			while (!signal?.aborted) {
				const item = ready.shift();
				if (item === undefined) {
					ready.push(...(await this.#take(prefetch, signal ?? never)));
				} else if (!item.session.signal.aborted) {
					for (const earlier of given) if (earlier.isSettled) given.delete(earlier);
					given.add(item);
					yield item;
				}
			}
			given.clear();
		} catch (error) {
			if (!signal?.aborted) throw error;
			given.clear();
		} finally {
			const released = Promise.allSettled([...ready, ...given].map((item) => item.release()));
			// Whoever stops does not wait for a server to come back.
			if (this.#ck.state === 'connected') await released;
		}
	}

	/** Puts nodes with this name and digits behind it, all of them or none. @internal */
	protected async putNodes(prefix: string, values: readonly T[], patience: Patience): Promise<void> {
		if (values.length === 0) return;
		const data = values.map((value) => this.codec.encode(value));
		const sentMs = this.clock.read();
		for (;;) {
			const transaction = this.#ck.transaction();
			for (const each of data)
				transaction.create(`${this.#paths.entries}/${prefix}`, each, { mode: 'persistentSequential', acl: this.#acl });
			try {
				const [first] = await transaction.commit(patience);
				this.clock.observe(Number(first!.stat!.ctimeMs), sentMs);
				return;
			} catch (error) {
				if (!(error instanceof NoNodeError)) throw error;
			}
			await this.#ck.ensurePath(this.#paths.entries, { acl: this.#acl, ...patience });
		}
	}

	/** How long until an element of this name is due; not more than 0 for one that is. @internal */
	protected waitMsOf(_name: string): number {
		return 0;
	}

	/** Whether an element that was locked at this time, by the leader's clock, may be given. @internal */
	protected isDue(_name: string, _lockedMs: number): boolean {
		return true;
	}

	async #take(count: number, signal: AbortSignal): Promise<QueueItem<T>[]> {
		for (;;) {
			signal.throwIfAborted();
			const items = await this.#unlessAborted(this.#tryTake(count, signal), signal);
			if (items.length > 0) return items;
			const post = await this.#lookOut.acquire({ signal });
			try {
				const ends = [signal, post.session.signal];
				const looking = underSignals(ends, (either) => this.#await(count, post, either));
				const found = await this.#unlessAborted(looking, signal);
				if (found.length > 0) return found;
			} finally {
				// Not waited for: the next one may look out while this one works.
				post.release().catch(() => {});
			}
		}
	}

	/** Whoever gives up does not wait for a server to answer, and has nothing: what is locked all the same is released. */
	async #unlessAborted(taking: Promise<QueueItem<T>[]>, signal: AbortSignal): Promise<QueueItem<T>[]> {
		try {
			return await orAborted(taking, signal);
		} catch (error) {
			if (signal.aborted) void taking.then((late) => Promise.all(late.map((item) => item.release()))).catch(() => {});
			throw error;
		}
	}

	/** Looks until there is something, or the post is lost. */
	async #await(count: number, post: HeldLock, signal: AbortSignal): Promise<QueueItem<T>[]> {
		while (!post.session.signal.aborted) {
			const { free, waitMs } = await this.#ahead.look(this.#bell);
			if (signal.aborted) break;
			const items = await this.#lockAll(free.slice(0, count));
			if (items.length > 0) return items;
			// Others were quicker: there may be more.
			if (free.length === 0 && !(await this.#bell.rings(signal, waitMs))) break;
		}
		return [];
	}

	async #tryTake(count: number, signal?: AbortSignal): Promise<QueueItem<T>[]> {
		for (;;) {
			const names = await this.#ahead.next(count, signal);
			if (names.length === 0) return [];
			const items = await this.#lockAll(names);
			if (items.length > 0) return items;
		}
	}

	/** Those that could be locked, in their order. */
	async #lockAll(names: readonly string[]): Promise<QueueItem<T>[]> {
		const settled = await Promise.allSettled(names.map((name) => this.#lock(name)));
		const items = settled.flatMap((one) => (one.status === 'fulfilled' && one.value ? [one.value] : []));
		const failed = settled.find((one) => one.status === 'rejected');
		if (failed === undefined) return items;
		await Promise.allSettled(items.map((item) => item.release()));
		throw failed.reason;
	}

	/** Locks the element if it is there, and reads it: both are sent together. Undefined when it is gone, taken, or not due. */
	async #lock(name: string): Promise<QueueItem<T> | undefined> {
		const entryPath = `${this.#paths.entries}/${name}`;
		const [node, read] = await Promise.allSettled([this.#lockNode(name, entryPath), this.#ck.get(entryPath)]);
		if (node.status === 'rejected') throw node.reason;
		if (node.value === undefined || node.value.session.signal.aborted) return undefined;
		if (read.status === 'rejected') {
			await discard(this.#ck, node.value);
			if (read.reason instanceof NoNodeError || isForLostConnection(this.#ck, read.reason)) return undefined;
			throw read.reason;
		}
		const { data, stat } = read.value;
		const element = { ...node.value, name, entryPath, data: data ?? nothing, stat };
		return new QueueItem(this.#ck, element, this.codec, () => this.#ahead.forget());
	}

	async #lockNode(name: string, entryPath: string): Promise<HeldNode | undefined> {
		const path = `${this.#paths.taken}/${name}`;
		// Of this attempt alone, so that it knows its own node.
		const id = `${this.#id}-${++this.#attempts}`;
		const sentMs = this.clock.read();
		try {
			const locking = this.#ck.transaction().check(entryPath);
			const [, locked] = await locking.create(path, id, { mode: 'ephemeral', acl: this.#acl }).commit();
			const { ctimeMs, czxid, ephemeralOwner } = locked!.stat!;
			this.clock.observe(Number(ctimeMs), sentMs);
			const { session } = this.#ck;
			// The session that has locked it was lost since.
			if (ephemeralOwner !== session.id) return undefined;
			const node = { path, token: czxid, session };
			if (this.isDue(name, Number(ctimeMs))) return node;
			await discard(this.#ck, node);
			return undefined;
		} catch (error) {
			if (error instanceof NodeExistsError) return undefined;
			if (error instanceof NoNodeError) {
				if (error.op === 1)
					await overSessions(this.#ck, () => this.#ck.ensurePath(this.#paths.taken, { acl: this.#acl }));
				return undefined;
			}
			if (error instanceof OutcomeUnknownError) return overSessions(this.#ck, () => findHeldNode(this.#ck, path, id));
			// It may be done yet: nobody would work on it, and nobody else get it.
			if (error instanceof OperationTimeoutError) void this.#undo(path, id).catch(() => {});
			if (isForLostConnection(this.#ck, error)) return undefined;
			throw error;
		}
	}

	async #undo(path: string, id: string): Promise<void> {
		await this.#ck.sync(path);
		const node = await findHeldNode(this.#ck, path, id);
		if (node !== undefined) await discard(this.#ck, node);
	}
}

const nothing = new Uint8Array(0);
