/** A part of the tree in this process: read once, then followed. */

import { ClientError } from '../client-error.ts';
import type { ClientState, StateChange } from '../client-state.ts';
import { sessionExpired } from '../errors.ts';
import { Listeners } from '../listeners.ts';
import type { NodeEvent } from '../node-event.ts';
import type { EventSink } from '../shared-watch.ts';
import { type CachedNode, CachedTree, type CacheEvent } from './cached-tree.ts';
import { ChangeQueue } from './change-queue.ts';
import { type MultiRead, NodeReader } from './node-reader.ts';
import { parentOf } from './paths.ts';

/** `node`: the node alone. `children`: its children, without itself. `tree`: it and all that is below it. */
export type CacheKind = 'node' | 'children' | 'tree';

/**
 * `filling`: it is read for the first time. `current`: it has everything that the replica has told. `stale`: no replica is connected, or what changed meanwhile is being read; it has what
 * was there before.
 */
export type CacheState = 'filling' | 'current' | 'stale' | 'closed';

export interface CacheOptions {
	/** `tree` when absent. */
	readonly kind?: CacheKind | undefined;
	/** Closes it. */
	readonly signal?: AbortSignal | undefined;
}

/** What a cache stands on. @internal */
export interface CacheSource {
	readonly multiRead: MultiRead;
	/** Events as they come in, in front of answers that show them. */
	follow(
		path: string,
		recursive: boolean,
		sink: EventSink,
	): { readonly ready: () => Promise<void>; readonly stop: () => void };
	on(listener: (change: StateChange) => void): () => void;
	state(): ClientState;
}

interface Settle {
	resolve(): void;
	reject(error: unknown): void;
}

const firstPauseMs = 50;
const longestPauseMs = 5000;

/**
 * A live local copy of a node, its children or a subtree, with data and Stats; made by `ck.cache(path, { kind })`.
 *
 * What is in it was so at some zxid, and each node only goes forward. What this client itself has written is in it when the write resolves. What others write comes as it comes to the
 * replica: mostly within milliseconds, and never before it is committed. After a lost connection or session what changed meanwhile is read again, each node once: where the history tells
 * which nodes these are only they, else all. The differences come as events then, each node's from what it was to what it is.
 *
 * Nodes that the caller may not read are left out. That an access control list changed is not noticed before the node changes otherwise.
 */
export class ZnodeCache implements AsyncDisposable {
	readonly path: string;
	readonly kind: CacheKind;
	/** Resolves when everything is there. Rejects when it cannot be read, or the cache is closed before. */
	readonly ready: Promise<void>;
	readonly #source: CacheSource;
	readonly #tree: CachedTree;
	readonly #listeners = new Listeners<CacheEvent>();
	readonly #queues = new Set<ChangeQueue>();
	readonly #following: ReturnType<CacheSource['follow']>;
	readonly #stopListening: () => void;
	readonly #forgetSignal: () => void;
	readonly #filled: Settle;
	/** Nodes of which something was heard that does not say what they are now. */
	readonly #unclear = new Set<string>();
	#isFilled = false;
	#isClosed = false;
	#isConnected: boolean;
	/** There was a time without events, and what happened then has not been told. */
	#isBehind = false;
	#filling: NodeReader | undefined;
	#rereading: NodeReader | undefined;
	#attempts = 0;
	#pause: NodeJS.Timeout | undefined;

	/** @internal */
	constructor(source: CacheSource, path: string, { kind = 'tree', signal }: CacheOptions = {}) {
		this.#source = source;
		this.#isConnected = source.state() === 'connected';
		this.path = path;
		this.kind = kind;
		this.#tree = new CachedTree((event) => this.#tell(event));
		let filled!: Settle;
		this.ready = new Promise<void>((resolve, reject) => {
			filled = { resolve, reject };
		});
		this.#filled = filled;
		this.ready.catch(() => {});
		const abort = () => void this.close();
		signal?.addEventListener('abort', abort, { once: true });
		this.#forgetSignal = () => signal?.removeEventListener('abort', abort);
		this.#stopListening = source.on((change) => this.#connection(change));
		this.#following = source.follow(path, kind !== 'node', {
			push: (event) => this.#hear(event),
			end: () => this.#end(),
			fail: (error) => this.#end(error),
			caughtUp: () => {
				this.#isBehind = false;
			},
		});
		// Requests that are sent now are answered behind the watch.
		this.#fill();
		// What was before the watch was set is nothing that was not told.
		this.#following.ready().then(
			() => {
				this.#isBehind = false;
			},
			() => {},
		);
		if (signal?.aborted) abort();
	}

	get state(): CacheState {
		if (this.#isClosed) return 'closed';
		if (!this.#isFilled) return 'filling';
		const isReading = this.#filling !== undefined || this.#pause !== undefined || this.#rereading !== undefined;
		const isStale = !this.#isConnected || this.#isBehind || isReading || this.#unclear.size > 0;
		return isStale ? 'stale' : 'current';
	}

	/** Nodes in it. */
	get size(): number {
		return this.#tree.size;
	}

	/** Undefined when there is none. What it returns does not change: ask again for what is there then. */
	get(path: string = this.path): CachedNode | undefined {
		return this.#tree.get(path);
	}

	has(path: string): boolean {
		return this.#tree.get(path) !== undefined;
	}

	/** Names of those children of a node that are in the cache, by code unit. */
	children(path: string = this.path): string[] {
		return [...this.#tree.names(path)].sort();
	}

	/** All nodes by their paths, in no particular order. */
	entries(): IterableIterator<[string, CachedNode]> {
		return this.#tree.nodes();
	}

	[Symbol.iterator](): IterableIterator<[string, CachedNode]> {
		return this.entries();
	}

	/**
	 * Calls the listener at each change from now on; what there is when the cache is filled is no change. The cache has the change already, and the listener may ask it.
	 *
	 * @returns stops it
	 */
	on(listener: (event: CacheEvent) => void): () => void {
		return this.#listeners.on(listener);
	}

	/**
	 * Each change from now on, until the cache is closed, the loop is left or the signal fires. When the loop is behind by more than 10,000 changes, several of one node become one, from the
	 * `old` of the first to the `node` of the last.
	 */
	events(signal?: AbortSignal): AsyncIterableIterator<CacheEvent, undefined> {
		const end = () => queue.end();
		const queue = new ChangeQueue(() => {
			this.#queues.delete(queue);
			signal?.removeEventListener('abort', end);
		});
		this.#queues.add(queue);
		signal?.addEventListener('abort', end);
		if (signal?.aborted || this.#isClosed) end();
		return queue;
	}

	/** It follows nothing any more; what is in it stays. */
	close(): Promise<void> {
		this.#following.stop();
		this.#end();
		return Promise.resolve();
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}

	#connection({ state }: StateChange): void {
		this.#isConnected = state === 'connected';
		if (!this.#isConnected) this.#isBehind = true;
	}

	#hear(event: NodeEvent): void {
		const { type, path, zxid, stat, data } = event;
		if (type === 'missed') {
			this.#fill();
			return;
		}
		if (this.kind === 'children' && parentOf(path) !== this.path) return;
		if (type === 'deleted' && zxid !== undefined) this.#tree.heardDeleted(path, zxid);
		else if (type !== 'deleted' && zxid !== undefined && stat !== undefined)
			this.#tree.heard(path, { data, stat }, zxid);
		else this.#reread(event);
	}

	#reread({ type, path }: NodeEvent): void {
		this.#unclear.add(path);
		if (type !== 'dataChanged' && this.#tree.get(parentOf(path)) !== undefined) this.#unclear.add(parentOf(path));
		// A filling that has read it already has not read this.
		if (this.#rereading === undefined) queueMicrotask(() => this.#readUnclear());
	}

	#readUnclear(): void {
		if (this.#unclear.size === 0 || this.#rereading !== undefined || this.#isClosed) return;
		const paths = [...this.#unclear];
		this.#unclear.clear();
		const reader = new NodeReader(this.#tree, this.#source.multiRead, false);
		this.#rereading = reader;
		reader.nodes(paths).then(
			() => {
				this.#rereading = undefined;
				this.#readUnclear();
			},
			() => {
				this.#rereading = undefined;
				this.#fill();
			},
		);
	}

	/** Reads everything, instead of whatever was being read. */
	#fill(): void {
		if (this.#isClosed) return;
		clearTimeout(this.#pause);
		this.#pause = undefined;
		this.#filling?.stop();
		// They are read with the rest.
		this.#unclear.clear();
		const reader = new NodeReader(this.#tree, this.#source.multiRead, this.kind === 'tree');
		this.#filling = reader;
		this.#tree.beginFilling();
		const read = this.kind === 'children' ? reader.children(this.path) : reader.nodes([this.path]);
		Promise.all([read, this.#following.ready()]).then(
			([zxid]) => this.#filledUp(reader, zxid),
			(error: unknown) => this.#notFilled(reader, error),
		);
	}

	#filledUp(reader: NodeReader, zxid: bigint): void {
		if (reader !== this.#filling) return;
		this.#filling = undefined;
		this.#attempts = 0;
		this.#tree.endFilling(zxid);
		this.#isFilled = true;
		this.#filled.resolve();
	}

	#notFilled(reader: NodeReader, error: unknown): void {
		if (reader !== this.#filling) return;
		this.#filling = undefined;
		if (this.#source.state() === 'closed' || (!this.#isFilled && !isPassing(error))) {
			this.#following.stop();
			this.#end(error);
			return;
		}
		const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** this.#attempts++) * (0.5 + Math.random() / 2);
		this.#pause = setTimeout(() => this.#fill(), pauseMs);
	}

	#tell(event: CacheEvent): void {
		if (!this.#isFilled) return;
		for (const queue of this.#queues) queue.push(event);
		this.#listeners.tell(event);
	}

	#end(cause: unknown = sessionExpired('the cache is closed')): void {
		if (this.#isClosed) return;
		this.#isClosed = true;
		clearTimeout(this.#pause);
		this.#stopListening();
		this.#forgetSignal();
		this.#filling?.stop();
		this.#rereading?.stop();
		this.#filled.reject(cause);
		for (const queue of [...this.#queues]) queue.end();
	}
}

/** Another replica, or this one in a moment, may answer. */
function isPassing(error: unknown): boolean {
	return error instanceof ClientError && passing.has(error.codeName);
}

const passing: ReadonlySet<string> = new Set(['ConnectionLoss', 'SessionExpired', 'OperationTimeout', 'ThrottledOp']);
