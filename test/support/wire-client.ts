/**
 * A raw client of ZooKeeper's client protocol for tests: it sends whatever it is told to, well-formed or not, and keeps everything that
 * arrives in order. It does nothing by itself (no pings, no reconnect) and trusts nothing: a frame that no request asked for, or bytes
 * behind a body, break it, and whoever waits on it hears why.
 */
import { connect, type Socket } from 'node:net';
import {
	type ConnectRequest,
	type ConnectResponse,
	readConnectResponse,
	writeConnectRequest,
} from '#jute/client/connect';
import { readReplyHeader, readWatcherEvent, type WatcherEvent } from '#jute/client/headers';
import { type ClientRequest, writeRequest } from '#jute/client/requests';
import { type ClientResponse, readResponse } from '#jute/client/responses';
import { JuteReader, JuteWriter } from '#jute/codec';
import { errorName } from '#jute/errors';
import { opCode, opName, specialXid } from '#jute/op-codes';
import type { SessionId } from '#jute/scalars';

export interface WireReply {
	readonly kind: 'reply';
	readonly xid: number;
	readonly zxid: number;
	readonly error: number;
	/** The op code of the request. */
	readonly type: number;
	/** Undefined for errors. */
	readonly response: ClientResponse | undefined;
	/** What stood behind the header. */
	readonly body: Uint8Array;
}

export interface WireEvent extends WatcherEvent {
	readonly kind: 'event';
	/** Of the header. */
	readonly zxid: number;
}

export type Arrived = WireReply | WireEvent | { readonly kind: 'connected'; readonly response: ConnectResponse };

/** What makes a session one's own again. */
export interface WireSession {
	readonly id: SessionId;
	readonly password: Uint8Array;
	readonly timeoutMs: number;
}

interface Pending {
	readonly type: number;
	resolve(reply: WireReply): void;
	reject(error: Error): void;
}

const handshakeDefaults: ConnectRequest = {
	protocolVersion: 0,
	lastZxidSeen: 0,
	timeoutMs: 30_000,
	sessionId: 0n as SessionId,
	password: new Uint8Array(16),
	readOnly: false,
};

export class WireClient {
	/** Everything that has arrived, in its order. */
	readonly log: Arrived[] = [];
	/** Resolves when the connection is over, with the reason in words; it never rejects. */
	readonly closed: Promise<string>;
	isClosed = false;

	readonly #socket: Socket;
	#received: Buffer = Buffer.alloc(0);
	#handshake: { resolve(response: ConnectResponse): void; reject(error: Error): void } | undefined;
	#connected: ConnectResponse | undefined;
	/** By xid: the first one's answer comes first. */
	readonly #pending = new Map<number, Pending[]>();
	/** The highest zxid that an answer carried: what a client says when it connects again. */
	lastZxidSeen = 0;
	#nextXid = 1;
	#problem: Error | undefined;
	#waiting: { met(): boolean; resolve(): void; reject(error: Error): void }[] = [];

	private constructor(socket: Socket) {
		this.#socket = socket;
		socket.setNoDelay(true);
		socket.on('data', (chunk) => this.#arrived(chunk));
		let reason = 'the server closed the connection';
		socket.on('error', (error) => {
			reason = error.message;
		});
		this.closed = new Promise((resolve) => {
			socket.on('close', () => {
				this.isClosed = true;
				resolve(this.#problem?.message ?? reason);
				this.#failAll(new Error(`${this.#problem?.message ?? reason}; it had sent ${this.describeLog()}`));
			});
		});
	}

	/** A connection without a handshake. */
	static async open(port: number, host = '127.0.0.1'): Promise<WireClient> {
		const socket = connect(port, host);
		const client = new WireClient(socket);
		await new Promise<void>((resolve, reject) => {
			socket.once('connect', resolve);
			socket.once('error', reject);
		});
		return client;
	}

	/** A connection with a session: a new one unless `sessionId` and `password` name one. @throws when the server closes instead of answering */
	static async connect(port: number, handshake: Partial<ConnectRequest> = {}): Promise<WireClient> {
		const client = await WireClient.open(port);
		await client.handshake(handshake);
		return client;
	}

	/** Takes this session up on a new connection, as a client does that has lost the one it had. */
	static reattach(port: number, session: WireSession, handshake: Partial<ConnectRequest> = {}): Promise<WireClient> {
		const { id, password, timeoutMs } = session;
		return WireClient.connect(port, { sessionId: id, password, timeoutMs, ...handshake });
	}

	/**
	 * `readOnly: undefined` leaves the flag out, as clients before 3.4 do. A refused session is an answer too: its timeout is 0.
	 * @param cut sends so many bytes of it only, in a frame that says so
	 */
	handshake(fields: Partial<ConnectRequest> = {}, cut?: number): Promise<ConnectResponse> {
		const answer = quiet(
			new Promise<ConnectResponse>((resolve, reject) => {
				this.#handshake = { resolve, reject };
			}),
		);
		const whole = frame((writer) => writeConnectRequest(writer, { ...handshakeDefaults, ...fields })).subarray(4);
		this.writeRaw(frame((writer) => writer.writeRaw(cut === undefined ? whole : whole.subarray(0, cut))));
		if (this.isClosed) this.#failAll(new Error('the connection is closed'));
		return answer;
	}

	/** What the server answered to the handshake. */
	get connected(): ConnectResponse {
		if (this.#connected === undefined) throw new Error('no answer to the handshake has arrived');
		return this.#connected;
	}

	get session(): WireSession {
		const { sessionId, password, timeoutMs } = this.connected;
		return { id: sessionId, password: password ?? new Uint8Array(0), timeoutMs };
	}

	/** Sends a request and resolves with its answer; rejects when the connection ends before. */
	send(request: ClientRequest, xid = this.xidFor(opCode[request.kind])): Promise<WireReply> {
		return this.sendBody(opCode[request.kind], requestBody(request), xid);
	}

	/** Any op code, any bytes as its body. */
	sendBody(type: number, body: Uint8Array, xid = this.xidFor(type)): Promise<WireReply> {
		const [answer] = this.sendTogether([{ type, body, xid }]);
		return answer!;
	}

	/** Several requests in one write. */
	sendTogether(
		requests: readonly { readonly type: number; readonly body: Uint8Array; readonly xid?: number }[],
	): Promise<WireReply>[] {
		const frames: Uint8Array[] = [];
		const answers = requests.map(({ type, body, xid = this.xidFor(type) }) => {
			frames.push(requestFrame(type, body, xid));
			// Whatever xid a ping has, its answer has this one.
			return this.expectReply(type === opCode.ping ? specialXid.ping : xid, type);
		});
		this.writeRaw(Buffer.concat(frames));
		return answers;
	}

	/** For those who write frames of their own: the answer with this xid is one to this op code. */
	expectReply(xid: number, type: number): Promise<WireReply> {
		const answer = quiet(
			new Promise<WireReply>((resolve, reject) => {
				const list = this.#pending.get(xid) ?? [];
				list.push({ type, resolve, reject });
				this.#pending.set(xid, list);
			}),
		);
		if (this.isClosed) this.#failAll(new Error('the connection is closed'));
		return answer;
	}

	/** The xid that clients give this operation: of their counter, or the special one. */
	xidFor(type: number): number {
		if (type === opCode.ping) return specialXid.ping;
		if (type === opCode.auth) return specialXid.auth;
		if (type === opCode.setWatches || type === opCode.setWatches2) return specialXid.setWatches;
		return this.#nextXid++;
	}

	ping(): Promise<WireReply> {
		return this.send({ kind: 'ping' });
	}

	/** Bytes as they are. */
	writeRaw(bytes: Uint8Array): void {
		if (!this.#socket.destroyed) this.#socket.write(bytes);
	}

	/** Resolves once the condition holds; it is tried whenever something has arrived. Rejects when the connection ends before. */
	until(met: () => boolean): Promise<void> {
		if (met()) return Promise.resolve();
		return new Promise((resolve, reject) => {
			if (this.isClosed) reject(new Error(`the connection is closed; it had sent ${this.describeLog()}`));
			else this.#waiting.push({ met, resolve, reject });
		});
	}

	/** What broke the connection from our side: bytes that should not have come. */
	get problem(): string | undefined {
		return this.#problem?.message;
	}

	get events(): WireEvent[] {
		return this.log.filter((one) => one.kind === 'event');
	}

	get replies(): WireReply[] {
		return this.log.filter((one) => one.kind === 'reply');
	}

	/** How many requests are not answered yet. */
	get outstanding(): number {
		let count = 0;
		for (const list of this.#pending.values()) count += list.length;
		return count;
	}

	/** Stops reading, or goes on, so that a server's back-pressure shows. */
	pause(): void {
		this.#socket.pause();
	}

	resume(): void {
		this.#socket.resume();
	}

	/** Ends our side of the connection and waits for its end: what was under way still arrives. */
	async end(): Promise<void> {
		this.#socket.end();
		await this.closed;
	}

	/** Breaks the connection at once; the session stays. */
	async close(): Promise<void> {
		this.#socket.destroy();
		await this.closed;
	}

	/** With a reset instead of an orderly end. */
	async reset(): Promise<void> {
		this.#socket.resetAndDestroy();
		await this.closed;
	}

	/** The log in words, for messages. */
	describeLog(): string {
		return this.log.length === 0 ? 'nothing' : this.log.map(describeArrived).join('; ');
	}

	#arrived(chunk: Buffer): void {
		this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
		try {
			let at = 0;
			while (this.#received.length - at >= 4) {
				const length = this.#received.readInt32BE(at);
				if (length < 0 || length > 1 << 28) throw new Error(`the server sent a frame of ${length} bytes`);
				if (this.#received.length - at - 4 < length) break;
				// A copy: the log outlives the chunk.
				this.#frame(Uint8Array.from(this.#received.subarray(at + 4, at + 4 + length)));
				at += 4 + length;
			}
			this.#received = this.#received.subarray(at);
		} catch (error) {
			this.#break(error instanceof Error ? error : new Error(String(error)));
			return;
		}
		this.#waiting = this.#waiting.filter((one) => {
			if (!one.met()) return true;
			one.resolve();
			return false;
		});
	}

	#frame(bytes: Uint8Array): void {
		const reader = new JuteReader(bytes);
		if (this.#handshake !== undefined) {
			const response = readConnectResponse(reader);
			requireEnd(reader, 'the answer to the handshake');
			this.#connected = response;
			this.log.push({ kind: 'connected', response });
			const { resolve } = this.#handshake;
			this.#handshake = undefined;
			resolve(response);
			return;
		}
		const { xid, zxid, error } = readReplyHeader(reader);
		if (xid === specialXid.notification) {
			if (error !== 0) throw new Error(`a notification has error ${error}`);
			const event = readWatcherEvent(reader);
			requireEnd(reader, 'a notification');
			this.log.push({ kind: 'event', zxid, ...event });
			return;
		}
		const pending = this.#takePending(xid);
		if (pending === undefined) throw new Error(`the server answered xid ${xid}, which nobody asked`);
		const { type } = pending;
		const body = bytes.subarray(reader.position);
		let response: ClientResponse | undefined;
		// What stands behind an error nobody reads: ZooKeeper leaves the half of an answer there that it had.
		if (error === 0) {
			try {
				response = readResponse(reader, type);
				requireEnd(reader, `the answer to xid ${xid} (${opName(type) ?? type})`);
			} catch (problem) {
				pending.reject(problem as Error);
				throw problem;
			}
		}
		const reply: WireReply = { kind: 'reply', xid, zxid, error, type, response, body };
		this.log.push(reply);
		if (zxid > this.lastZxidSeen) this.lastZxidSeen = zxid;
		pending.resolve(reply);
	}

	#takePending(xid: number): Pending | undefined {
		const list = this.#pending.get(xid);
		const first = list?.shift();
		if (list?.length === 0) this.#pending.delete(xid);
		return first;
	}

	#break(problem: Error): void {
		this.#problem = problem;
		this.#socket.destroy();
	}

	#failAll(error: Error): void {
		this.#handshake?.reject(error);
		this.#handshake = undefined;
		for (const list of this.#pending.values()) for (const one of list) one.reject(error);
		this.#pending.clear();
		for (const one of this.#waiting.splice(0)) one.reject(error);
	}
}

/** A frame: the length, then what is written. */
export function frame(write: (writer: JuteWriter) => void): Uint8Array {
	const writer = new JuteWriter(64);
	writer.writeInt(0);
	write(writer);
	writer.patchInt(0, writer.position - 4);
	return writer.view().slice();
}

export function requestFrame(type: number, body: Uint8Array, xid: number): Uint8Array {
	return frame((writer) => {
		writer.writeInt(xid);
		writer.writeInt(type);
		writer.writeRaw(body);
	});
}

export function requestBody(request: ClientRequest): Uint8Array {
	const writer = new JuteWriter(64);
	writeRequest(writer, request);
	return writer.view().slice();
}

export function describeArrived(one: Arrived): string {
	if (one.kind === 'connected') return `connected for ${one.response.timeoutMs} ms`;
	if (one.kind === 'event') return `event ${one.type} ${one.path}`;
	return `xid ${one.xid} ${opName(one.type) ?? one.type}: ${errorName(one.error)}`;
}

function requireEnd(reader: JuteReader, what: string): void {
	if (reader.remaining > 0) throw new Error(`${what} has ${reader.remaining} bytes too many`);
}

/** Its rejection is for those who wait for it; nobody need. */
function quiet<T>(promise: Promise<T>): Promise<T> {
	promise.catch(() => undefined);
	return promise;
}
