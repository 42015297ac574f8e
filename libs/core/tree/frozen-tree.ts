/**
 * The tree as it was at one zxid, exactly, while the tree itself goes on. The message goes to a worker thread without copying
 * nodes: it names the shared memory, and the tree writes to none of it that is in use here until release().
 */
import type { Acl, StoredStat } from '#jute/records';
import type { SessionId, Zxid } from '#jute/scalars';
import { assert } from '../model/assert.ts';
import { BlobReader } from './blob-store.ts';
import { aclField, dataField, dataLengthField, firstChildField, nextSiblingField, parentField } from './node-layout.ts';
import { PageReader } from './node-pages.ts';
import { readName, readStoredStat } from './node-reader.ts';
import { none, root } from './node-store.ts';

/** Made to be posted to a worker thread: the structured clone shares the memory. */
export interface FrozenTreeMessage {
	readonly zxid: Zxid;
	/** Unsigned 64 bits. */
	readonly digest: bigint;
	/** Number of znodes. */
	readonly size: number;
	/** ACL lists by number; -1, world:anyone with all permissions, is not among them. */
	readonly acls: readonly (readonly [number, readonly Acl[]])[];
	/** Open sessions and their timeouts in milliseconds. */
	readonly sessions: ReadonlyMap<SessionId, number>;
	readonly chunks: readonly SharedArrayBuffer[];
	readonly table: Int32Array;
	readonly slabs: readonly (SharedArrayBuffer | null)[];
}

export interface FrozenNode {
	readonly path: string;
	/** A view of shared memory, valid until the frozen tree is released: copy what is to stay. */
	readonly data: Uint8Array | null;
	/** -1: world:anyone with all permissions. */
	readonly aclId: number;
	readonly stat: StoredStat;
}

export class FrozenTree {
	readonly zxid: Zxid;
	readonly digest: bigint;
	readonly size: number;
	readonly acls: readonly (readonly [number, readonly Acl[]])[];
	/** The caller sets them before transferable(): sessions are not the tree's. */
	sessions: ReadonlyMap<SessionId, number> = new Map();
	/** The tree's, see there: written down it has no digest. */
	isFuzzy = false;
	/** Null when it was released. */
	#memory: Pick<FrozenTreeMessage, 'chunks' | 'table' | 'slabs'> | null;
	readonly #release: () => void;

	constructor(
		facts: Pick<FrozenTreeMessage, 'zxid' | 'digest' | 'size' | 'acls'>,
		memory: Pick<FrozenTreeMessage, 'chunks' | 'table' | 'slabs'>,
		release: () => void,
	) {
		this.zxid = facts.zxid;
		this.digest = facts.digest;
		this.size = facts.size;
		this.acls = facts.acls;
		this.#memory = memory;
		this.#release = release;
	}

	/** @throws InvariantError after release(). */
	transferable(): FrozenTreeMessage {
		assert(this.#memory !== null, 'a frozen tree is read before it is released');
		return {
			zxid: this.zxid,
			digest: this.digest,
			size: this.size,
			acls: this.acls,
			sessions: this.sessions,
			...this.#memory,
		};
	}

	/** Gives the memory back to the tree. Every reader must be done by now. A second call does nothing. */
	release(): void {
		if (this.#memory === null) return;
		this.#memory = null;
		this.#release();
	}
}

/** All nodes in pre-order, parents before children; works in a worker as well as in the tree's own thread. */
export function* frozenNodes(message: FrozenTreeMessage): IterableIterator<FrozenNode> {
	const pages = new PageReader(message.chunks, message.table);
	const blobs = new BlobReader(message.slabs);
	/** How long the path was at each level above the current node. */
	const lengths: number[] = [];
	let path = '';
	let node = root;
	while (node !== none) {
		yield {
			path: node === root ? '/' : path,
			data: blobs.view(pages.word(node, dataField), pages.word(node, dataLengthField)),
			aclId: pages.word(node, aclField),
			stat: readStoredStat(pages, node),
		};
		const child = pages.word(node, firstChildField);
		if (child !== none) {
			lengths.push(path.length);
			node = child;
		} else {
			while (node !== root && pages.word(node, nextSiblingField) === none) {
				node = pages.word(node, parentField);
				lengths.pop();
			}
			node = node === root ? none : pages.word(node, nextSiblingField);
		}
		if (node !== none) path = `${path.slice(0, lengths[lengths.length - 1])}/${readName(pages, blobs, node)}`;
	}
}
