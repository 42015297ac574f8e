/**
 * A session: it holds ephemeral nodes and watches, and outlives its streams. When one is lost, what had been sent and not answered fails with
 * ConnectionLoss; then the session is attached again, gets back its identities and watches, and what was submitted meanwhile is sent.
 */
import type { Id } from '#proto/chronokeeper/v1/common';
import type { AttachSessionResponse, OpenSessionResponse, OperateRequest } from '#proto/chronokeeper/v1/session';
import { ClientError } from './client-error.ts';
import {
	connectionLoss,
	errorOf,
	OperationAbortedError,
	OperationTimeoutError,
	outcomeUnknown,
	sessionExpired,
} from './errors.ts';
import { Lease } from './lease.ts';
import { OneShotListeners } from './one-shot-listeners.ts';
import type { Answer, Operation, OperationKind, RequestOf, ResponseOf, ZnodeOperationKind } from './operation.ts';
import { type OperateCall, type OperationNumbers, OperationStream, type ReplyResult } from './operation-stream.ts';
import { setWatchesRequests } from './set-watches.ts';
import { isRepeatable, type NodeListener, type Patience, pathOf, Submission } from './submission.ts';
import { type NodeEvent, nodeEvent, type WatchMode, watcherTypes, watchKinds } from './watched-event.ts';
import { type WatchedKind, WatchedPaths } from './watched-paths.ts';
import { Znodes } from './znodes.ts';

export interface SessionOptions {
	/** How long the session survives silence; the server brings it into its bounds. 30 s when absent. */
	readonly timeoutMs?: number;
	/** In their order, and before any answer that shows the change. */
	readonly onEvent?: (event: SessionEvent) => void;
	/** Absent: the first stream is tried once, what was under way on a lost one fails, and the session is over when the server says so. */
	readonly endurance?: Endurance;
	/** A path as errors have it. */
	readonly shownPath?: (path: string) => string;
}

/** For clients that go on whatever happens: reads are repeated on the next stream, and the session is judged to be lost when no server could be reached for its timeout. */
export interface Endurance {
	/** Operations that wait while there is no stream; those beyond it fail. */
	readonly mostWaiting: number;
}

export type SessionEvent =
	| { readonly kind: 'node'; readonly event: NodeEvent }
	/** The stream is lost; the session is being attached again. */
	| { readonly kind: 'detached'; readonly reason: string }
	/** With what this replica has applied, and what the client had seen of the one before. */
	| { readonly kind: 'attached'; readonly zxid: bigint; readonly lastZxidSeen: bigint }
	/** It is over, its ephemeral nodes and watches are gone. */
	| { readonly kind: 'expired'; readonly reason: string };

export type SessionState = 'opening' | 'attached' | 'detached' | 'expired' | 'closed';

/** How a session gets a stream. */
export interface Dialer {
	dial(): OperateCall;
	/** What grpc-js reports, as a ClientError. */
	errorOf(error: unknown): Error;
	/** How long the first answer on a stream may take. */
	readonly timeoutMs: number;
	/** Before the nth attempt in a row, from 0. */
	pauseMs?(attempt: number): number;
}

const shortestPauseMs = 50;
const longestPauseMs = 2000;
const noPatience: Patience = {};

export class Session extends Znodes {
	readonly #dialer: Dialer;
	readonly #options: SessionOptions;
	readonly #watched = new WatchedPaths();
	readonly #identities: { readonly scheme: string; readonly credentials: Uint8Array }[] = [];
	#state: SessionState = 'opening';
	#id = 0n;
	#password: Uint8Array = new Uint8Array(0);
	#timeoutMs = 0;
	#lastZxid = 0n;
	#stream: OperationStream | undefined;
	/** Submitted while there is no stream that takes it. */
	#waiting: Submission[] = [];
	readonly #numbers: OperationNumbers = { last: 0 };
	readonly #listeners = new OneShotListeners();
	readonly #lease = new Lease(() => this.#judge());
	#pings: NodeJS.Timeout | undefined;
	/** When the ping was sent that is not answered yet. */
	#pingedMs: number | undefined;
	#beganMs = 0;
	#attempts = 0;
	#pause: NodeJS.Timeout | undefined;
	#patience: NodeJS.Timeout | undefined;
	/** The stream was given up because nothing came. */
	#isLate = false;
	/** Settles open(). */
	#begun: { resolve(): void; reject(error: Error): void } | undefined;
	/** Why the last attempt to open it failed. */
	#problem: Error | undefined;

	private constructor(dialer: Dialer, options: SessionOptions) {
		super();
		this.#dialer = dialer;
		this.#options = options;
	}

	/** @throws ClientError when the server cannot be reached or refuses */
	static async open(dialer: Dialer, options: SessionOptions = {}): Promise<Session> {
		const { session, opened } = Session.begin(dialer, options);
		await opened;
		return session;
	}

	/** One that is not opened yet: operations wait until it is. */
	static begin(dialer: Dialer, options: SessionOptions): { readonly session: Session; readonly opened: Promise<void> } {
		const session = new Session(dialer, options);
		const opened = new Promise<void>((resolve, reject) => {
			session.#begun = { resolve, reject };
			session.#connect();
		});
		return { session, opened };
	}

	get id(): bigint {
		return this.#id;
	}

	/** Proves that the session is the owner's: 16 bytes. */
	get password(): Uint8Array {
		return this.#password;
	}

	/** Why no server has opened it so far. */
	get problem(): Error | undefined {
		return this.#problem;
	}

	/** As the server gave it. */
	get timeoutMs(): number {
		return this.#timeoutMs;
	}

	/** The newest that it has seen. */
	get lastZxid(): bigint {
		return this.#lastZxid;
	}

	get state(): SessionState {
		return this.#state;
	}

	get isOver(): boolean {
		return this.#state === 'expired' || this.#state === 'closed';
	}

	/** Adds an identity, which stays when the session is attached elsewhere. @returns all that it has */
	async authenticate(scheme: string, credentials: Uint8Array): Promise<readonly Id[]> {
		const { identities } = await this.#ask('authenticate', { scheme, credentials });
		this.#identities.push({ scheme, credentials });
		return identities;
	}

	/** `withData`: events have the node's data and Stat. @returns the zxid behind which everything is heard */
	async addWatch(path: string, mode: WatchMode, withData = false): Promise<bigint> {
		return (await this.#ask('addWatch', { path, kind: watchKinds[mode], withData })).zxid;
	}

	/** @throws ClientError NoWatcher when there is none */
	async removeWatches(path: string, mode: WatchMode | 'any' = 'any'): Promise<void> {
		await this.#ask('removeWatches', { path, type: watcherTypes[mode], checkOnly: false });
	}

	/** Its ephemeral nodes are gone when it resolves. While the server is away the session is left to its timeout. */
	async close(): Promise<void> {
		if (this.isOver) return;
		const isAttached = this.#state === 'attached';
		const farewell = isAttached ? this.#ask('closeSession', {}) : undefined;
		this.#finish('closed');
		if (isAttached) this.#beginPatience();
		try {
			await farewell;
		} catch {
			// Lost meanwhile: the session ends by its timeout.
		}
		clearTimeout(this.#patience);
		this.#stream?.cancel();
	}

	/** Without a word to the server: the session is left to its timeout. */
	abandon(): void {
		if (!this.isOver) this.#finish('closed');
		this.#stream?.cancel();
	}

	protected override perform<K extends ZnodeOperationKind>(kind: K, request: RequestOf<K>): Promise<ResponseOf<K>> {
		return this.#ask(kind, request);
	}

	/**
	 * Submits any operation. What the caller gives up before it was sent is not done.
	 *
	 * @param listener of the one-shot watch that a read sets; never called when the session ends before
	 */
	ask<K extends OperationKind>(
		kind: K,
		request: RequestOf<K>,
		patience: Patience = noPatience,
		listener?: NodeListener,
	): Promise<ResponseOf<K>> {
		return new Promise((resolve, reject) => {
			const submission = new Submission({ $case: kind, value: request } as Operation, resolve, reject);
			submission.listener = listener;
			if (patience.signal !== undefined || patience.timeoutMs !== undefined) this.#limit(submission, patience);
			this.#submit(submission);
		});
	}

	/** Nobody waits any more for a one-shot watch with this listener; the server's watch goes with the last one. */
	forget(path: string, listener: NodeListener): void {
		if (this.#listeners.remove(path, listener) || this.isOver) return;
		this.ask('removeWatches', { path, type: watcherTypes.data, checkOnly: false }).catch(() => {});
	}

	#limit(submission: Submission, { signal, timeoutMs }: Patience): void {
		const path = this.#shown(pathOf(submission.op));
		const abort = () => this.#giveUp(submission, new OperationAbortedError(path, signal!.reason, submission.wasSent));
		const late = () => this.#giveUp(submission, new OperationTimeoutError(path, timeoutMs!, submission.wasSent));
		const timer = timeoutMs === undefined ? undefined : setTimeout(late, timeoutMs);
		signal?.addEventListener('abort', abort);
		submission.cleanUp = () => {
			clearTimeout(timer);
			signal?.removeEventListener('abort', abort);
		};
		if (signal?.aborted) abort();
	}

	#giveUp(submission: Submission, error: Error): void {
		submission.fail(error);
		if (!submission.isTakenBack) return;
		const at = this.#waiting.indexOf(submission);
		if (at >= 0) this.#waiting.splice(at, 1);
	}

	#shown(path: string): string {
		return this.#options.shownPath?.(path) ?? path;
	}

	#ask<K extends OperationKind>(kind: K, request: RequestOf<K>): Promise<ResponseOf<K>> {
		return this.ask(kind, request);
	}

	#submit(submission: Submission): void {
		if (submission.isSettled) return;
		if (this.isOver) {
			submission.fail(this.#overError());
			return;
		}
		if (this.#state === 'attached') this.#stream!.submit(submission);
		else if (this.#waiting.length < (this.#options.endurance?.mostWaiting ?? Number.POSITIVE_INFINITY))
			this.#waiting.push(submission);
		else submission.fail(connectionLoss(`${this.#waiting.length} operations wait for a server already: not sent`));
	}

	#answered(submission: Submission, result: ReplyResult): void {
		this.#see(result.value);
		if (result.$case === 'error') {
			submission.fail(errorOf({ ...result.value, path: this.#shown(result.value.path) }));
			return;
		}
		this.#keepWatch(submission, result);
		submission.succeed(result.value);
	}

	#connect(): void {
		const begin: NonNullable<OperateRequest['begin']> =
			this.#id === 0n
				? { $case: 'open', value: { timeoutMs: this.#options.timeoutMs ?? 0, repeatable: true } }
				: {
						$case: 'attach',
						value: {
							sessionId: this.#id,
							password: this.#password,
							timeoutMs: this.#options.timeoutMs ?? 0,
							lastZxidSeen: this.#lastZxid,
							repeatable: true,
						},
					};
		this.#beganMs = performance.now();
		const stream = new OperationStream(this.#dialer.dial(), begin, this.#numbers, {
			opened: (session) => this.#opened(session),
			attached: (session) => this.#attached(session),
			answered: (submission, result) => this.#answered(submission, result),
			event: (event) => {
				this.#see(event);
				const known = nodeEvent(event);
				if (known === undefined) return;
				this.#watched.use(known.type, known.path);
				this.#listeners.fire(known);
				this.#tell({ kind: 'node', event: known });
			},
			goingAway: (reason) => {
				if (this.#state === 'attached') this.#detach(reason);
				this.#beginPatience();
				this.#waiting.unshift(...stream.end());
			},
			ended: (unanswered, unsent, error) => {
				this.#waiting.unshift(...unsent);
				this.#ended(unanswered, error);
			},
		});
		this.#stream = stream;
		this.#beginPatience();
	}

	/** An answer that does not come is no better than a stream that is lost. */
	#beginPatience(): void {
		clearTimeout(this.#patience);
		this.#isLate = false;
		this.#patience = setTimeout(() => {
			this.#isLate = true;
			this.#stream?.cancel();
		}, this.#dialer.timeoutMs);
	}

	#opened({ sessionId, password, timeoutMs, zxid }: OpenSessionResponse): void {
		this.#id = sessionId;
		this.#password = password;
		this.#takeOver(timeoutMs, zxid);
		this.#begun?.resolve();
		this.#begun = undefined;
	}

	#attached({ timeoutMs, zxid }: AttachSessionResponse): void {
		const lastSeen = this.#lastZxid;
		for (const { scheme, credentials } of this.#identities) {
			this.#restore({ $case: 'authenticate', value: { scheme, credentials } });
		}
		for (const value of setWatchesRequests(this.#watched, lastSeen)) this.#restore({ $case: 'setWatches', value });
		this.#takeOver(timeoutMs, zxid);
		this.#tell({ kind: 'attached', zxid, lastZxidSeen: lastSeen });
	}

	/** What the stream before had. */
	#restore(op: Operation): void {
		this.#stream!.submit(
			new Submission(
				op,
				() => {},
				() => {},
			),
		);
	}

	#takeOver(timeoutMs: number, zxid: bigint): void {
		clearTimeout(this.#patience);
		this.#attempts = 0;
		this.#timeoutMs = timeoutMs;
		this.#see({ zxid });
		this.#state = 'attached';
		if (this.#options.endurance !== undefined) this.#keepAlive();
		for (const submission of this.#waiting.splice(0)) this.#stream!.submit(submission);
	}

	/** Asks every third of the timeout whether the server is there. An answer that has not come after another third will not: the rest of the time is for other servers. */
	#keepAlive(): void {
		this.#lease.begin(this.#timeoutMs, this.#beganMs);
		this.#pingedMs = undefined;
		clearInterval(this.#pings);
		this.#pings = setInterval(() => {
			if (this.#state !== 'attached') return;
			const stream = this.#stream!;
			if (this.#pingedMs !== undefined) {
				// What came while this process was busy is looked at first.
				setImmediate(() =>
					setImmediate(() => this.#pingedMs !== undefined && stream === this.#stream && stream.cancel()),
				);
				return;
			}
			const sentMs = performance.now();
			this.#pingedMs = sentMs;
			const ping = new Submission(
				{ $case: 'keepAlive', value: {} },
				() => {
					this.#pingedMs = undefined;
					this.#lease.renew(sentMs);
				},
				() => {},
			);
			stream.submit(ping);
		}, this.#timeoutMs / 3);
	}

	/** Whatever servers may think: nothing that the session protected can be relied on from now on. */
	#judge(): void {
		if (this.isOver) return;
		const reason = `no server could be reached for the session's ${this.#timeoutMs} ms`;
		const stream = this.#stream;
		this.#finish('expired');
		this.#tell({ kind: 'expired', reason });
		stream?.cancel();
	}

	#ended(unanswered: readonly Submission[], cause: Error | undefined): void {
		clearTimeout(this.#patience);
		clearInterval(this.#pings);
		this.#stream = undefined;
		const error = cause === undefined ? undefined : this.#errorOf(cause);
		const isExpired = error instanceof ClientError && error.codeName === 'SessionExpired';
		if (this.#begun !== undefined) {
			this.#problem = error ?? new Error('the server ended the stream before there was a session');
			if (this.#options.endurance === undefined || !isPassing(error)) {
				this.#finish('closed');
				this.#begun.reject(this.#problem);
				this.#begun = undefined;
			}
		} else if (isExpired && !this.isOver) {
			this.#finish('expired');
			this.#tell({ kind: 'expired', reason: 'the server said so' });
		}
		this.#failOrRepeat(unanswered, error);
		if (this.isOver) return;
		if (this.#state === 'attached') this.#detach(error?.message ?? 'the server ended the stream');
		const attempt = this.#attempts++;
		const pauseMs =
			this.#dialer.pauseMs?.(attempt) ??
			Math.min(longestPauseMs, shortestPauseMs * 2 ** attempt) * (0.5 + Math.random() / 2);
		this.#pause = setTimeout(() => this.#connect(), pauseMs);
	}

	#failOrRepeat(unanswered: readonly Submission[], error: Error | undefined): void {
		const repeats = this.#options.endurance !== undefined && !this.isOver;
		const again: Submission[] = [];
		for (const submission of unanswered) {
			if (submission.isSettled) continue;
			if (repeats && isRepeatable(submission.op)) again.push(submission);
			else if (this.#state === 'expired') submission.fail(this.#overError());
			else submission.fail(outcomeUnknown(this.#shown(pathOf(submission.op)), error));
		}
		this.#waiting.unshift(...again);
	}

	#errorOf(cause: Error): Error {
		if (!this.#isLate) return this.#dialer.errorOf(cause);
		const text = `no answer to the stream of a session within ${this.#dialer.timeoutMs} ms`;
		return new ClientError(text, 'DEADLINE_EXCEEDED', undefined, cause);
	}

	#detach(reason: string): void {
		this.#state = 'detached';
		this.#tell({ kind: 'detached', reason });
	}

	#finish(state: 'expired' | 'closed'): void {
		this.#state = state;
		clearTimeout(this.#pause);
		clearTimeout(this.#patience);
		clearInterval(this.#pings);
		this.#lease.end();
		this.#watched.clear();
		this.#listeners.clear();
		for (const submission of this.#waiting.splice(0)) submission.fail(this.#overError());
	}

	#overError(): ClientError {
		return sessionExpired(this.#state === 'closed' ? 'the session is closed' : 'the session has expired');
	}

	#see(answer: object): void {
		if ('zxid' in answer && typeof answer.zxid === 'bigint' && answer.zxid > this.#lastZxid)
			this.#lastZxid = answer.zxid;
	}

	/** The server has set or removed a watch: what must be set again on another stream is known before its event can come. */
	#keepWatch({ op, listener }: Submission, answer: Answer): void {
		switch (op.$case) {
			case 'get':
				if (op.value.watch) this.#keepOneShot('data', op.value.path, listener);
				return;
			case 'exists': {
				const isThere = answer.$case === 'exists' && answer.value.stat !== undefined;
				if (op.value.watch) this.#keepOneShot(isThere ? 'data' : 'exist', op.value.path, listener);
				return;
			}
			case 'listChildren':
				if (op.value.watch) this.#keepOneShot('children', op.value.path, listener);
				return;
			case 'addWatch':
				this.#watched.add(modeOf(watchKinds, op.value.kind), op.value.path);
				return;
			case 'removeWatches':
				this.#forget(op.value.path, modeOf(watcherTypes, op.value.type));
				return;
			default:
				return;
		}
	}

	#keepOneShot(kind: WatchedKind, path: string, listener: NodeListener | undefined): void {
		this.#watched.add(kind, path);
		if (listener !== undefined) this.#listeners.add(kind, path, listener);
	}

	#forget(path: string, mode: WatchMode | 'any'): void {
		const gone =
			mode === 'any' ? (['data', 'exist', 'children', 'persistent', 'persistentRecursive'] as const) : [mode];
		for (const kind of gone) this.#watched.remove(kind, path);
		if (mode === 'data') this.#watched.remove('exist', path);
	}

	#tell(event: SessionEvent): void {
		this.#options.onEvent?.(event);
	}
}

/** The name that has this number. */
function modeOf<Mode extends string>(numbers: Readonly<Record<Mode, number>>, number: number): Mode {
	return (Object.keys(numbers) as Mode[]).find((mode) => numbers[mode] === number)!;
}

/** Another server, or this one in a moment, may open a session. */
function isPassing(error: Error | undefined): boolean {
	return !(error instanceof ClientError) || passing.has(error.status);
}

const passing: ReadonlySet<string> = new Set([
	'UNAVAILABLE',
	'RESOURCE_EXHAUSTED',
	'DEADLINE_EXCEEDED',
	'CANCELLED',
	'INTERNAL',
	'UNKNOWN',
]);
