/**
 * A session: it holds ephemeral nodes and watches, and outlives its streams. When one is lost, the session is attached again and gets back its
 * identities and watches; what had been sent and not answered is sent again, with its numbers, which the server knows again: a write is done once and has its first result. Then comes
 * what was submitted meanwhile.
 */
import type { ErrorDetail, Id } from '#proto/chronokeeper/v1/common';
import type { AttachSessionResponse, OpenSessionResponse, OperateRequest } from '#proto/chronokeeper/v1/session';
import type { WatchEvent } from '#proto/chronokeeper/v1/watch';
import { ClientError } from './client-error.ts';
import {
	connectionLoss,
	connectionLossCode,
	errorOf,
	outcomeUnknown,
	sessionExpired,
	unknownToServer,
} from './errors.ts';
import { Lease } from './lease.ts';
import type { Operation, OperationKind, RequestOf, ResponseOf, ZnodeOperationKind } from './operation.ts';
import { type OperationNumbers, OperationStream, type ReplyResult } from './operation-stream.ts';
import { isPassing } from './passing.ts';
import { Pings } from './pings.ts';
import type { Dialer, RestoredStream, SessionEvent, SessionOptions, SessionState } from './session-options.ts';
import { SessionWatches } from './session-watches.ts';
import { isRepeatable, limit, type NodeListener, type Patience, pathOf, Submission } from './submission.ts';
import { WaitingOperations } from './waiting-operations.ts';
import { nodeEvent, type WatchMode, watcherTypes, watchKinds } from './watched-event.ts';
import { Znodes } from './znodes.ts';

export type {
	Dialer,
	Endurance,
	RestoredStream,
	SessionEvent,
	SessionOptions,
	SessionState,
} from './session-options.ts';

const shortestPauseMs = 50;
const longestPauseMs = 2000;
const noPatience: Patience = {};

export class Session extends Znodes {
	readonly #dialer: Dialer;
	readonly #options: SessionOptions;
	readonly #watches: SessionWatches;
	readonly #identities: { readonly scheme: string; readonly credentials: Uint8Array }[] = [];
	#state: SessionState = 'opening';
	#id = 0n;
	#password: Uint8Array = new Uint8Array(0);
	#timeoutMs = 0;
	/** Everything up to here has been told: the events of the last transaction may still have been on their way. */
	#toldZxid = 0n;
	#stream: OperationStream | undefined;
	/** Submitted while there is no stream that takes it. */
	readonly #waiting: WaitingOperations;
	readonly #numbers: OperationNumbers = { last: 0, seenZxid: 0n };
	readonly #lease = new Lease(() => this.#judge());
	readonly #pings = new Pings(this.#lease);
	/** When the stream was begun. */
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
		this.#waiting = new WaitingOperations(options.endurance);
		this.#watches = new SessionWatches(options.endurance === undefined);
		this.#numbers.seenZxid = options.endurance?.lastZxidSeen ?? 0n;
		this.#toldZxid = options.endurance?.toldZxid ?? 0n;
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

	/** The highest that an answer or an event had. */
	get lastZxidSeen(): bigint {
		return this.#numbers.seenZxid;
	}

	/** Everything up to here has been told. */
	get toldZxid(): bigint {
		return this.#toldZxid;
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
		return this.askAs(kind, request, patience, undefined, listener);
	}

	/** As ask(). @param made what the caller gets of the answer */
	askAs<K extends OperationKind, Result = ResponseOf<K>>(
		kind: K,
		request: RequestOf<K>,
		patience: Patience,
		made: ((response: ResponseOf<K>) => Result) | undefined,
		listener?: NodeListener,
		traceparent = '',
	): Promise<Result> {
		const answer = new Promise<Result>((resolve, reject) => {
			const submission = new Submission({ $case: kind, value: request } as Operation, resolve, reject);
			submission.made = made;
			submission.traceparent = traceparent;
			submission.listener = listener;
			if (patience.signal !== undefined || patience.timeoutMs !== undefined)
				limit(submission, patience, this.#shown(pathOf(submission.op)), (given) => this.#waiting.remove(given));
			this.#send(submission);
		});
		if (listener !== undefined && 'path' in request) this.#expectWatch(request.path, answer);
		return answer;
	}

	#expectWatch(path: string, answer: Promise<unknown>): void {
		this.#watches.begin(path);
		const end = () => this.#watches.end(path);
		answer.then(end, end);
	}

	/** Submits without a promise: the answer is told before anything that comes behind it is looked at. */
	submit(op: Operation, answered: (value: never) => void, failed: (error: Error) => void): void {
		this.#send(new Submission(op, answered, failed));
	}

	/** Nobody waits any more for a one-shot watch with this listener; the server's watch goes with the last one. */
	forget(path: string, listener: NodeListener): void {
		if (!this.#watches.removeLast(path, listener) || this.isOver) return;
		this.ask('removeWatches', { path, type: watcherTypes.data, checkOnly: false }).catch(() => {});
	}

	#shown(path: string): string {
		return this.#options.shownPath?.(path) ?? path;
	}

	#ask<K extends OperationKind>(kind: K, request: RequestOf<K>): Promise<ResponseOf<K>> {
		return this.ask(kind, request);
	}

	#send(submission: Submission): void {
		if (submission.isSettled) return;
		if (this.isOver) {
			submission.fail(this.#overError());
			return;
		}
		if (this.#state === 'attached') {
			this.#stream!.submit(submission);
			return;
		}
		if (this.#waiting.add(submission)) return;
		const { length, bytes } = this.#waiting;
		const text = `${length} operations with ${bytes} bytes wait for a server already: not sent`;
		submission.fail(connectionLoss(text, this.#problem));
	}

	#answered(submission: Submission, result: ReplyResult): void {
		// What is being restored was not heard of before.
		this.#see(result.value, !submission.isOfStream);
		if (result.$case === 'error') {
			this.#failed(submission, result.value);
			return;
		}
		this.#watches.answered(submission, result);
		submission.succeed(result.value);
	}

	#failed(submission: Submission, detail: ErrorDetail): void {
		const shown = { ...detail, path: this.#shown(detail.path) };
		if (detail.code !== connectionLossCode) submission.fail(errorOf(shown));
		else if (detail.reason !== '' || !this.#repeats) submission.fail(unknownToServer(shown));
		// This server lost what was under way. Another one can say what became of it, or the same one when it is well again.
		else this.#stream!.giveUp(submission);
	}

	/** What has no answer is sent again. */
	get #repeats(): boolean {
		return this.#options.endurance !== undefined && !this.isOver;
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
							lastZxidSeen: this.#numbers.seenZxid,
							repeatable: true,
						},
					};
		this.#beganMs = performance.now();
		const stream = new OperationStream(this.#dialer.dial(), begin, this.#numbers, {
			opened: (session) => this.#opened(session),
			attached: (session) => this.#attached(session),
			arrived: () => this.#lease.isOver && this.#judge(),
			answered: (submission, result) => this.#answered(submission, result),
			event: (event) => {
				this.#seeEvent(event);
				const known = nodeEvent(event);
				if (known === undefined) return;
				this.#watches.fire(known);
				this.#tell({ kind: 'node', event: known });
			},
			goingAway: (reason) => {
				this.#pings.end();
				if (this.#state === 'attached') this.#detach(reason);
				this.#beginPatience();
				this.#waiting.putBack(stream.end());
			},
			ended: (unanswered, unsent, error) => {
				this.#waiting.putBack(unsent);
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
		this.#patience = setTimeout(() => this.#giveUpStream(), this.#dialer.timeoutMs);
	}

	#giveUpStream(): void {
		this.#isLate = true;
		this.#stream?.cancel();
	}

	#opened({ sessionId, password, timeoutMs, zxid }: OpenSessionResponse): void {
		this.#id = sessionId;
		this.#password = password;
		// This replica may be behind the one of the session before.
		if (zxid < this.#numbers.seenZxid) this.#restore({ $case: 'sync', value: { path: '/' } });
		this.#options.endurance?.restore(this.#toldZxid, this.#restored());
		this.#takeOver(timeoutMs, zxid);
		if (this.#toldZxid === 0n) this.#toldZxid = zxid;
		this.#begun?.resolve();
		this.#begun = undefined;
	}

	#attached({ timeoutMs, zxid }: AttachSessionResponse): void {
		for (const { scheme, credentials } of this.#identities) {
			this.#restore({ $case: 'authenticate', value: { scheme, credentials } });
		}
		for (const value of this.#watches.requests(this.#toldZxid)) this.#restore({ $case: 'setWatches', value });
		this.#options.endurance?.restore(this.#toldZxid, this.#restored());
		this.#takeOver(timeoutMs, zxid);
		this.#tell({ kind: 'attached' });
	}

	/** What the stream before had. */
	#restore(op: Operation): void {
		this.#stream!.submit(Submission.ofStream(op));
	}

	#restored(): RestoredStream {
		const stream = this.#stream!;
		return {
			submit: (op, answered, failed) => {
				const submission = Submission.ofStream(op, answered, (error) => stream === this.#stream && failed(error));
				stream.submit(submission);
			},
		};
	}

	#takeOver(timeoutMs: number, zxid: bigint): void {
		clearTimeout(this.#patience);
		this.#attempts = 0;
		this.#timeoutMs = timeoutMs;
		this.#see({ zxid }, false);
		this.#state = 'attached';
		if (this.#options.endurance !== undefined) {
			this.#lease.begin(timeoutMs, this.#beganMs);
			this.#pings.begin(this.#stream!, timeoutMs, () => this.#giveUpStream());
		}
		for (const submission of this.#waiting.takeAll()) this.#stream!.submit(submission);
	}

	/** Whatever servers may think: nothing that the session protected can be relied on from now on. A server that can be reached is told, so that others need not wait for its timeout. */
	#judge(): void {
		if (this.isOver) return;
		const unanswered = this.#stream?.leave(this.#state === 'attached') ?? [];
		this.#stream = undefined;
		this.#finish('expired');
		for (const submission of unanswered) submission.fail(this.#overError());
		this.#tell({ kind: 'expired', reason: `no server could be reached for the session's ${this.#timeoutMs} ms` });
	}

	#ended(unanswered: readonly Submission[], cause: Error | undefined): void {
		clearTimeout(this.#patience);
		this.#pings.end();
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
		const repeats = this.#repeats;
		const again: Submission[] = [];
		for (const submission of unanswered) {
			if (submission.isSettled || submission.isOfStream) continue;
			if (repeats && isRepeatable(submission.op)) again.push(submission);
			else if (this.#state === 'expired') submission.fail(this.#overError());
			else submission.fail(outcomeUnknown(this.#shown(pathOf(submission.op)), error));
		}
		this.#waiting.putBack(again);
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
		this.#pings.end();
		this.#lease.end();
		this.#watches.clear();
		for (const submission of this.#waiting.takeAll()) submission.fail(this.#overError());
	}

	#overError(): ClientError {
		if (this.#state === 'expired') return sessionExpired('the session has expired');
		if (this.#id !== 0n || this.#problem === undefined) return sessionExpired('the session is closed');
		return sessionExpired(`there is no session: ${this.#problem.message}`, this.#problem);
	}

	/** Events come before any answer that shows their change. */
	#see(answer: object, isTold: boolean): void {
		if (!('zxid' in answer) || typeof answer.zxid !== 'bigint') return;
		if (answer.zxid > this.#numbers.seenZxid) this.#numbers.seenZxid = answer.zxid;
		if (isTold && answer.zxid > this.#toldZxid) this.#toldZxid = answer.zxid;
	}

	/** They come in the order of their zxids; there may be more of the same one. */
	#seeEvent({ zxid }: WatchEvent): void {
		if (zxid === undefined || zxid <= this.#toldZxid) return;
		this.#toldZxid = zxid - 1n;
		if (zxid > this.#numbers.seenZxid) this.#numbers.seenZxid = zxid;
	}

	#tell(event: SessionEvent): void {
		this.#options.onEvent?.(event);
	}
}
