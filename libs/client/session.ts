/**
 * A session: it holds ephemeral nodes and watches, and outlives its streams. When one is lost, what had been sent and not answered fails with
 * ConnectionLoss; then the session is attached again, gets back its identities and watches, and what was submitted meanwhile is sent.
 */
import type { Id } from '#proto/chronokeeper/v1/common';
import type { AttachSessionResponse, OpenSessionResponse, OperateRequest } from '#proto/chronokeeper/v1/session';
import { ClientError, errorOf } from './client-error.ts';
import type { Answer, Operation, OperationKind, RequestOf, ResponseOf, ZnodeOperationKind } from './operation.ts';
import { type OperateCall, OperationStream, type Submitted } from './operation-stream.ts';
import { setWatchesRequests } from './set-watches.ts';
import { type NodeEvent, nodeEvent, type WatchMode, watcherTypes, watchKinds } from './watched-event.ts';
import { WatchedPaths } from './watched-paths.ts';
import { Znodes } from './znodes.ts';

export interface SessionOptions {
	/** How long the session survives silence; the server brings it into its bounds. 30 s when absent. */
	readonly timeoutMs?: number;
	/** In their order, and before any answer that shows the change. */
	readonly onEvent?: (event: SessionEvent) => void;
}

export type SessionEvent =
	| { readonly kind: 'node'; readonly event: NodeEvent }
	/** The stream is lost; the session is being attached again. */
	| { readonly kind: 'detached'; readonly reason: string }
	| { readonly kind: 'attached' }
	/** It is over, its ephemeral nodes and watches are gone. */
	| { readonly kind: 'expired' };

export type SessionState = 'opening' | 'attached' | 'detached' | 'expired' | 'closed';

/** How a session gets a stream. */
export interface Dialer {
	dial(): OperateCall;
	/** What grpc-js reports, as a ClientError. */
	errorOf(error: unknown): Error;
	/** How long the first stream may take. */
	readonly timeoutMs: number;
}

const shortestPauseMs = 50;
const longestPauseMs = 2000;

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
	#waiting: Submitted[] = [];
	#attempts = 0;
	#pause: NodeJS.Timeout | undefined;
	#patience: NodeJS.Timeout | undefined;
	/** The stream was given up because nothing came. */
	#isLate = false;
	/** Settles open(). */
	#begun: { resolve(): void; reject(error: Error): void } | undefined;

	private constructor(dialer: Dialer, options: SessionOptions) {
		super();
		this.#dialer = dialer;
		this.#options = options;
	}

	/** @throws ClientError when the server cannot be reached or refuses */
	static async open(dialer: Dialer, options: SessionOptions = {}): Promise<Session> {
		const session = new Session(dialer, options);
		await new Promise<void>((resolve, reject) => {
			session.#begun = { resolve, reject };
			session.#connect();
		});
		return session;
	}

	get id(): bigint {
		return this.#id;
	}

	/** Proves that the session is the owner's: 16 bytes. */
	get password(): Uint8Array {
		return this.#password;
	}

	/** As the server gave it. */
	get timeoutMs(): number {
		return this.#timeoutMs;
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

	#ask<K extends OperationKind>(kind: K, request: RequestOf<K>): Promise<ResponseOf<K>> {
		return this.#submit({ $case: kind, value: request } as Operation) as Promise<ResponseOf<K>>;
	}

	#submit(op: Operation): Promise<Answer['value']> {
		return new Promise((resolve, reject) => {
			if (this.isOver) {
				reject(this.#overError());
				return;
			}
			const settle: Submitted['settle'] = (answer) => {
				this.#see(answer.value);
				if (answer.$case === 'error') {
					reject(errorOf(answer.value));
					return;
				}
				this.#keepWatch(op, answer);
				resolve(answer.value);
			};
			const submitted: Submitted = { op, settle, fail: reject };
			if (this.#state === 'attached') this.#stream!.submit(submitted);
			else this.#waiting.push(submitted);
		});
	}

	#connect(): void {
		const begin: NonNullable<OperateRequest['begin']> =
			this.#id === 0n
				? { $case: 'open', value: { timeoutMs: this.#options.timeoutMs ?? 0 } }
				: {
						$case: 'attach',
						value: {
							sessionId: this.#id,
							password: this.#password,
							timeoutMs: this.#options.timeoutMs ?? 0,
							lastZxidSeen: this.#lastZxid,
						},
					};
		const stream = new OperationStream(this.#dialer.dial(), begin, {
			opened: (session) => this.#opened(session),
			attached: (session) => this.#attached(session),
			event: (event) => {
				this.#see(event);
				const known = nodeEvent(event);
				if (known === undefined) return;
				this.#watched.use(known.type, known.path);
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
		this.#tell({ kind: 'attached' });
	}

	/** What the stream before had. */
	#restore(op: Operation): void {
		this.#stream!.submit({ op, settle: (answer) => this.#see(answer.value), fail: () => {} });
	}

	#takeOver(timeoutMs: number, zxid: bigint): void {
		clearTimeout(this.#patience);
		this.#attempts = 0;
		this.#timeoutMs = timeoutMs;
		this.#see({ zxid });
		this.#state = 'attached';
		for (const submitted of this.#waiting.splice(0)) this.#stream!.submit(submitted);
	}

	#ended(unanswered: readonly Submitted[], cause: Error | undefined): void {
		clearTimeout(this.#patience);
		this.#stream = undefined;
		const error = cause === undefined ? undefined : this.#errorOf(cause);
		const isExpired = error instanceof ClientError && error.codeName === 'SessionExpired';
		if (this.#begun !== undefined) {
			this.#state = 'closed';
			this.#begun.reject(error ?? new Error('the server ended the stream before there was a session'));
			this.#begun = undefined;
		} else if (isExpired && !this.isOver) {
			this.#finish('expired');
			this.#tell({ kind: 'expired' });
		}
		const lost = isExpired ? this.#overError() : connectionLoss(error);
		for (const submitted of unanswered) submitted.fail(lost);
		if (this.isOver) return;
		if (this.#state === 'attached') this.#detach(error?.message ?? 'the server ended the stream');
		const pauseMs = Math.min(longestPauseMs, shortestPauseMs * 2 ** this.#attempts++) * (0.5 + Math.random() / 2);
		this.#pause = setTimeout(() => this.#connect(), pauseMs);
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
		this.#watched.clear();
		for (const submitted of this.#waiting.splice(0)) submitted.fail(this.#overError());
	}

	#overError(): ClientError {
		const text = this.#state === 'closed' ? 'the session is closed' : 'the session has expired';
		return errorOf({ code: -112, name: 'SessionExpired', path: '', zxid: 0n, opCodes: [], advice: '' }, text);
	}

	#see(answer: object): void {
		if ('zxid' in answer && typeof answer.zxid === 'bigint' && answer.zxid > this.#lastZxid)
			this.#lastZxid = answer.zxid;
	}

	/** The server has set or removed a watch: what must be set again on another stream is known before its event can come. */
	#keepWatch(op: Operation, answer: Answer): void {
		switch (op.$case) {
			case 'get':
				if (op.value.watch) this.#watched.add('data', op.value.path);
				return;
			case 'exists': {
				const isThere = answer.$case === 'exists' && answer.value.stat !== undefined;
				if (op.value.watch) this.#watched.add(isThere ? 'data' : 'exist', op.value.path);
				return;
			}
			case 'listChildren':
				if (op.value.watch) this.#watched.add('children', op.value.path);
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

function connectionLoss(cause: Error | undefined): ClientError {
	const reason = cause === undefined ? '' : ` (${cause.message})`;
	const text = `the connection was lost: whether it was done is unknown${reason}`;
	return errorOf({ code: -4, name: 'ConnectionLoss', path: '', zxid: 0n, opCodes: [], advice: '' }, text, cause);
}
