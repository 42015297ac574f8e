/** A barrier through which a number of members go together, in and out. */
import type { Stat } from '#proto/chronokeeper/v1/common';
import { nameOf } from '../cache/paths.ts';
import type { Chronokeeper } from '../chronokeeper.ts';
import { NodeExistsError, NoNodeError } from '../errors.ts';
import type { AclOption } from './acl-option.ts';
import { discard, type HeldNode } from './held.ts';
import { createHeldNode } from './held-node.ts';
import { overSessions } from './over-sessions.ts';
import { orAborted, patiently, unhurried, type WaitOptions } from './patience.ts';
import { untilSeen } from './watching.ts';

export interface DoubleBarrierOptions extends AclOption {
	/** Who it is, for those who look: the text in the node of each member. */
	readonly id?: string;
}

const readyName = 'ready';

/**
 * enter() waits until so many are there, leave() until all that were inside have left: they begin together and end together.
 *
 * Guarantee: when enter() resolves, so many members had come, and none of them had left unless its session was lost. When leave() resolves, none of those that were inside is any more.
 * Who comes while they are inside goes in at once, and is one of them. When the last has left, it is a new barrier.
 *
 * Fails: WaitTimeoutError and OperationAbortedError of enter() leave no member behind. A member whose session is lost before it is in comes anew; one that is lost inside counts as having left.
 *
 * Costs: 2 round trips to come, 1 more for the last one, who lets the others in, 2 more for one that joins those inside; 1 watch for each that waits, on one node: so a member that comes wakes nobody, and the last one all.
 * Leaving is the other way round, with 2 more and one of a quorum to see who is inside.
 *
 * Layout: members `<uuid>` and the node `ready`, as Curator's DistributedDoubleBarrier and Kazoo's DoubleBarrier. Unlike theirs, a `ready` that members left behind who all died lets nobody in; and one
 * of theirs that joins those inside is not waited for.
 */
export class DoubleBarrier {
	readonly path: string;
	readonly members: number;
	readonly #ck: Chronokeeper;
	readonly #id: string;
	readonly #acl: AclOption['acl'];

	/** @throws RangeError unless there is at least one member */
	constructor(ck: Chronokeeper, path: string, members: number, { id = '', acl }: DoubleBarrierOptions = {}) {
		if (!Number.isInteger(members) || members < 1) throw new RangeError(`${members} members: at least one is needed`);
		this.#ck = ck;
		this.path = path;
		this.members = members;
		this.#id = id;
		this.#acl = acl;
	}

	/** Waits until so many are there. @throws WaitTimeoutError, OperationAbortedError, ClientError */
	enter(options: WaitOptions = {}): Promise<InsideBarrier> {
		return patiently(this.path, options, async (signal) => {
			for (;;) {
				const member = await this.#come(signal);
				if (member === undefined) continue;
				try {
					if (await this.#isLetIn(member, signal)) return new InsideBarrier(this.#ck, this.path, member);
				} catch (error) {
					discard(this.#ck, member).catch(() => {});
					throw error;
				}
			}
		});
	}

	/** Undefined: once more. */
	async #come(signal: AbortSignal): Promise<HeldNode | undefined> {
		signal.throwIfAborted();
		const coming = this.#create();
		try {
			return await orAborted(coming, signal);
		} catch (error) {
			if (signal.aborted) void coming.then((late) => late && discard(this.#ck, late)).catch(() => {});
			throw error;
		}
	}

	async #create(): Promise<HeldNode | undefined> {
		const acl = this.#acl;
		try {
			// The name is nobody else's: a lost answer leaves no member behind that nobody knows of.
			return await createHeldNode(this.#ck, `${this.path}/${crypto.randomUUID()}`, this.#id, { acl });
		} catch (error) {
			if (!(error instanceof NoNodeError)) throw error;
			const container = { mode: 'container', acl, ...unhurried } as const;
			await overSessions(this.#ck, () => this.#ck.ensurePath(this.path, container));
			return undefined;
		}
	}

	/** Waits until the barrier is open. False when the member's node is gone. */
	async #isLetIn(member: HeldNode, signal: AbortSignal): Promise<boolean> {
		let wasOpened = false;
		return untilSeen(
			this.#ck,
			(watch) => {
				if (wasOpened) return Promise.resolve(true);
				return this.#look(member, (type) => {
					// Those who were quick may have gone in and out again, and the node with them.
					if (type === 'created') wasOpened = true;
					watch();
				});
			},
			signal,
		);
	}

	async #look(member: HeldNode, watch: (type: string) => void): Promise<boolean | undefined> {
		if (member.session.signal.aborted) return false;
		const [ready, names] = await Promise.all([
			this.#ck.exists(`${this.path}/${readyName}`, { watch: ({ type }) => watch(type), ...unhurried }),
			membersIn(this.#ck, this.path),
		]);
		const own = nameOf(member.path);
		if (!names.includes(own)) return false;
		if (ready !== undefined) {
			if (ready.czxid > member.token) return true;
			const inside = await insidersIn(this.#ck, this.path, names, ready);
			// The answer was lost that let it in.
			if (inside.includes(own)) return true;
			if (inside.length > 0) {
				if (await this.#join(member, inside[0]!)) return true;
				watch('changed');
				return undefined;
			}
		}
		if (names.length < this.members) return undefined;
		return this.#open(ready);
	}

	/** Goes in to one that is inside: in the same step in which it is, which the version of the own node tells from then on. @returns false when that one, or `ready`, is gone */
	async #join(member: HeldNode, insider: string): Promise<boolean> {
		const transaction = this.#ck.transaction().check(`${this.path}/${readyName}`).check(`${this.path}/${insider}`);
		try {
			await transaction.set(member.path, this.#id).commit(unhurried);
			return true;
		} catch (error) {
			if (error instanceof NoNodeError) return false;
			throw error;
		}
	}

	/** Undefined when somebody else does it. */
	async #open(leftBehind: Stat | undefined): Promise<true | undefined> {
		const path = `${this.path}/${readyName}`;
		try {
			const acl = this.#acl;
			if (leftBehind === undefined) await this.#ck.create(path, null, { acl, ...unhurried });
			else await this.#ck.transaction().delete(path).create(path, null, { acl }).commit(unhurried);
			return true;
		} catch (error) {
			// Its watch has fired, or the next look finds it.
			if (error instanceof NodeExistsError || error instanceof NoNodeError) return undefined;
			throw error;
		}
	}
}

/** A member that was let in. */
export class InsideBarrier implements AsyncDisposable {
	readonly #ck: Chronokeeper;
	readonly #path: string;
	readonly #member: HeldNode;
	/** Who was inside when it began to leave. */
	#round: ReadonlySet<string> | undefined;

	/** @internal */
	constructor(ck: Chronokeeper, path: string, member: HeldNode) {
		this.#ck = ck;
		this.#path = path;
		this.#member = member;
	}

	/**
	 * Waits until all have left. Who gives up waiting may leave again, to go on.
	 * @throws WaitTimeoutError, OperationAbortedError, ClientError
	 */
	leave(options: WaitOptions = {}): Promise<void> {
		return patiently(this.#path, options, async (signal) => {
			for (;;) {
				const waitedFor = await overSessions(this.#ck, () => this.#step(signal), signal);
				if (waitedFor === undefined) return;
				await this.#ck.untilDeleted(`${this.#path}/${waitedFor}`, { signal });
			}
		});
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.leave();
	}

	/** The lowest goes last, and takes `ready` along; it waits for the highest, all others go and wait for the lowest. @returns whom to wait for */
	async #step(signal: AbortSignal): Promise<string | undefined> {
		// A replica that is behind does not know of all who went in before this one began to leave.
		const linearizable = this.#round === undefined;
		const names = await orAborted(membersIn(this.#ck, this.#path, linearizable), signal);
		const own = nameOf(this.#member.path);
		this.#round ??= await orAborted(this.#insiders(names), signal);
		const members = names.filter((name) => this.#round!.has(name));
		const [lowest, highest] = [members[0], members.at(-1)];
		if (!members.includes(own)) return lowest;
		if (lowest !== own) {
			await orAborted(discard(this.#ck, this.#member), signal);
			return lowest;
		}
		if (highest !== own) return highest;
		await orAborted(this.#closeBehind(), signal);
		return undefined;
	}

	async #insiders(names: readonly string[]): Promise<ReadonlySet<string>> {
		const ready = await this.#ck.exists(`${this.#path}/${readyName}`, unhurried);
		return new Set([...(await insidersIn(this.#ck, this.#path, names, ready)), nameOf(this.#member.path)]);
	}

	async #closeBehind(): Promise<void> {
		const transaction = this.#ck.transaction().delete(this.#member.path).delete(`${this.#path}/${readyName}`);
		try {
			await transaction.commit(unhurried);
		} catch (error) {
			if (!(error instanceof NoNodeError)) throw error;
			// Another kind of client has taken `ready` away, or the session this node.
			await discard(this.#ck, this.#member);
		}
	}
}

/**
 * Those that are inside, or may go in: they were there when it was opened, or have joined those inside since. Others wait, behind a `ready` that is not of anybody who is there.
 * Nobody who was there when it was opened is there any more when `ready` is gone.
 */
async function insidersIn(
	ck: Chronokeeper,
	path: string,
	names: readonly string[],
	ready: Stat | undefined,
): Promise<string[]> {
	const stats = await Promise.all(names.map((name) => ck.exists(`${path}/${name}`, unhurried)));
	return names.filter((_, i) => {
		const stat = stats[i];
		if (stat === undefined) return false;
		return stat.version > 0 || (ready !== undefined && stat.czxid < ready.czxid);
	});
}

/** Sorted by code unit. */
async function membersIn(ck: Chronokeeper, path: string, linearizable = false): Promise<string[]> {
	try {
		return (await ck.children(path, { linearizable, ...unhurried })).names.filter((name) => name !== readyName);
	} catch (error) {
		if (error instanceof NoNodeError) return [];
		throw error;
	}
}
