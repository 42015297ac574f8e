/**
 * Who owns which nodes: the ephemerals of each session, the containers, the TTL nodes. The lists run through the node records
 * themselves, in order of creation, so a node more costs nothing here.
 */
import type { SessionId } from '#jute/scalars';
import { assert } from '../model/assert.ts';
import { nextOwnedField, previousOwnedField } from './node-layout.ts';
import type { NodePages } from './node-pages.ts';

/** The owner mark of containers (semantics 22). */
export const containerOwner = 0x8000_0000_0000_0000n;
const ttlMark = 0xff00_0000_0000_0000n;
export const maxTtlMs = 0xff_ffff_ffff;

export type OwnerKind = 'none' | 'ephemeral' | 'container' | 'ttl';

/** A TTL mark has two zero bytes behind its first, 0xff; that is why server id 255 gives out no sessions. */
export function ownerKind(owner: bigint): OwnerKind {
	if (owner === 0n) return 'none';
	if (owner === containerOwner) return 'container';
	return owner >> 40n === ttlMark >> 40n ? 'ttl' : 'ephemeral';
}

export function ttlOwner(ttlMs: number): bigint {
	return ttlMark | BigInt(ttlMs);
}

export function ttlOf(owner: bigint): number {
	return Number(owner & 0xff_ffff_ffffn);
}

/** What a client sees as the ephemeralOwner: 0 for containers and TTL nodes. */
export function visibleOwner(owner: bigint): bigint {
	return ownerKind(owner) === 'ephemeral' ? owner : 0n;
}

class OwnedList {
	first = 0;
	count = 0;
}

export class Owners {
	readonly #pages: NodePages;
	readonly #sessions = new Map<SessionId, OwnedList>();
	readonly #containers = new OwnedList();
	readonly #ttls = new OwnedList();
	#ephemerals = 0;

	constructor(pages: NodePages) {
		this.#pages = pages;
	}

	get ephemeralCount(): number {
		return this.#ephemerals;
	}

	get containerCount(): number {
		return this.#containers.count;
	}

	get ttlCount(): number {
		return this.#ttls.count;
	}

	sessions(): IterableIterator<SessionId> {
		return this.#sessions.keys();
	}

	/** The first of a list, 0 when it is empty; next() follows. */
	firstOf(sessionId: SessionId): number {
		return this.#sessions.get(sessionId)?.first ?? 0;
	}

	firstContainer(): number {
		return this.#containers.first;
	}

	firstTtl(): number {
		return this.#ttls.first;
	}

	next(node: number): number {
		return this.#pages.word(node, nextOwnedField);
	}

	add(node: number, owner: bigint): void {
		const kind = ownerKind(owner);
		if (kind === 'none') return;
		let list = kind === 'container' ? this.#containers : this.#ttls;
		if (kind === 'ephemeral') {
			this.#ephemerals += 1;
			const known = this.#sessions.get(owner as SessionId);
			list = known ?? new OwnedList();
			if (known === undefined) this.#sessions.set(owner as SessionId, list);
		}
		this.#append(list, node);
	}

	remove(node: number, owner: bigint): void {
		const kind = ownerKind(owner);
		if (kind === 'none') return;
		if (kind !== 'ephemeral') {
			this.#unlink(kind === 'container' ? this.#containers : this.#ttls, node);
			return;
		}
		const list = this.#sessions.get(owner as SessionId);
		assert(list !== undefined, 'the ephemerals index has every node with an owner');
		this.#ephemerals -= 1;
		this.#unlink(list, node);
		if (list.count === 0) this.#sessions.delete(owner as SessionId);
	}

	#append(list: OwnedList, node: number): void {
		const pages = this.#pages;
		if (list.first === 0) {
			list.first = node;
			pages.setWord(node, previousOwnedField, node);
		} else {
			const last = pages.word(list.first, previousOwnedField);
			pages.setWord(last, nextOwnedField, node);
			pages.setWord(node, previousOwnedField, last);
			pages.setWord(list.first, previousOwnedField, node);
		}
		list.count += 1;
	}

	#unlink(list: OwnedList, node: number): void {
		const pages = this.#pages;
		const next = pages.word(node, nextOwnedField);
		const previous = pages.word(node, previousOwnedField);
		if (list.first === node) list.first = next;
		else pages.setWord(previous, nextOwnedField, next);
		if (next !== 0) pages.setWord(next, previousOwnedField, previous);
		else if (list.first !== 0) pages.setWord(list.first, previousOwnedField, previous);
		list.count -= 1;
	}
}
