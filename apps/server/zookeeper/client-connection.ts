/**
 * One client of ZooKeeper's protocol: frames in, answers and watch events out.
 *
 * It reads as long as there is room: not while the session is being opened, not while the host is throttled and has requests of it, not
 * while too much waits for an answer or to be read by the client. What is answered in a batch leaves in one write at its end.
 */
import type { Socket } from 'node:net';
import type { AuthOp, Caller, Op, Reply, WatchEvent, Watcher } from '#core/model/op';
import { isWrite, readOperation, type SaslOp } from '#core/model/operations';
import { formatSessionId, noSession, type SessionId } from '#core/model/zxid';
import { type ConnectRequest, readConnectRequest } from '#jute/client/connect';
import { JuteError, JuteReader } from '#jute/codec';
import { errorName, errors } from '#jute/errors';
import { opCode, specialXid } from '#jute/op-codes';
import type { Id } from '#jute/records';
import { ClientRequest, LargeRequest, RefusedRequest } from './client-request.ts';
import { ConnectionOutput } from './connection-output.ts';
import { ConnectionStats } from './connection-stats.ts';
import type { Connection } from './connections.ts';
import { FrameDecoder, FrameError } from './frame-decoder.ts';
import { judge, type Verdict, writeHandshakeAnswer } from './handshake.ts';
import { opAbbreviation } from './op-abbreviations.ts';
import type { PortContext } from './port-context.ts';
import { writeReply, writeSaslReply } from './replies.ts';
import { RequestWindow } from './request-window.ts';
import { answerWord, argumentBytes, wordOf } from './words/words.ts';

type State =
	/** Nothing is known of the client: a handshake or a four-letter word may come. */
	| 'connecting'
	/** Its createSession is under way. */
	| 'opening'
	| 'open'
	/** Nothing more is read or answered. */
	| 'closed';

/** Why nothing is read, as bits. */
const pause = { opening: 1, throttled: 2, window: 4, unsent: 8, draining: 16 } as const;

/** Every frame is read to its end before the next one. */
const reader = new JuteReader(new Uint8Array(0));

export class ClientConnection implements Connection, Watcher {
	readonly address: string;
	readonly port: number;
	readonly stats = new ConnectionStats();
	sessionId: SessionId = noSession;
	sessionTimeoutMs = 0;
	outstanding = 0;
	/** Replaced, never changed, when the client authenticates: requests under way keep theirs. */
	caller: Caller;
	readonly #context: PortContext;
	readonly #socket: Socket;
	readonly #decoder: FrameDecoder;
	readonly #output: ConnectionOutput;
	#state: State = 'connecting';
	#pauses = 0;
	readonly #window = new RequestWindow();
	/** Whether the client's handshake had the read-only flag, which its answer then has too. */
	#hasReadOnlyFlag = false;
	/** When the bytes came that are being read, or wait to be: performance.now(). */
	#arrivedMs = 0;

	constructor(socket: Socket, context: PortContext) {
		this.#socket = socket;
		this.#context = context;
		this.address = withoutMapping(socket.remoteAddress ?? '');
		this.port = socket.remotePort ?? 0;
		this.#output = new ConnectionOutput(socket, context, this);
		this.#decoder = new FrameDecoder(context.config['jute.maxbuffer']);
		this.caller = {
			door: 'zookeeper',
			identities: [{ scheme: 'ip', id: this.address }],
			address: `${this.address.includes(':') ? `[${this.address}]` : this.address}:${this.port}`,
			watcher: this,
		};
	}

	get identities(): readonly Id[] {
		return this.caller.identities;
	}

	get watches(): number {
		return this.#context.host.watches.pathsOf(this);
	}

	get isReading(): boolean {
		return this.#pauses === 0 && this.#state !== 'closed';
	}

	/** No session yet: what a connection is that never says anything. */
	get isSessionless(): boolean {
		return this.#state === 'connecting';
	}

	// --- in

	received(chunk: Uint8Array): void {
		if (this.#state === 'closed') return;
		this.#context.stats.bytesReceived += chunk.length;
		this.#decoder.push(chunk);
		const nowMs = performance.now();
		if (this.#pauses === 0) this.#arrivedMs = nowMs;
		this.#decode(nowMs);
	}

	/** The client has read what was unsent. */
	drained(): void {
		this.#output.caughtUp();
		this.#resume(pause.unsent);
	}

	/** The host has room again. */
	unthrottle(): void {
		this.#resume(pause.throttled);
	}

	/** Reads no more; what is under way is answered. */
	drain(): void {
		this.#pause(pause.draining);
	}

	#decode(receivedMs: number): void {
		const decoder = this.#decoder;
		try {
			if (this.#state === 'connecting' && this.#answerWord()) return;
			while (this.#pauses === 0 && this.#state !== 'closed' && !this.#isHeldUp() && decoder.next()) {
				reader.reset(decoder.bytes, decoder.start, decoder.end);
				this.#context.stats.packetsReceived += 1;
				this.stats.packetsReceived += 1;
				if (this.#state === 'open') this.#request(receivedMs);
				else this.#handshake(receivedMs);
			}
		} catch (error) {
			this.#failed(error);
			return;
		}
		decoder.release();
		if (this.outstanding > 0 && this.#context.isThrottled) this.#throttle();
	}

	/** Bytes that mean nothing. Anything else is a bug: it harms nobody but this client. */
	#failed(error: unknown): void {
		const isExpected = error instanceof FrameError || error instanceof JuteError;
		if (!isExpected) this.#context.logger.error({ err: error, client: this.caller.address }, 'a client met a bug');
		this.#abandon(isExpected ? error.message : 'a bug');
	}

	/** Whether so many requests are under way that not even the first one of a connection may be handed over. */
	#isHeldUp(): boolean {
		if (!this.#context.isFull) return false;
		this.#throttle();
		return true;
	}

	#throttle(): void {
		if (this.#pause(pause.throttled)) this.#context.throttle(this);
	}

	#request(receivedMs: number): void {
		const xid = reader.readInt();
		const type = reader.readInt();
		if (this.#context.limits.lookAtRequests) {
			this.#limitedRequest(xid, type, receivedMs);
			return;
		}
		this.#perform(xid, type, readOperation(reader, type), receivedMs);
	}

	#perform(xid: number, type: number, op: Op | SaslOp, receivedMs: number): void {
		if (op.kind === 'sasl') this.#refuseSasl(xid);
		else if (op.kind === 'auth') this.#authenticate(xid, op);
		else this.#submit(xid, type, op, receivedMs);
	}

	#submit(xid: number, type: number, op: Op, receivedMs: number): void {
		const traced = this.#context.tracing.request('zookeeper', op.kind, undefined);
		this.#handOver(new ClientRequest(this, xid, type, op, receivedMs, traced));
	}

	#handOver(request: ClientRequest): void {
		const { host } = this.#context;
		this.outstanding += 1;
		host.submit(request);
		if (this.outstanding >= this.#window.size(host.tree.largestData)) this.#pause(pause.window);
	}

	/** A request that is looked at for its age and its size first. */
	#limitedRequest(xid: number, type: number, receivedMs: number): void {
		const { limits, logger } = this.#context;
		const waitedMs = receivedMs - this.#arrivedMs;
		const verdict = limits.requests.verdict(type, waitedMs, this.sessionTimeoutMs);
		const bytes = reader.remaining;
		if (verdict === 'close') {
			this.#context.stats.staleRequestsDropped += 1;
			this.#abandon(`a request waited ${Math.round(waitedMs)} ms (request_stale_latency_check)`);
		} else if (verdict === 'refuse') {
			this.#handOver(new RefusedRequest(this, xid, type, { kind: 'ping' }, receivedMs, undefined));
		} else if (!limits.largeRequests.isLarge(bytes)) {
			this.#perform(xid, type, readOperation(reader, type), receivedMs);
		} else if (limits.largeRequests.admits(bytes)) {
			this.#submitLarge(xid, type, bytes, receivedMs);
		} else {
			logger.warn(
				{ client: this.caller.address, session: formatSessionId(this.sessionId), bytes },
				'a large request is refused: too many are under way (largeRequestThreshold, largeRequestMaxBytes)',
			);
			this.#abandon('too many large requests');
		}
	}

	#submitLarge(xid: number, type: number, bytes: number, receivedMs: number): void {
		const op = readOperation(reader, type);
		const { limits, tracing } = this.#context;
		const finished = () => limits.largeRequests.finished(bytes);
		if (op.kind === 'sasl' || op.kind === 'auth') {
			finished();
			this.#perform(xid, type, op, receivedMs);
			return;
		}
		const traced = tracing.request('zookeeper', op.kind, undefined);
		this.#handOver(new LargeRequest(finished, this, xid, type, op, receivedMs, traced));
	}

	// --- handshake

	#handshake(receivedMs: number): void {
		const request = readConnectRequest(reader);
		this.#hasReadOnlyFlag = request.readOnly !== undefined;
		this.#state = 'opening';
		this.#pause(pause.opening);
		judge(request, this.#context, (verdict) => {
			if (this.#state !== 'closed') this.#decided(request, verdict, receivedMs);
		});
	}

	#decided({ sessionId, timeoutMs }: ConnectRequest, verdict: Verdict, receivedMs: number): void {
		switch (verdict.kind) {
			case 'abandoned':
				this.#abandon(verdict.reason);
				return;
			case 'refused':
				this.#answerSession(undefined);
				this.close(verdict.reason);
				return;
			case 'open':
				this.#submit(0, opCode.createSession, { kind: 'createSession', timeoutMs }, receivedMs);
				return;
			case 'attached': {
				const { connections, host } = this.#context;
				connections.ofSession(sessionId)?.close('the client came back on another connection');
				this.#context.sessionTaken(sessionId);
				this.#opened(sessionId, verdict.timeoutMs, verdict.password);
				this.#record('SESS', 0, host.lastProcessedZxid, receivedMs, performance.now(), false);
				this.#resumeLater(pause.opening);
			}
		}
	}

	#opened(sessionId: SessionId, timeoutMs: number, password: Uint8Array): void {
		this.sessionId = sessionId;
		this.sessionTimeoutMs = timeoutMs;
		this.#state = 'open';
		this.#context.connections.bind(sessionId, this);
		this.#answerSession({ sessionId, timeoutMs, password });
	}

	#answerSession(session: Parameters<typeof writeHandshakeAnswer>[1]): void {
		const readOnly = this.#hasReadOnlyFlag ? this.#context.host.isReadOnly : undefined;
		this.#output.sendNow((writer) => writeHandshakeAnswer(writer, session, readOnly));
		this.#sent();
	}

	/** True when what came is a four-letter word, or may become one. It is answered once all of it is there. */
	#answerWord(): boolean {
		const first = this.#decoder.peekInt();
		if (first === undefined) return true;
		const word = wordOf(first);
		if (word === undefined) return false;
		const bytes = this.#decoder.peekBytes();
		const argumentAt = 4;
		const hasArgument = argumentBytes(word) > 0;
		if (bytes.length < argumentAt + argumentBytes(word)) return true;
		const argument = hasArgument ? new JuteReader(bytes, argumentAt).readLong() : undefined;
		const { stats, view } = this.#context;
		stats.packetsReceived += 1;
		this.stats.packetsReceived += 1;
		// It is in its own answer to `stat`: as one that is not read from.
		this.drain();
		const text = answerWord(word, view, argument);
		if (text !== '') stats.packetsSent += 1;
		this.#socket.write(text);
		this.close(`it asked ${word}`);
		return true;
	}

	// --- out

	/** The host's answer to a request of this connection. */
	answer(request: ClientRequest, reply: Reply): void {
		this.outstanding -= 1;
		if (this.#state === 'closed') return;
		this.#measure(request, reply);
		if (request.type === opCode.createSession) {
			this.#answerHandshake(request, reply);
			return;
		}
		if (reply.error === errors.sessionMoved.code) {
			// Without a reply: the client has to come back (semantics 44, 65).
			this.close('the session has moved to another connection');
			return;
		}
		const { op, type } = request;
		// Whatever xid a ping came with.
		const cxid = type === opCode.ping ? specialXid.ping : request.cxid;
		const { error, result } = reply;
		const zxid = op.kind === 'unknown' ? -1 : reply.zxid;
		const writer = this.#output.writer;
		const bytes = writeReply(writer, cxid, zxid, error, type, result);
		this.#context.stats.responded(bytes);
		this.#window.replied(bytes);
		this.#sent();
		const isUpdate = isWrite(type) || type === opCode.closeSession;
		this.#record(opAbbreviation(type), cxid, zxid, request.receivedMs, this.#context.batchMs, isUpdate);
		this.#afterAnswer(op);
	}

	#afterAnswer(op: Op): void {
		if (this.#pauses & pause.window && this.#hasHalfAWindow) this.#resumeLater(pause.window);
		if (op.kind === 'closeSession') this.close('the client closed its session');
		else if (op.kind === 'unknown') this.close(`operation ${op.code} is none that clients have (semantics 68)`);
		else if (op.kind === 'check') this.close('a check outside of a multi (semantics 31)');
		else this.#cutWhenTooMuchIsUnsent();
	}

	get #hasHalfAWindow(): boolean {
		return this.outstanding <= this.#window.size(this.#context.host.tree.largestData) / 2;
	}

	#answerHandshake(request: ClientRequest, reply: Reply): void {
		const { result, error } = reply;
		if (result?.kind !== 'createSession') {
			this.#abandon(`a session could not be opened (error ${error})`);
			return;
		}
		this.#opened(result.sessionId, result.timeoutMs, result.password);
		this.#record('SESS', 0, reply.zxid, request.receivedMs, this.#context.batchMs, true);
		this.#resumeLater(pause.opening);
	}

	/** A watch event, from inside apply: ahead of every answer that shows the change (semantics 46). */
	process(event: WatchEvent): void {
		if (this.#state !== 'open') return;
		const writer = this.#output.writer;
		const bytes = this.#context.eventBytes(event);
		writer.writeRaw(bytes);
		this.#context.stats.told(bytes.length);
		this.#sent();
		this.#cutWhenTooMuchIsUnsent();
	}

	/** The end of a batch: everything that was written leaves. */
	send(): void {
		this.#output.send();
		if (this.#output.isBackedUp) this.#pause(pause.unsent);
	}

	/** Sends what is answered already, then closes. */
	close(reason: string): void {
		if (this.#state === 'closed') return;
		this.#leave(reason);
		this.#output.endWhenSent();
	}

	/** Closes without another word. */
	#abandon(reason: string): void {
		this.#leave(reason);
		this.#socket.destroy();
	}

	/** The socket is gone, or is about to be. */
	#leave(reason: string): void {
		if (this.#state === 'closed') return;
		this.#state = 'closed';
		const { logger, connections, host } = this.#context;
		logger.debug({ client: this.caller.address, session: formatSessionId(this.sessionId) }, `closed: ${reason}`);
		this.#context.forget(this);
		connections.remove(this);
		host.disconnect(this);
	}

	/** The socket is closed. */
	closed(): void {
		this.#context.sockets -= 1;
		this.#output.caughtUp();
		if (this.#state !== 'closed') this.#context.stats.connectionsDropped += 1;
		this.#leave('the client is gone');
	}

	// --- small parts

	#sent(): void {
		this.#context.stats.packetsSent += 1;
		this.stats.packetsSent += 1;
	}

	#measure({ op, receivedMs }: ClientRequest, { error }: Reply): void {
		const { metrics, batchMs } = this.#context;
		metrics.request(op.kind, batchMs - receivedMs, error === 0 ? '' : errorName(error));
	}

	#record(op: string, cxid: number, zxid: number, receivedMs: number, nowMs: number, isUpdate: boolean): void {
		const latencyMs = nowMs - receivedMs;
		this.stats.answered(op, cxid, zxid, nowMs, latencyMs);
		this.#context.stats.answered(latencyMs, isUpdate);
	}

	/** At once, ahead of what is under way: the next request in the same bytes has the identity already (semantics 38). */
	#authenticate(xid: number, op: AuthOp): void {
		const { error, zxid, result } = this.#context.host.authenticate(op);
		if (result?.kind === 'auth') this.#add(result.identities);
		this.#output.sendNow((writer) => writeReply(writer, xid, zxid, error, opCode.auth, undefined));
		this.#sent();
		if (error === 0) return;
		this.#context.stats.authFailures += 1;
		this.close(`authentication with the scheme "${op.scheme}" failed (semantics 38)`);
	}

	#add(identities: readonly Id[]): void {
		const { caller } = this;
		const more = identities.filter(
			(id) => !caller.identities.some((has) => has.scheme === id.scheme && has.id === id.id),
		);
		if (more.length > 0) this.caller = { ...caller, identities: [...caller.identities, ...more] };
	}

	/** As a server without SASL: an empty token, and nothing has changed. */
	#refuseSasl(xid: number): void {
		this.#output.sendNow((writer) => writeSaslReply(writer, xid));
		this.#sent();
	}

	/** A client that does not read what it is sent must not cost more and more memory. */
	#cutWhenTooMuchIsUnsent(): void {
		const bytes = this.#output.excessBytes;
		if (bytes > 0) this.cut(bytes);
	}

	/** It reads, if slowly: its session lives on, although its pings wait until it has read what it is sent. */
	stillReads(): void {
		const { sessions } = this.#context.host;
		const session = this.#state === 'open' ? sessions.get(this.sessionId) : undefined;
		if (session !== undefined) sessions.touch(session, performance.now());
	}

	/** The client has not read so many bytes. */
	cut(bytes: number): void {
		this.#context.logger.warn(
			{ client: this.caller.address, session: formatSessionId(this.sessionId), bytes },
			'a client does not read what it is sent: its connection is closed',
		);
		this.#abandon('it does not read what it is sent');
	}

	/** @returns true when it was reading for this reason until now */
	#pause(reason: number): boolean {
		if (this.#pauses & reason) return false;
		if (this.#pauses === 0) this.#socket.pause();
		this.#pauses |= reason;
		return true;
	}

	#resume(reason: number): void {
		if ((this.#pauses & reason) === 0) return;
		this.#pauses &= ~reason;
		if (this.#pauses !== 0 || this.#state === 'closed') return;
		this.#decode(performance.now());
		if (this.#pauses === 0) this.#socket.resume();
	}

	/** Not from inside an answer: the batch is sent first. */
	#resumeLater(reason: number): void {
		setImmediate(() => {
			// Each of the last answers asked for it, and one is enough: after that the window is full again.
			if (reason !== pause.window || this.#hasHalfAWindow) this.#resume(reason);
		});
	}
}

/** An IPv4 client of a socket that listens on IPv6 shows as `::ffff:203.0.113.7`. */
function withoutMapping(address: string): string {
	return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}
