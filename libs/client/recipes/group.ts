import type { CachedNode } from '../cache/cached-tree.ts';
import { nameOf } from '../cache/paths.ts';
import type { Chronokeeper } from '../chronokeeper.ts';
import { NoNodeError } from '../errors.ts';
import { Listeners } from '../listeners.ts';
import { bytesOf, type NodeData } from '../operations.ts';
import type { AclOption } from './acl-option.ts';
import { KeptNode } from './kept-node.ts';
import { patiently, type WaitOptions } from './patience.ts';
import { kazooPrefix } from './sequence-names.ts';

/** Kazoo's Party has it in the names of its members. */
const mark = '__party__';

export interface Member {
	/** The name of its node: that of one membership, which it keeps over sessions. */
	readonly id: string;
	/** What it calls itself; several may have the same. */
	readonly name: string;
	/** What it says of itself; its name when it said nothing else. */
	readonly data: Uint8Array;
	/** Since when it is there without a break, by the leader's clock. */
	readonly since: Date;
	/** Of two members the one with the smaller number came first. */
	readonly token: bigint;
	readonly sessionId: bigint;
}

export interface GroupChange {
	/** `changed`: it says something else of itself. */
	readonly kind: 'joined' | 'left' | 'changed';
	/** As it is; of one that left, as it was. */
	readonly member: Member;
	/** The transaction that did it, or in which it was found. */
	readonly zxid: bigint;
}

/**
 * Who is there: each member has an ephemeral node, which goes when the member's session ends.
 *
 * Guarantee: a member is in the group from join() until leave() or the end of its session, and joins again by itself in the next session, so that it is missing for as long as it was cut off. A change
 * that is told was so; none is left out for whom changes() is told, over lost connections and sessions.
 *
 * Failure: a member that dies, hangs or is cut off is a member until its session has timed out (`sessionTimeoutMs`). A member that is there may be dead, and one that is not there may live: what must
 * be done by one of them is done with a lock.
 *
 * Cost: join() three round trips and a watch on the own node; members() two round trips; changes() a watch and an event for each change.
 *
 * Layout: Kazoo's Party, `<32 hexadecimal digits>__party__<name>`, with the member's data: members of both see each other. What Kazoo's members call themselves is in their data.
 */
export class Group {
	readonly path: string;
	readonly #ck: Chronokeeper;
	readonly #acl: AclOption['acl'];

	constructor(ck: Chronokeeper, path: string, { acl }: AclOption = {}) {
		this.#ck = ck;
		this.#acl = acl;
		this.path = path;
	}

	/**
	 * Resolves when it is a member.
	 * @param data what it says of itself; its name when absent. Kazoo takes text only
	 * @throws RangeError for a name with a slash; WaitTimeoutError, OperationAbortedError: then it is none; ClientError
	 */
	async join(name: string, data?: Exclude<NodeData, null>, options: WaitOptions = {}): Promise<Membership> {
		if (name.includes('/')) throw new RangeError(`${JSON.stringify(name)} cannot be in the name of a node`);
		const id = `${kazooPrefix(mark)}${name}`;
		return patiently(this.path, options, async (signal) => {
			const membership = new Membership(this.#ck, `${this.path}/${id}`, name, bytesOf(data ?? name)!, this.#acl);
			await membership.begin(signal);
			return membership;
		});
	}

	/** Who is there, those that came first in front. */
	async members(): Promise<Member[]> {
		const paths = await this.#paths();
		const { results } = await this.#ck.multiRead(paths.map((path) => ({ kind: 'get', path })));
		const members = results.map((read, i) => (read.kind === 'get' ? memberIn(paths[i]!, read) : undefined));
		return inOrder(members.filter((member) => member !== undefined));
	}

	/** Who is there, as if all had just joined, and then each change, until the loop is left or the signal fires: then without an error. */
	async *changes({ signal }: { readonly signal?: AbortSignal | undefined } = {}): AsyncGenerator<GroupChange, void> {
		await using cache = this.#ck.cache(this.path, { kind: 'children', signal });
		const events = cache.events();
		try {
			await cache.ready;
		} catch (error) {
			if (signal?.aborted) return;
			throw error;
		}
		const known = new Map<string, Member>();
		const first = [...cache.entries()].map(([path, node]) => memberIn(path, node));
		for (const member of inOrder(first.filter((one) => one !== undefined))) {
			known.set(member.id, member);
			yield { kind: 'joined', member, zxid: member.token };
		}
		for await (const { type, path, node, zxid } of events) {
			const id = nameOf(path);
			const [before, member] = [known.get(id), node && memberIn(path, node)];
			if (member === undefined) known.delete(id);
			else known.set(id, member);
			// The node of another session took the place of the last one's.
			const isAnother = before?.token !== member?.token;
			if (before !== undefined && isAnother) yield { kind: 'left', member: before, zxid };
			if (member !== undefined && isAnother) yield { kind: 'joined', member, zxid };
			if (type === 'changed' && member !== undefined && !isAnother) yield { kind: 'changed', member, zxid };
		}
	}

	async #paths(): Promise<string[]> {
		try {
			const { names } = await this.#ck.children(this.path, { linearizable: true });
			return names.filter((name) => name.includes(mark)).map((name) => `${this.path}/${name}`);
		} catch (error) {
			if (error instanceof NoNodeError) return [];
			throw error;
		}
	}
}

/** Being a member. It is kept over connections and sessions until leave(), or until the client is closed. */
export class Membership implements AsyncDisposable {
	/** Of its node. */
	readonly id: string;
	readonly name: string;
	readonly #node: KeptNode;
	readonly #listeners = new Listeners<bigint>();
	#token = 0n;

	/** @internal */
	constructor(ck: Chronokeeper, path: string, name: string, data: Uint8Array, acl: AclOption['acl']) {
		this.id = nameOf(path);
		this.name = name;
		this.#node = new KeptNode(ck, path, data, acl, (czxid) => {
			this.#token = czxid;
			this.#listeners.tell(czxid);
		});
	}

	/** As others see it; another one after it had to join again. */
	get token(): bigint {
		return this.#token;
	}

	/** Calls the listener each time that it has joined again: in a new session, or because somebody deleted its node. @returns stops it */
	on(listener: (token: bigint) => void): () => void {
		return this.#listeners.on(listener);
	}

	/** Says something else of itself. Resolves when others can see it. */
	set(data: Exclude<NodeData, null>): Promise<void> {
		return this.#node.set(bytesOf(data)!);
	}

	/** It is no member when it resolves. */
	leave(): Promise<void> {
		return this.#node.close();
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.leave();
	}

	/** @internal */
	begin(signal: AbortSignal): Promise<void> {
		return this.#node.begin(signal);
	}
}

function inOrder(members: readonly Member[]): Member[] {
	return members.toSorted((a, b) => (a.token < b.token ? -1 : 1));
}

/** Undefined for a node that is no member's. */
export function memberIn(path: string, { data, stat }: Pick<CachedNode, 'data' | 'stat'>): Member | undefined {
	const id = nameOf(path);
	const at = id.indexOf(mark);
	if (at < 0) return undefined;
	const bytes = data ?? new Uint8Array(0);
	// Kazoo's say in their data what they are called.
	const name = id.slice(at + mark.length) || new TextDecoder().decode(bytes);
	const since = new Date(Number(stat.ctimeMs));
	return { id, name, data: bytes, since, token: stat.czxid, sessionId: stat.ephemeralOwner };
}
