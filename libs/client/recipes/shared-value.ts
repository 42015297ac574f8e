import type { Chronokeeper } from '../chronokeeper.ts';
import type { Patience } from '../submission.ts';
import type { AclOption } from './acl-option.ts';
import { ChangeBell } from './change-bell.ts';
import { type Codec, jsonCodec } from './codec.ts';
import { overSessions } from './over-sessions.ts';
import { missing, VersionedNode } from './versioned-node.ts';

/** A value, and which one it is. */
export interface SharedState<T> {
	/** Undefined when there is none: the node is missing. */
	readonly value: T | undefined;
	/** The transaction that wrote it; 0n when there is none. Of two values of one node the later one has the greater. */
	readonly zxid: bigint;
	/** How often it was written since the node was created; -1 when there is none. What compareAndSet() asks for. */
	readonly version: number;
}

/**
 * A value that many programs read, change and follow: a node's data, through a codec (JSON unless another is given).
 *
 * Guarantee: compareAndSet() and update() never undo what they have not seen; get() sees everything that was acknowledged before it. values() tells the value that there is, and then every
 * change of which it is not too late to tell: who reads slowly gets the newest, never an older one behind it, and never misses the last.
 *
 * Failure: OutcomeUnknownError or SessionExpiredError when the answer to a write was lost with the session and others have written since. Bytes that the codec does not take make reads throw.
 *
 * Cost: a round trip for get() and set(), two for update() unless others come between. values(): a watch, and a round trip for each change.
 */
export class SharedValue<T> {
	readonly #ck: Chronokeeper;
	readonly #node: VersionedNode;
	readonly #codec: Codec<T>;

	constructor(ck: Chronokeeper, path: string, codec: Codec<T> = jsonCodec<T>(), { acl }: AclOption = {}) {
		this.#ck = ck;
		this.#node = new VersionedNode(ck, path, acl);
		this.#codec = codec;
	}

	async get(patience: Patience = {}): Promise<SharedState<T>> {
		const { data, stat } = await this.#node.read(patience);
		if (stat === undefined) return { value: undefined, zxid: 0n, version: missing };
		return { value: this.#codec.decode(data), zxid: stat.mzxid, version: stat.version };
	}

	/** Whatever is there. @throws OutcomeUnknownError, SessionExpiredError: it may have been written, and written over since */
	async set(value: T, patience: Patience = {}): Promise<SharedState<T>> {
		const { stat } = await this.#node.overwrite(this.#codec.encode(value), patience);
		return { value, zxid: stat.mzxid, version: stat.version };
	}

	/**
	 * @param version of what was seen; -1: there was none
	 * @returns undefined when there is another one now
	 */
	async compareAndSet(version: number, value: T, patience: Patience = {}): Promise<SharedState<T> | undefined> {
		const written = await this.#node.writeIf(version, this.#codec.encode(value), patience);
		return written && { value, zxid: written.stat.mzxid, version: written.stat.version };
	}

	/**
	 * @param change makes the next value of the one that there is, perhaps several times; undefined leaves it as it is
	 * @returns what was written; undefined when nothing was
	 */
	async update(
		change: (value: T | undefined) => T | undefined,
		patience: Patience = {},
	): Promise<SharedState<T> | undefined> {
		let value: T | undefined;
		const written = await this.#node.update(({ data, stat }) => {
			value = change(stat && this.#codec.decode(data));
			return value === undefined ? undefined : this.#codec.encode(value);
		}, patience);
		return written && { value, zxid: written.stat.mzxid, version: written.stat.version };
	}

	/** The value that there is, then each that follows, over lost connections and sessions, until the loop is left or the signal fires: then without an error. */
	async *values({ signal }: { readonly signal?: AbortSignal } = {}): AsyncGenerator<SharedState<T>, void> {
		const bell = new ChangeBell(this.#ck);
		let last: SharedState<T> | undefined;
		do {
			const state = await this.#watched(bell, signal);
			if (state === undefined) return;
			if (last === undefined || state.zxid !== last.zxid) yield (last = state);
		} while (await bell.rings(signal));
	}

	/** Undefined when the signal fired. */
	async #watched(bell: ChangeBell, signal: AbortSignal | undefined): Promise<SharedState<T> | undefined> {
		const { path } = this.#node;
		try {
			// A read of a node that is missing sets no watch; the question whether it is there does. Both go out together.
			const watched = () => bell.read(path, (watch) => this.#ck.exists(path, { watch, signal }));
			const [, state] = await Promise.all([overSessions(this.#ck, watched, signal), this.get({ signal })]);
			return state;
		} catch (error) {
			if (signal?.aborted) return undefined;
			throw error;
		}
	}
}
