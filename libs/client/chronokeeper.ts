/** The client: a session that is kept up over replicas, and replaced when it is lost. */

import { setMaxListeners } from 'node:events';
import { type CacheOptions, type CacheSource, ZnodeCache } from './cache/znode-cache.ts';
import { Chroot } from './chroot.ts';
import { ChronokeeperClient } from './client.ts';
import { type ClientState, type HeldSession, type StateChange, StateFeed } from './client-state.ts';
import type { ConnectOptions } from './connect-options.ts';
import { Endpoints } from './endpoints.ts';
import {
	connectionLoss,
	errorOf,
	OperationAbortedError,
	OperationTimeoutError,
	SessionExpiredError,
	sessionExpired,
} from './errors.ts';
import { type CommittedTransaction, type TailOptions, tailHistory } from './history/history-tail.ts';
import type { Moment } from './history/moment.ts';
import {
	differences,
	type HistoryGap,
	type HistoryOptions,
	type NodeDifference,
	type NodeVersion,
	nodeHistory,
} from './history/node-history.ts';
import { Past } from './history/past.ts';
import type { HistoryGround } from './history/replicas.ts';
import { shownEvent } from './node-event.ts';
import type { NodeWatch } from './node-watch.ts';
import { NodeWatches, type WatchOptions } from './node-watches.ts';
import type { RequestOf, ResponseOf, ZnodeOperationKind } from './operation.ts';
import { type OperationOptions, Operations } from './operations.ts';
import { Session, type SessionEvent } from './session.ts';
import type { NodeListener, Patience } from './submission.ts';
import { startTracing, type Tracing } from './tracing.ts';
import { Transaction } from './transaction.ts';
import type { NodeEvent as WatchedEvent } from './watched-event.ts';

const defaultSessionTimeoutMs = 30_000;
const defaultConnectTimeoutMs = 10_000;
const defaultMostWaiting = 10_000;
const defaultMostWaitingBytes = 64 << 20;
/** After a server refused for good. */
const replacementPauseMs = 1000;
/** Of who waits for a node to go, when there is no session to look in. */
const lookAgainPauseMs = 20;

class LiveSession implements HeldSession {
	readonly id: bigint;
	readonly timeoutMs: number;
	readonly #controller = new AbortController();

	constructor(id: bigint, timeoutMs: number) {
		// A thousand things may be held in one session: that is no leak.
		setMaxListeners(0, this.#controller.signal);
		this.id = id;
		this.timeoutMs = timeoutMs;
	}

	get signal(): AbortSignal {
		return this.#controller.signal;
	}

	lose(reason: string): void {
		this.#controller.abort(sessionExpired(reason));
	}
}

/** Made by connect(). Operations may be submitted at any time: they are sent in order, and wait while no server is connected. */
export class Chronokeeper extends Operations implements AsyncDisposable {
	readonly #options: ConnectOptions;
	readonly #endpoints: Endpoints;
	readonly #states = new StateFeed();
	readonly #watches: NodeWatches;
	readonly #past: HistoryGround;
	/** What operations go to: opened, or being opened. */
	#session!: Session;
	#held = new LiveSession(0n, 0);
	#state: ClientState = 'suspended';
	#tracing: Tracing | undefined;
	#pause: NodeJS.Timeout | undefined;

	private constructor(options: ConnectOptions) {
		super(new Chroot(options.chroot));
		this.#options = options;
		const { tls, token, auth = [] } = options;
		const basic = token === undefined ? auth.find(({ scheme }) => scheme === 'digest') : undefined;
		const security = { tls, token, auth: basic && textOf(basic.credentials) };
		const timeoutMs = options.sessionTimeoutMs ?? defaultSessionTimeoutMs;
		const patienceMs = Math.min(timeoutMs, options.connectTimeoutMs ?? defaultConnectTimeoutMs);
		this.#endpoints = new Endpoints(options.endpoints, security, patienceMs, options.retry);
		this.#past = {
			replicas: () => this.#endpoints.all,
			whole: (path) => this.chroot.whole(path),
			shown: (path) => this.chroot.shown(path),
			root: this.chroot.prefix,
		};
		const client = this;
		this.#watches = new NodeWatches({
			get session() {
				return client.#session;
			},
			get sources() {
				return client.#endpoints.all;
			},
			show: (event) => shownEvent(event, this.chroot.shown(event.path)),
			shownPath: (path) => this.chroot.shown(path),
		});
	}

	/** See connect(). @internal */
	static async connect(options: ConnectOptions): Promise<Chronokeeper> {
		const client = new Chronokeeper(options);
		const timeoutMs = options.connectTimeoutMs ?? defaultConnectTimeoutMs;
		const opened = client.#open();
		let timer: NodeJS.Timeout | undefined;
		const late = new Promise<never>((_, reject) => {
			timer = setTimeout(() => {
				const { problem } = client.#session;
				const reason = problem === undefined ? '' : `: ${problem.message}`;
				reject(connectionLoss(`no session within ${timeoutMs} ms${reason}`, problem));
			}, timeoutMs);
		});
		try {
			await Promise.race([opened, late]);
			client.#tracing = await startTracing();
			return client;
		} catch (error) {
			opened.catch(() => {});
			client.#leave();
			client.#session.abandon();
			client.#endpoints.close();
			throw error;
		} finally {
			clearTimeout(timer);
		}
	}

	get state(): ClientState {
		return this.#state;
	}

	/** The one of now; another object after the session was lost and replaced. */
	get session(): HeldSession {
		return this.#held;
	}

	/** The replica that the session is at, for calls of their own: history, lists in parts. @internal */
	get replica(): ChronokeeperClient {
		return this.#endpoints.current;
	}

	/** All replicas, that of the session first. @internal */
	get replicas(): readonly ChronokeeperClient[] {
		return this.#endpoints.all;
	}

	/** The path as the server calls it: with the chroot. @internal */
	wholePath(path: string): string {
		return this.chroot.whole(path);
	}

	/** A path of the server's without the chroot. @internal */
	shownPath(path: string): string {
		return this.chroot.shown(path);
	}

	/** Calls the listener at each change. @returns stops it */
	on(listener: (change: StateChange) => void): () => void {
		return this.#states.on(listener);
	}

	/** Each change from now on, until the client is closed, the loop is left or the signal fires. */
	states(signal?: AbortSignal): AsyncIterableIterator<StateChange, undefined> {
		return this.#states.iterate(signal);
	}

	/** Several writes as one: all of them or none. */
	transaction(): Transaction {
		return new Transaction({
			whole: (path) => this.chroot.whole(path),
			shown: (path) => this.chroot.shown(path),
			multi: (ops, options) => this.perform('multi', { ops }, options),
		});
	}

	/**
	 * What happens to a node from now on, and with `recursive` to everything below it, over reconnects and new sessions. Nothing is lost in silence: where no server
	 * can tell what happened meanwhile, there is an event `missed`. The watch is set at once, whether or not the loop has begun, and stays until the loop is left,
	 * return() is called, the signal fires or the client is closed.
	 */
	watch(path: string, options: WatchOptions = {}): NodeWatch {
		return this.#watches.watch(this.chroot.whole(path), options);
	}

	/**
	 * A live local copy of a subtree, or with `kind` of a node alone or of its children: `await using cache = ck.cache('/services')`, and `await cache.ready`. It is read at once and then
	 * followed until it is closed. One watch, and one request for each 48 nodes to fill it.
	 */
	cache(path: string, options: CacheOptions = {}): ZnodeCache {
		const source: CacheSource = {
			multiRead: (reads) => this.multiRead(reads),
			follow: (at, recursive, sink) => this.#watches.listen(this.chroot.whole(at), { recursive, withData: true }, sink),
			on: (listener) => this.on(listener),
			state: () => this.#state,
		};
		return new ZnodeCache(source, path, options);
	}

	/**
	 * The tree as it was, for reads like those of now: `await ck.at('2026-11-20T13:00:00Z').get('/config')`, `ck.at(zxid).tree('/services')`.
	 *
	 * @throws RangeError when the moment is neither a zxid nor a time
	 */
	at(moment: Moment): Past {
		return new Past(this.#past, moment);
	}

	/** The changes of a node, and with `recursive` of what is below it, from the oldest on. A part of the history that is not known is told as a `gap`. */
	history(path: string, options: HistoryOptions = {}): AsyncGenerator<NodeVersion | HistoryGap, void> {
		return nodeHistory(this.#past, path, options);
	}

	/** What is different between two moments, in the order of the paths: of a node and everything below it. */
	changes(path: string, from: Moment, to: Moment, signal?: AbortSignal): AsyncGenerator<NodeDifference, void> {
		return differences(this.#past, path, from, to, signal);
	}

	/**
	 * Every committed transaction behind `from`, each once and in order, over lost replicas, until the loop is left or the signal fires. The zxid of the last one is where another tail goes on.
	 *
	 * @throws ClientError for what will not pass: history that is not known, a zxid that never was committed
	 */
	tail(options: TailOptions = {}): AsyncGenerator<CommittedTransaction, void> {
		return tailHistory(this.#past, options);
	}

	/**
	 * Resolves when the node is gone, or is not there at all. One one-shot watch, set again over lost streams and sessions: what waits for a predecessor is built on it.
	 *
	 * @throws OperationAbortedError, OperationTimeoutError; SessionExpiredError when the client is closed
	 */
	async untilDeleted(path: string, options: OperationOptions = {}): Promise<void> {
		const whole = this.chroot.whole(path);
		const patience = new Patient(path, options);
		try {
			for (;;) {
				patience.throwIfOver();
				const session = this.#session;
				const lost = this.#held.signal;
				let heard!: NodeListener;
				const changed = new Promise<WatchedEvent>((resolve) => (heard = resolve));
				try {
					const request = { path: whole, consistency: undefined, watch: true };
					const { stat } = await session.ask('exists', request, { signal: patience.signal }, heard);
					if (stat === undefined) {
						session.forget(whole, heard);
						return;
					}
				} catch (error) {
					if (this.#state === 'closed' || patience.signal.aborted || !(error instanceof SessionExpiredError))
						throw error;
					// Where no session can be had the next look fails at once, too, and a loop without a pause would let no timer fire.
					await new Promise((resolve) => setTimeout(resolve, lookAgainPauseMs));
					continue;
				}
				const event = await firstOf(changed, [patience.signal, lost]);
				if (event?.type === 'NodeDeleted') return;
				// The server's watch is used up when it has fired.
				if (event === undefined) session.forget(whole, heard);
			}
		} catch (error) {
			patience.throwIfOver();
			throw error;
		} finally {
			patience.end();
		}
	}

	/** Ends the session: its ephemeral nodes are gone when it resolves, where a server can be reached. */
	async close(): Promise<void> {
		if (this.#state === 'closed') return;
		const closing = this.#session.close();
		this.#leave();
		await closing;
		this.#endpoints.close();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.close();
	}

	/** @internal */
	protected override perform<K extends ZnodeOperationKind>(
		kind: K,
		request: RequestOf<K>,
		patience: Patience,
		listener?: NodeListener,
	): Promise<ResponseOf<K>> {
		return this.#traced(kind, request, patience, undefined, listener);
	}

	/** @internal */
	protected override performAs<K extends ZnodeOperationKind, Result>(
		kind: K,
		request: RequestOf<K>,
		patience: Patience,
		made: (response: ResponseOf<K>) => Result,
		listener?: NodeListener,
	): Promise<Result> {
		return this.#traced(kind, request, patience, made, listener);
	}

	#traced<K extends ZnodeOperationKind, Result>(
		kind: K,
		request: RequestOf<K>,
		patience: Patience,
		made: ((response: ResponseOf<K>) => Result) | undefined,
		listener: NodeListener | undefined,
	): Promise<Result> {
		const span = this.#tracing?.begin(kind);
		const limited = this.#limited(patience);
		const answer = this.#session.askAs(kind, request, limited, made, listener, span?.traceparent);
		return span === undefined ? answer : span.around(answer);
	}

	#limited(patience: Patience): Patience {
		const { operationTimeoutMs } = this.#options;
		if (operationTimeoutMs === undefined || patience.timeoutMs !== undefined) return patience;
		return { signal: patience.signal, timeoutMs: operationTimeoutMs };
	}

	/** @internal */
	protected override errorOf(detail: Parameters<typeof errorOf>[0]): Error {
		return errorOf({ ...detail, path: this.chroot.shown(detail.path) });
	}

	/** @param before the session that was lost */
	#open(before?: Session): Promise<void> {
		const { session, opened } = Session.begin(this.#endpoints, {
			timeoutMs: this.#options.sessionTimeoutMs ?? defaultSessionTimeoutMs,
			onEvent: (event) => this.#heard(event),
			endurance: {
				mostWaiting: this.#options.retry?.mostWaitingOperations ?? defaultMostWaiting,
				mostWaitingBytes: this.#options.retry?.mostWaitingBytes ?? defaultMostWaitingBytes,
				lastZxidSeen: before?.lastZxidSeen ?? 0n,
				toldZxid: before?.toldZxid ?? 0n,
				restore: (toldZxid, stream) => this.#watches.restore(toldZxid, stream),
			},
			shownPath: (path) => this.chroot.shown(path),
		});
		this.#session = session;
		const identified = (this.#options.auth ?? []).map(({ scheme, credentials }) =>
			session.authenticate(scheme, bytesOfText(credentials)),
		);
		// Who waits for connect() hears of them; later nobody is there to hear.
		const all = Promise.all(identified);
		all.catch(() => {});
		return opened.then(async () => {
			this.#held = new LiveSession(session.id, session.timeoutMs);
			this.#change('connected');
			if (before === undefined) await all;
		});
	}

	#heard(event: SessionEvent): void {
		switch (event.kind) {
			case 'node':
				this.#watches.tell(event.event);
				return;
			case 'detached':
				this.#change('suspended', event.reason);
				return;
			case 'attached':
				this.#change('connected');
				return;
			case 'expired':
				this.#held.lose(event.reason);
				this.#change('lost', event.reason);
				this.#replace();
				return;
		}
	}

	/** Until there is a new one; operations wait for it. */
	#replace(): void {
		if (this.#state === 'closed') return;
		this.#open(this.#session).catch(() => {
			if (this.#state !== 'closed') this.#pause = setTimeout(() => this.#replace(), replacementPauseMs);
		});
	}

	#change(state: ClientState, reason?: string): void {
		if (this.#state === 'closed') return;
		this.#state = state;
		this.#states.tell({ state, session: this.#held, reason });
	}

	#leave(): void {
		clearTimeout(this.#pause);
		this.#held.lose('the client is closed');
		this.#change('closed');
		this.#watches.end();
	}
}

/** Signal and deadline of a caller as one signal, and the error of the one that fired. */
class Patient {
	readonly signal: AbortSignal;
	readonly #path: string;
	readonly #options: OperationOptions;
	readonly #controller = new AbortController();
	readonly #timer: NodeJS.Timeout | undefined;

	constructor(path: string, options: OperationOptions) {
		this.#path = path;
		this.#options = options;
		const { signal, timeoutMs } = options;
		this.signal = signal === undefined ? this.#controller.signal : AbortSignal.any([signal, this.#controller.signal]);
		if (timeoutMs !== undefined) this.#timer = setTimeout(() => this.#controller.abort(), timeoutMs);
	}

	/** What it waits for has no effect at the server. */
	throwIfOver(): void {
		const { signal, timeoutMs } = this.#options;
		if (signal?.aborted) throw new OperationAbortedError(this.#path, signal.reason, false);
		if (this.signal.aborted) throw new OperationTimeoutError(this.#path, timeoutMs!, false);
	}

	end(): void {
		clearTimeout(this.#timer);
	}
}

/** What comes, or undefined when a signal fires before. Sessions live long: nothing stays behind on their signals. */
function firstOf<T>(changed: Promise<T>, signals: readonly AbortSignal[]): Promise<T | undefined> {
	return new Promise((resolve) => {
		const settle = (value?: T): void => {
			for (const signal of signals) signal.removeEventListener('abort', end);
			resolve(value);
		};
		const end = (): void => settle();
		for (const signal of signals) signal.addEventListener('abort', end, { once: true });
		if (signals.some(({ aborted }) => aborted)) end();
		else void changed.then(settle);
	});
}

function bytesOfText(text: Uint8Array | string): Uint8Array {
	return typeof text === 'string' ? new TextEncoder().encode(text) : text;
}

function textOf(bytes: Uint8Array | string): string {
	return typeof bytes === 'string' ? bytes : new TextDecoder().decode(bytes);
}
