/**
 * One stream of Operate: operations in, replies and watch events out.
 *
 * It reads as long as there is room: not while the session is being opened, not while the host is throttled and has operations of it, not while too much is under way or waits to be
 * read by the caller. What is answered in a batch of the chain leaves in one message at its end.
 */
import { randomUUID } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import type { RpcException } from '@nestjs/microservices';
import type { Caller, Op, Reply, WatchEvent, Watcher } from '#core/model/op';
import { noSession, type SessionId, zeroZxid } from '#core/model/zxid';
import { errorName, errors } from '#jute/errors';
import type { Id } from '#jute/records';
import type { OperateRequest, Operation } from '#proto/chronokeeper/v1/session';
import type { Reader } from '../../zookeeper/backed-up.ts';
import { RequestWindow } from '../../zookeeper/request-window.ts';
import { endCall } from '../end-call.ts';
import { grpcError, ZooKeeperError } from '../grpc-error.ts';
import { refusal } from '../refusals.ts';
import { OperationIds } from '../repeats/operation-ids.ts';
import { resetWhenStuck } from '../reset-when-stuck.ts';
import type { OpenStream } from '../stream-registry.ts';
import { defaultTimeoutMs } from './grpc-sessions.ts';
import type { HeldSession, SessionHolder } from './held-session.ts';
import { LinearizableReads } from './linearizable-reads.ts';
import type { OperateContext } from './operate-context.ts';
import { OperateFrame } from './operation-decoder.ts';
import { writeAttached, writeGoingAway, writeOpened } from './response-encoder.ts';
import { StreamEvents } from './stream-events.ts';
import {
	endingOf,
	heldPlace,
	isLinearizable,
	noOperation,
	notBegun,
	type Outcome,
	opOf,
	refusalOf,
	writeAnswer,
} from './stream-operations.ts';
import { type OperateCall, StreamOutput, type StreamSpeaker } from './stream-output.ts';
import { openingRequest, type StreamAsker, StreamRequest } from './stream-request.ts';
import { backedUpBytes, pause, type StreamState } from './stream-state.ts';
import { WatchersWithData } from './watchers-with-data.ts';

export class OperateStream implements Watcher, OpenStream, SessionHolder, Reader, StreamAsker, StreamSpeaker {
	readonly kind = 'grpc-session';
	readonly requestPrefix = randomUUID().slice(0, 8);
	sessionId: SessionId = noSession;
	sessionTimeoutMs = 0;
	outstanding = 0;
	received = 0;
	sent = 0;
	readonly #context: OperateContext;
	readonly #call: OperateCall;
	readonly #output: StreamOutput;
	readonly #window = new RequestWindow();
	/** Without what the session has proved since. */
	#base: Caller;
	/** Replaced, never changed: operations under way keep theirs. */
	#caller: Caller;
	#held: HeldSession | null = null;
	#withData: WatchersWithData | null = null;
	#state: StreamState = 'new';
	#pauses = 0;
	/** The frame that is being taken. */
	#frame: OperateFrame | null = null;
	/** A read that waits for the barrier, or a write that is looked up. */
	#waiting: Operation | null = null;
	readonly #reads: LinearizableReads;
	/** From its first message on. */
	#ids: OperationIds | null = null;
	#receivedMs = 0;
	/** How it ends; null: well. */
	#ending: RpcException | null = null;
	#isInBatch = false;
	readonly #events: StreamEvents;

	constructor(call: OperateCall, context: OperateContext, caller: Caller) {
		this.#call = call;
		this.#context = context;
		this.#base = caller;
		this.#caller = { ...caller, watcher: this };
		this.#output = new StreamOutput(call, context.outputs, this);
		this.#reads = new LinearizableReads(context.barrier, context.host);
		this.#events = new StreamEvents(this.#output);
	}

	get address(): string {
		return this.#base.address;
	}

	get identities(): readonly Id[] {
		return this.#caller.identities;
	}

	get watches(): number {
		const { host } = this.#context;
		return host.watches.pathsOf(this) + (this.#withData?.watches(host) ?? 0);
	}

	/** A message of the caller. */
	receive(bytes: Uint8Array): void {
		if (this.#state === 'ending' || this.#state === 'ended') return;
		this.#receivedMs = performance.now();
		try {
			const frame = new OperateFrame(bytes);
			this.#frame = frame;
			if (frame.begin !== undefined) this.#begin(frame.begin);
			else if (this.#state === 'new') throw notBegun();
		} catch (error) {
			this.#malformed(error);
			return;
		}
		this.#pump();
	}

	/** The caller ended its side. */
	halfClosed(): void {
		if (this.#state === 'new') this.#finish(notBegun());
		else if (this.#state !== 'ended') this.#finish(null);
	}

	/** The stream is gone, whichever side ended it. */
	closed(): void {
		if (this.#state !== 'ended') this.#leave();
		this.#context.forget(this);
		this.#output.drop();
	}

	/** The host has room again. */
	unthrottle(): void {
		this.#resume(pause.throttled);
	}

	/** Takes as much of the frame as there is room for, and reads on behind it. */
	#pump(): void {
		const frame = this.#frame;
		if (frame === null) return;
		try {
			while (this.#pauses === 0 && this.#state === 'open' && !this.#isHeldUp()) {
				const operation = this.#waiting ?? frame.next();
				this.#waiting = null;
				if (operation === undefined) break;
				this.#take(operation);
			}
		} catch (error) {
			this.#malformed(error);
			return;
		}
		if (this.#state === 'ended' || this.#state === 'ending') {
			this.#frame = null;
			return;
		}
		if (frame.remaining > 0 || this.#waiting !== null) {
			this.#call.pause();
			return;
		}
		this.#frame = null;
		this.#reads.endFrame();
		if (this.#pauses === 0) this.#call.resume();
		else this.#call.pause();
	}

	/** Bytes that mean nothing. */
	#malformed(error: unknown): void {
		this.#frame = null;
		this.#finish(endingOf(error, this.#context.logger, this.address));
	}

	#isHeldUp(): boolean {
		if (this.outstanding === 0 || !this.#context.host.isThrottled) return false;
		this.#pauses |= pause.throttled;
		this.#context.throttle(this);
		return true;
	}

	#take(operation: Operation): void {
		const { op } = operation;
		const { requests, host } = this.#context;
		let core: Op;
		let outcome: Outcome | undefined;
		try {
			if (op === undefined) throw noOperation();
			if (isLinearizable(op, requests) && !this.#mayRead(operation)) return;
			core = opOf(op, requests);
			const known = this.#ids!.known(operation, core, this.sessionId, this.#goOn);
			if (known === 'not yet') {
				this.#waitWith(operation);
				return;
			}
			if (known !== undefined) [core, outcome] = [heldPlace, known];
			if (op.$case === 'removeWatches') outcome = this.#withData?.remove(core, this.#caller, this.#context);
			if (op.$case === 'authenticate') outcome = this.#authenticate(this.#context.authenticate(op.value));
		} catch (error) {
			core = heldPlace;
			outcome = { kind: 'failed', detail: refusalOf(error) };
		}
		this.received += 1;
		this.#submit(operation, core, outcome);
		// Nothing that comes behind it could be done.
		if (core.kind === 'closeSession') this.#finish(null);
		else if (this.outstanding >= this.#window.size(host.tree.largestData)) this.#pauses |= pause.window;
	}

	#submit(operation: Operation, op: Op, outcome: Outcome | undefined): void {
		const { host, tracing } = this.#context;
		const { op: asked, traceparent } = operation;
		const traced = tracing.request('grpc', op.kind, traceparent === '' ? undefined : traceparent);
		traced?.describe({ sessionId: this.sessionId, pathLength: 'path' in op ? op.path.length : undefined });
		let caller = this.#caller;
		if (asked?.$case === 'addWatch' && asked.value.withData) {
			this.#withData ??= new WatchersWithData(this);
			caller = this.#withData.of(caller);
		}
		this.outstanding += 1;
		const cxid = this.#ids!.cxidOf(operation);
		host.submit(
			new StreamRequest(this, this.sessionId, cxid, op, caller, operation, outcome, this.#receivedMs, traced),
		);
	}

	/** At once: what comes behind it has the identities. */
	#authenticate(identities: readonly Id[]): Outcome {
		this.#held!.add(identities);
		return { kind: 'identities', identities: this.identities };
	}

	/** The session has proved more. */
	identified(): void {
		this.#caller = { ...this.#held!.identified(this.#base), watcher: this };
	}

	/** @returns false while the read waits @throws ZooKeeperError when there is no barrier to pass */
	#mayRead(operation: Operation): boolean {
		if (this.#reads.may(this.#call, this.#goOn)) return true;
		this.#waitWith(operation);
		return false;
	}

	#waitWith(operation: Operation): void {
		this.#waiting = operation;
		this.#pauses |= pause.barrier;
	}

	readonly #goOn = (): void => this.#resume(pause.barrier);

	#resume(reason: number): void {
		if ((this.#pauses & reason) === 0) return;
		this.#pauses &= ~reason;
		if (this.#pauses !== 0 || this.#state !== 'open') return;
		if (this.#frame === null) this.#call.resume();
		else this.#pump();
	}

	/** Not from inside an answer: the batch is sent first. */
	#resumeLater(reason: number): void {
		setImmediate(() => {
			// Each of the last answers asked for it, and one is enough.
			if (reason !== pause.window || this.#hasHalfAWindow) this.#resume(reason);
		});
	}

	get #hasHalfAWindow(): boolean {
		return this.outstanding <= this.#window.size(this.#context.host.tree.largestData) / 2;
	}

	#begin(begin: NonNullable<OperateRequest['begin']>): void {
		if (this.#state !== 'new') {
			throw grpcError(status.INVALID_ARGUMENT, 'only the first message of a stream opens or attaches a session');
		}
		const { sessions, host, tracing, logger } = this.#context;
		const timeoutMs = begin.value.timeoutMs === 0 ? defaultTimeoutMs : begin.value.timeoutMs;
		this.#state = 'opening';
		this.#ids = new OperationIds(this.#context.repeats, begin.value.repeatable);
		this.#pauses |= pause.opening;
		if (begin.$case === 'open') {
			sessions.admit(noSession);
			this.outstanding += 1;
			const traced = tracing.request('grpc', 'createSession', undefined);
			host.submit(openingRequest(this, this.#base, timeoutMs, this.#receivedMs, traced));
			return;
		}
		const { sessionId, password, lastZxidSeen } = begin.value;
		sessions.attach(sessionId as SessionId, password, timeoutMs, lastZxidSeen).then(
			(held) => this.#attached(held),
			(error: unknown) => this.#finish(endingOf(error, logger, this.address)),
		);
	}

	#attached(held: HeldSession): void {
		if (this.#state !== 'opening') return;
		this.#opened(held);
		const zxid = BigInt(this.#context.host.lastProcessedZxid);
		writeAttached(this.#output.writer, { timeoutMs: held.timeoutMs, zxid });
		this.#output.flush();
		this.#resume(pause.opening);
	}

	#opened(held: HeldSession): void {
		this.#held = held;
		held.stream = this;
		this.sessionId = held.id;
		this.sessionTimeoutMs = held.timeoutMs;
		this.#state = 'open';
		this.identified();
	}

	#answerOpening({ traced }: StreamRequest, { error, result, zxid }: Reply): void {
		traced?.end(error, zxid);
		const { sessions } = this.#context;
		if (result?.kind !== 'createSession') {
			this.#finish(new ZooKeeperError({ code: error, path: '', zxid }));
			return;
		}
		const { sessionId, password, timeoutMs } = result;
		if (this.#state !== 'opening') {
			sessions.abandon(sessionId, this.#base);
			this.#endWhenAnswered();
			return;
		}
		this.#opened(sessions.opened(sessionId, password, timeoutMs));
		writeOpened(this.#output.writer, { sessionId, password, timeoutMs, zxid: BigInt(zxid) });
		this.#willSend();
		this.#resumeLater(pause.opening);
	}

	sessionOver(): void {
		if (this.#state !== 'open') return;
		const message = 'the session is over: it was closed, or silent for longer than its timeout';
		this.#finish(new ZooKeeperError({ code: errors.sessionExpired.code, path: '', zxid: zeroZxid, message }));
	}

	sessionTaken(where: string): void {
		const moved = { code: errors.sessionMoved.code, path: '', zxid: zeroZxid, message: where };
		this.#end(new ZooKeeperError(moved));
	}

	/** The host's answer to an operation. */
	answer(request: StreamRequest, reply: Reply): void {
		this.outstanding -= 1;
		const { operation, traced } = request;
		if (operation === null) {
			this.#answerOpening(request, reply);
			return;
		}
		if (this.#state === 'ended') {
			traced?.end(reply.error, reply.zxid);
			return;
		}
		const { host, sessions, metrics } = this.#context;
		if (reply.error === errors.sessionMoved.code) {
			traced?.end(reply.error, reply.zxid);
			sessions.moved(this.sessionId, 'the session has moved to another replica');
			return;
		}
		const { writer } = this.#output;
		const from = writer.position;
		const code = writeAnswer(writer, request, reply, host);
		this.#window.replied(writer.position - from);
		this.sent += 1;
		this.#willSend();
		metrics.request(request.op.kind, this.#context.batchMs - request.receivedMs, code === 0 ? '' : errorName(code));
		traced?.end(code, reply.zxid);
		if (this.#pauses & pause.window && this.#hasHalfAWindow) this.#resumeLater(pause.window);
		this.#cutWhenTooMuchIsUnsent();
	}

	/** A watch event, from inside apply: ahead of every answer that shows the change (semantics 46). */
	process(event: WatchEvent): void {
		if (this.#hears && this.#events.write(event, this.#context.events.plain(event), false)) this.#told();
	}

	/** With the node as it is now. */
	processWithData(event: WatchEvent): void {
		if (this.#hears && this.#events.write(event, this.#context.events.withNode(event), true)) this.#told();
	}

	get #hears(): boolean {
		return this.#state === 'open' || this.#state === 'ending';
	}

	#told(): void {
		this.sent += 1;
		this.#willSend();
		this.#cutWhenTooMuchIsUnsent();
	}

	#willSend(): void {
		if (this.#isInBatch) return;
		this.#isInBatch = true;
		this.#context.willSend(this);
	}

	/** The end of a batch: everything that was written leaves. */
	send(): void {
		this.#isInBatch = false;
		this.#events.endBatch();
		if (this.#state === 'ended') return;
		this.#output.flush();
		if (this.unsentBytes > backedUpBytes) {
			this.#pauses |= pause.unsent;
			this.#call.pause();
			this.#context.backedUp.add(this);
		}
		this.#endWhenAnswered();
	}

	messageSent(): void {
		if ((this.#pauses & pause.unsent) === 0 || this.unsentBytes > backedUpBytes) return;
		this.#context.backedUp.delete(this);
		this.#resume(pause.unsent);
	}

	allSent(): void {
		if (this.#state === 'ended') endCall(this.#call, this.#ending);
	}

	#cutWhenTooMuchIsUnsent(): void {
		const bytes = this.unsentBytes;
		if (bytes > this.#context.maxUnsentBytes) this.cut(bytes);
	}

	/** Written, and not with the caller yet. */
	get unsentBytes(): number {
		return this.#output.unsentBytes;
	}

	/** Its session is kept alive by the stream. */
	noteProgress(): void {}

	/** The caller does not read. What it has not begun to read never leaves. */
	cut(bytes: number): void {
		const { logger, maxUnsentBytes } = this.#context;
		logger.warn({ client: this.address, bytes }, 'a client does not read what it is sent: its stream is ended');
		this.#output.drop();
		this.#end(
			refusal(
				'SLOW_READER',
				`the stream was not read: ${bytes} bytes waited, more than may (grpc.maxUnsentBytes is ${maxUnsentBytes}), and are lost; the session lives on`,
			),
		);
	}

	/** Tells the caller to go elsewhere; what is under way is answered. */
	close(reason: string): void {
		if (this.#state === 'ending' || this.#state === 'ended') return;
		writeGoingAway(this.#output.writer, reason);
		this.#output.flush();
		this.#finish(refusal('GO_ELSEWHERE', reason));
	}

	/** Without a leader: nobody knows what becomes of what is under way, and that is all that its answers would say, in whatever order. */
	suspend(reason: string): void {
		this.#end(refusal('GO_ELSEWHERE', reason));
	}

	/** Reads no more, and ends when what is under way is answered. */
	#finish(ending: RpcException | null): void {
		if (this.#state === 'ending' || this.#state === 'ended') return;
		this.#state = 'ending';
		this.#ending = ending;
		this.#frame = null;
		this.#waiting = null;
		this.#call.pause();
		setImmediate(() => this.#endWhenAnswered());
	}

	#endWhenAnswered(): void {
		if (this.#state === 'ending' && this.outstanding === 0) this.#end(this.#ending);
	}

	/** At once: what is answered already still leaves. */
	#end(ending: RpcException | null): void {
		if (this.#state === 'ended') return;
		this.#ending = ending;
		this.#leave();
		this.#output.flush();
		resetWhenStuck(this.#call);
		if (this.#output.unsentBytes === 0) endCall(this.#call, this.#ending);
	}

	/** Nothing more is answered or told. The session lives on. */
	#leave(): void {
		this.#state = 'ended';
		this.#frame = null;
		this.#waiting = null;
		const { host, registry, backedUp } = this.#context;
		registry.remove(this);
		backedUp.delete(this);
		host.disconnect(this);
		if (this.#withData !== null) host.disconnect(this.#withData);
		const held = this.#held;
		if (held?.stream === this) held.stream = null;
	}
}
