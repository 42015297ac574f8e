/**
 * A snapshot on its way from a leader to a learner (semantics 80): what a snapshot file has between its header and its first seal, and behind it a
 * signature. ZooKeeper's leaders and learners read and write the same; theirs is fuzzy, ours is the state at one zxid.
 */

import type { StateReceiver, StoredState } from '#core/ports/replica-storage';
import { DataTree, type DataTreeOptions } from '#core/tree/data-tree';
import { type FrozenTreeMessage, frozenNodes } from '#core/tree/frozen-tree';
import { JuteWriter } from '#jute/codec';
import type { SessionId } from '#jute/scalars';
import { treeOptions } from './replay.ts';
import { type SnapshotBytes, SnapshotItems, writeAclEntry, writeNode, writeSession } from './snapshot-items.ts';

/** The string that ZooKeeper ends the stream with. */
const signature = 'BenWasHere';
const signatureBytes = 4 + signature.length;
const chunkBytes = 1 << 16;

/**
 * The state in chunks of about 64 KiB (more where a node has more data), each in memory of its own and encoded when it is drawn. The frozen tree
 * must not be released before the last one is.
 */
export function* snapshotStream(message: FrozenTreeMessage): Generator<Uint8Array, void> {
	const newChunk = () => new JuteWriter(chunkBytes + 4096);
	let chunk = newChunk();
	for (const write of itemsOf(message)) {
		write(chunk);
		if (chunk.position < chunkBytes) continue;
		yield chunk.view();
		chunk = newChunk();
	}
	yield chunk.view();
}

/** Items are small beside a chunk, but for large data. */
function* itemsOf(message: FrozenTreeMessage): Generator<(writer: JuteWriter) => void, void> {
	const { sessions, acls } = message;
	yield (writer) => writer.writeInt(sessions.size);
	for (const [id, timeoutMs] of sessions) yield (writer) => writeSession(writer, id, timeoutMs);
	yield (writer) => writer.writeInt(acls.length);
	for (const [id, acl] of acls) yield (writer) => writeAclEntry(writer, id, acl);
	for (const node of frozenNodes(message)) yield (writer) => writeNode(writer, node);
	yield (writer) => writer.writeString('/');
	yield (writer) => writer.writeString(signature);
}

/** Bytes that are no snapshot. */
export class SnapshotStreamError extends Error {
	constructor(problem: string, offset: number, cause?: unknown) {
		super(`the snapshot stream is malformed at byte ${offset}: ${problem}`, cause === undefined ? {} : { cause });
		this.name = 'SnapshotStreamError';
	}
}

/** Thrown and caught in here: the rest of an item comes with the next chunk. */
const moreIsNeeded = new Error('the item goes on in the next chunk');

/** Builds a tree from the stream, with no more memory beside it than a chunk and a node take. */
export class SnapshotStreamReader implements StateReceiver {
	readonly tree: DataTree;
	/** Open sessions and their timeouts in milliseconds. */
	readonly sessions = new Map<SessionId, number>();
	readonly #pending = new PendingBytes();
	readonly #items: SnapshotItems;
	readonly #steps: Generator<void, void>;
	#nodes = 0;
	#isOver = false;

	constructor(options: DataTreeOptions = treeOptions()) {
		const tree = DataTree.load(options);
		this.tree = tree;
		this.#items = new SnapshotItems(this.#pending, {
			session: (id, timeoutMs) => this.sessions.set(id, timeoutMs),
			acl: (aclId, acl) => tree.addAcl(aclId, acl),
			node: (path, data, aclId, stat) => tree.addNode(path, data, aclId, stat),
		});
		this.#steps = this.#read();
	}

	get state(): StoredState {
		return this;
	}

	/** Nodes read so far. */
	get nodes(): number {
		return this.#nodes;
	}

	/** Bytes read so far. */
	get bytes(): number {
		return this.#pending.offset;
	}

	/**
	 * Null while there is more to come. Otherwise the bytes behind the snapshot, and tree and sessions are whole; the tree's zxid is for the
	 * caller to set.
	 * @throws SnapshotStreamError when it is malformed: the tree is of no use then.
	 */
	take(chunk: Uint8Array): Uint8Array | null {
		if (this.#isOver) throw new Error('nothing is taken behind the end of a snapshot stream, or behind an error in it');
		this.#pending.add(chunk);
		this.#isOver = true;
		if (!this.#steps.next().done) {
			this.#isOver = false;
			return null;
		}
		this.tree.finishLoading();
		return this.#pending.rest();
	}

	/** Stands still at each end of what has come. */
	*#read(): Generator<void, void> {
		const items = this.#items;
		const sessions = yield* this.#whole(() => items.readCount('sessions'));
		for (let i = 0; i < sessions; i++) yield* this.#whole(() => items.readSession());
		const acls = yield* this.#whole(() => items.readCount('ACLs'));
		for (let i = 0; i < acls; i++) yield* this.#whole(() => items.readAcl());
		yield* this.#whole(() => {
			// In one go, for most of a stream is nodes: each that is whole is taken, the one that is not is tried again.
			while (items.readNode()) this.#nodes += 1;
		});
		yield* this.#whole(() => this.#readSignature());
	}

	*#whole<T>(read: () => T): Generator<void, T> {
		for (;;) {
			try {
				return read();
			} catch (error) {
				if (error !== moreIsNeeded) throw error;
			}
			yield;
		}
	}

	#readSignature(): void {
		const reader = this.#items.have(4, 'the signature');
		const length = reader.readInt();
		if (length !== signature.length) throw this.#pending.damage(`a signature cannot have ${length} bytes`);
		const text = this.#items.have(signatureBytes, 'the signature').readRequiredString();
		if (text !== signature) throw this.#pending.damage('the signature behind it is missing');
		this.#pending.at += signatureBytes;
	}
}

/** What came and was not taken, in memory of its own: the chunk may be used again. */
class PendingBytes implements SnapshotBytes {
	bytes = new Uint8Array(2 * chunkBytes);
	view = new DataView(this.bytes.buffer);
	at = 0;
	end = 0;
	readonly left = Number.POSITIVE_INFINITY;
	/** Of the stream, the one that bytes[0] is. */
	#base = 0;

	/** The byte of the stream that `at` stands on. */
	get offset(): number {
		return this.#base + this.at;
	}

	need(_wanted: number): number {
		return this.end - this.at;
	}

	add(chunk: Uint8Array): void {
		if (this.bytes.length - this.end < chunk.length) this.#makeRoom(chunk.length);
		this.bytes.set(chunk, this.end);
		this.end += chunk.length;
	}

	/** A copy of what was not taken. */
	rest(): Uint8Array {
		return this.bytes.slice(this.at, this.end);
	}

	short(_what: string): Error {
		return moreIsNeeded;
	}

	damage(problem: string, cause?: unknown): Error {
		return new SnapshotStreamError(problem, this.offset, cause);
	}

	#makeRoom(count: number): void {
		const have = this.end - this.at;
		if (have + count <= this.bytes.length) {
			this.bytes.copyWithin(0, this.at, this.end);
		} else {
			// Twice what is wanted, so that a large node in many chunks is not copied with each of them.
			const larger = new Uint8Array(2 * (have + count));
			larger.set(this.bytes.subarray(this.at, this.end));
			this.bytes = larger;
			this.view = new DataView(larger.buffer);
		}
		this.#base += this.at;
		this.at = 0;
		this.end = have;
	}
}
