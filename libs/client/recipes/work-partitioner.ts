import type { ZnodeCache } from '../cache/znode-cache.ts';
import type { Chronokeeper } from '../chronokeeper.ts';
import { Listeners } from '../listeners.ts';
import type { Transaction } from '../transaction.ts';
import type { AclOption } from './acl-option.ts';
import { jsonCodec } from './codec.ts';
import { Group, type Member, type Membership, memberIn } from './group.ts';
import { HeldLock } from './held.ts';
import { createHeldNode } from './held-node.ts';
import { isForLostConnection } from './over-sessions.ts';
import { assignPartitions } from './partition-assignment.ts';
import { orAborted, type WaitOptions } from './patience.ts';
import { pause } from './pause.ts';
import { VersionedNode } from './versioned-node.ts';

export interface PartitionerOptions extends AclOption {
	/** What is divided: names of nodes. All members have the same. */
	readonly partitions: readonly string[];
	/** What this member is called, for those who look. */
	readonly name?: string;
	/** Hears why work ended that was not told to; it is begun again after a pause that grows to 5 s. */
	readonly onError?: (error: unknown, partition: string) => void;
}

/** A partition that is this member's. */
export interface HeldPartition {
	readonly partition: string;
	/** Greater than that of whoever had the partition before: for the resource that the work is about. */
	readonly token: bigint;
	/** Aborted when the work is to end: the partition is to be another member's, or is not surely this one's any more. The other one gets it when the work has ended. */
	readonly signal: AbortSignal;
	/** A transaction that is done only while the partition is this member's. */
	transaction(): Transaction;
}

/** Works on one partition until its signal is aborted. */
export type PartitionWork = (held: HeldPartition) => Promise<void>;

const shortestPauseMs = 50;
const longestPauseMs = 5000;

/** Member to partitions. */
type Owners = Readonly<Record<string, readonly string[]>>;
/** What is no assignment is none: it is written anew. */
const ownersCodec = jsonCodec<Owners>((value) => {
	if (typeof value !== 'object' || value === null) return {};
	const isList = (own: unknown) => Array.isArray(own) && own.every((one) => typeof one === 'string');
	return Object.values(value).every(isList) ? (value as Owners) : {};
});

/**
 * Divides partitions among members, each to one, and anew when members come and go.
 *
 * Guarantee: each partition is a lock, which a member has while it works: no two work on one partition, and the token of the later one is greater. A partition that moves is given up before it is
 * taken: its signal is aborted, and the next member gets it when the work's promise has settled. When all is quiet every partition has a member, and no member more than one more than another;
 * what moves is no more than that takes.
 *
 * Failure: the partitions of a member that dies are worked on again when its session has timed out. A member that is stopped for longer than its session may go on for a moment, beside the next one:
 * the token, or transaction(), keeps it from doing harm. Work that does not end when its signal is aborted keeps its partition.
 *
 * Cost: for each member two watches and one for each partition that it has; a change of members is one write of the first member's, and two round trips for each partition that moves.
 *
 * Nodes: `members` (as Group's), `assignment`, `locks/<partition>`.
 */
export class WorkPartitioner {
	readonly path: string;
	readonly #ck: Chronokeeper;
	readonly #options: PartitionerOptions;

	/** @throws RangeError for partitions that cannot be names of nodes, or are twice there */
	constructor(ck: Chronokeeper, path: string, options: PartitionerOptions) {
		const { partitions } = options;
		const bad = partitions.find((partition) => partition === '' || partition.includes('/'));
		if (bad !== undefined) throw new RangeError(`${JSON.stringify(bad)} cannot be the name of a node`);
		if (new Set(partitions).size < partitions.length) throw new RangeError('a partition is there twice');
		this.#ck = ck;
		this.path = path;
		this.#options = options;
	}

	/** Resolves when it is a member; partitions come as others give them up. @throws WaitTimeoutError, OperationAbortedError, ClientError */
	async join(work: PartitionWork, options: WaitOptions = {}): Promise<PartitionWorker> {
		const membership = await new Group(this.#ck, `${this.path}/members`, this.#options).join(
			this.#options.name ?? '',
			this.#options.name ?? 'worker',
			options,
		);
		return new PartitionWorker(this.#ck, this.path, this.#options, membership, work);
	}
}

/** Being a member: has partitions, and works on them. */
export class PartitionWorker implements AsyncDisposable {
	readonly #ck: Chronokeeper;
	readonly #path: string;
	readonly #options: PartitionerOptions;
	readonly #membership: Membership;
	readonly #work: PartitionWork;
	readonly #members: ZnodeCache;
	readonly #assignment: ZnodeCache;
	readonly #node: VersionedNode;
	readonly #end = new AbortController();
	/** By partition: tells its work to end, and when it has. */
	readonly #shifts = new Map<string, { readonly stop: AbortController; readonly ended: Promise<void> }>();
	readonly #held = new Set<string>();
	readonly #listeners = new Listeners<void>();
	#isAssigning = false;
	#left: Promise<void> | undefined;

	/** @internal */
	constructor(
		ck: Chronokeeper,
		path: string,
		options: PartitionerOptions,
		membership: Membership,
		work: PartitionWork,
	) {
		this.#ck = ck;
		this.#path = path;
		this.#options = options;
		this.#membership = membership;
		this.#work = work;
		this.#node = new VersionedNode(ck, `${path}/assignment`, options.acl);
		this.#members = ck.cache(`${path}/members`, { kind: 'children' });
		this.#assignment = ck.cache(this.#node.path, { kind: 'node' });
		for (const cache of [this.#members, this.#assignment]) {
			cache.on(() => this.#changed());
			cache.ready.then(
				() => this.#changed(),
				() => {},
			);
		}
	}

	/** The node's name of this member. */
	get id(): string {
		return this.#membership.id;
	}

	/** What it works on. */
	get partitions(): string[] {
		return [...this.#held].sort();
	}

	/** Calls the listener each time that `partitions` has changed. @returns stops it */
	on(listener: () => void): () => void {
		return this.#listeners.on(listener);
	}

	/** Resolves when all work has ended, and others can have its partitions. */
	leave(): Promise<void> {
		this.#left ??= this.#leave();
		return this.#left;
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.leave();
	}

	async #leave(): Promise<void> {
		this.#end.abort(new Error('it has left'));
		await Promise.all([this.#members.close(), this.#assignment.close()]);
		const shifts = [...this.#shifts.values()];
		for (const { stop } of shifts) stop.abort(this.#end.signal.reason);
		await Promise.all(shifts.map(({ ended }) => ended));
		await this.#membership.leave();
	}

	#changed(): void {
		if (this.#end.signal.aborted || this.#members.state === 'filling' || this.#assignment.state === 'filling') return;
		void this.#assign();
		this.#reconcile();
	}

	/** The member that came first divides. Two may believe for a moment that they are it: then the one that writes last had seen what the other one wrote. */
	async #assign(): Promise<void> {
		if (this.#isAssigning) return;
		this.#isAssigning = true;
		let pauseMs = shortestPauseMs;
		while (!this.#end.signal.aborted && this.#isFirst() && !this.#isAssigned()) {
			try {
				await this.#node.update(({ data }) => this.#divided(data), { signal: this.#end.signal });
				// The cache has it: what this client writes is in it when the write resolves.
			} catch (error) {
				if (this.#ck.state === 'closed' || this.#end.signal.aborted) break;
				if (!isForLostConnection(this.#ck, error)) this.#options.onError?.(error, '');
				await pause(pauseMs, this.#end.signal).catch(() => {});
				pauseMs = Math.min(longestPauseMs, 2 * pauseMs);
			}
		}
		this.#isAssigning = false;
	}

	/** The members as they are now, those that came first in front. */
	#present(): Member[] {
		const members = [...this.#members.entries()].flatMap(([path, node]) => memberIn(path, node) ?? []);
		return members.sort((a, b) => (a.token < b.token ? -1 : 1));
	}

	#isFirst(): boolean {
		return this.#present()[0]?.id === this.id;
	}

	#owners(): Owners {
		const data = this.#assignment.get()?.data;
		return ownersIn(data);
	}

	/** To those who are here, and of all partitions. */
	#isAssigned(): boolean {
		const owners = this.#owners();
		const isSame = (some: readonly string[], others: readonly string[]) =>
			some.length === others.length && new Set([...some, ...others]).size === some.length;
		const ids = this.#present().map(({ id }) => id);
		return isSame(Object.keys(owners), ids) && isSame(Object.values(owners).flat(), this.#options.partitions);
	}

	#divided(data: Uint8Array): Uint8Array {
		const before = ownersIn(data);
		const previous = new Map(
			Object.entries(before).flatMap(([id, own]) => own.map((partition) => [partition, id] as const)),
		);
		const ids = this.#present().map(({ id }) => id);
		const owners: Record<string, string[]> = Object.fromEntries(ids.map((id) => [id, []]));
		for (const [partition, id] of assignPartitions(this.#options.partitions, ids, previous))
			owners[id]!.push(partition);
		return ownersCodec.encode(owners);
	}

	/** Ends the work that is not this member's, and begins what is. */
	#reconcile(): void {
		const own = new Set(this.#owners()[this.id] ?? []);
		for (const [partition, { stop }] of this.#shifts)
			if (!own.has(partition)) stop.abort(new Error(`${partition} is another member's`));
		for (const partition of own) {
			const shift = this.#shifts.get(partition);
			// One that ends is followed by another one when it has ended: see below.
			if (shift === undefined) this.#begin(partition);
		}
	}

	#begin(partition: string): void {
		const stop = new AbortController();
		const ended = this.#shift(partition, stop.signal).then(() => {
			this.#shifts.delete(partition);
			// It may have come back meanwhile.
			if (!this.#end.signal.aborted && this.#ck.state !== 'closed') this.#reconcile();
		});
		this.#shifts.set(partition, { stop, ended });
	}

	/** Has the partition, over sessions and failures of the work, until it is told to stop. */
	async #shift(partition: string, stop: AbortSignal): Promise<void> {
		let pauseMs = shortestPauseMs;
		while (!stop.aborted) {
			try {
				await using held = await this.#acquire(partition, stop);
				await this.#workWith(partition, held, stop);
				pauseMs = shortestPauseMs;
			} catch (error) {
				if (stop.aborted || this.#ck.state === 'closed') return;
				if (!isForLostConnection(this.#ck, error)) this.#options.onError?.(error, partition);
				await pause(pauseMs, stop).catch(() => {});
				pauseMs = Math.min(longestPauseMs, 2 * pauseMs);
			}
		}
	}

	async #acquire(partition: string, stop: AbortSignal): Promise<HeldLock> {
		const path = `${this.#path}/locks/${partition}`;
		for (;;) {
			stop.throwIfAborted();
			const creation = { acl: this.#options.acl, parents: true };
			const node = await createHeldNode(this.#ck, path, `${this.id} ${crypto.randomUUID()}`, creation);
			if (node !== undefined) return new HeldLock(this.#ck, node);
			await this.#ck.untilDeleted(path, { signal: stop });
		}
	}

	async #workWith(partition: string, held: HeldLock, stop: AbortSignal): Promise<void> {
		const end = new AbortController();
		const abort = (event: Event): void => end.abort((event.target as AbortSignal).reason);
		for (const signal of [stop, held.signal]) {
			signal.addEventListener('abort', abort, { once: true });
			if (signal.aborted) end.abort(signal.reason);
		}
		// It was another member's before this one had it.
		if (end.signal.aborted) return;
		this.#held.add(partition);
		this.#tell();
		try {
			const transaction = () => held.transaction();
			await this.#work({ partition, token: held.token, signal: end.signal, transaction });
			// It has nothing to do any more, and keeps the partition.
			await orAborted(new Promise<never>(() => {}), end.signal).catch(() => {});
		} finally {
			stop.removeEventListener('abort', abort);
			this.#held.delete(partition);
			this.#tell();
		}
	}

	#tell(): void {
		this.#listeners.tell();
	}
}

function ownersIn(data: Uint8Array | null | undefined): Owners {
	try {
		return data ? ownersCodec.decode(data) : {};
	} catch {
		return {};
	}
}
