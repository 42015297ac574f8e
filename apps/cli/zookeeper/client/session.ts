/**
 * A session: it outlives connections. Requests wait in line until a server is found, and fail with ConnectionLoss when a connection, or the
 * attempt to make one, fails. A new connection re-attaches the session, then come the authentications and the watches, then what waits.
 */
import { readConnectResponse, writeConnectRequest } from '#jute/client/connect';
import { readReplyHeader, readWatcherEvent, writeRequestHeader } from '#jute/client/headers';
import { type ClientRequest, writeRequest } from '#jute/client/requests';
import { type ClientResponse, readResponse } from '#jute/client/responses';
import type { JuteReader } from '#jute/codec';
import { errors } from '#jute/errors';
import { opCode, specialXid } from '#jute/op-codes';
import type { SessionId } from '#jute/scalars';
import type { Chroot } from './client-path.ts';
import type { ConnectString, Host } from './connect-string.ts';
import { Connection } from './connection.ts';
import { HostRing } from './host-ring.ts';
import { isReadWrite } from './read-write.ts';
import { setWatchesRequests } from './set-watches.ts';
import { type EventType, type KeeperState, nodeEvent, type WatchedEvent } from './watched-event.ts';
import { Watches } from './watches.ts';

export type SessionState = 'CONNECTING' | 'CONNECTED' | 'CONNECTEDREADONLY' | 'CLOSED' | 'AUTH_FAILED';

export interface SessionOptions {
	readonly servers: ConnectString;
	readonly timeoutMs: number;
	/** Content with a server that has lost its quorum. */
	readonly readOnly: boolean;
	/** Answers of this size and more end the connection: `jute.maxbuffer`. */
	readonly maxFrameBytes: number;
	/** 0: requests wait as long as the connection lives. */
	readonly requestTimeoutMs: number;
	/** Whether one-time watches are set again after a reconnect. */
	readonly resetWatches: boolean;
	readonly onEvent: (event: WatchedEvent) => void;
}

/** Without a response when there is an error. */
export interface Reply {
	readonly error: number;
	readonly response: ClientResponse | undefined;
}

interface Waiting {
	readonly request: ClientRequest;
	xid: number;
	readonly settle: (reply: Reply) => void;
}

interface Authentication {
	readonly scheme: string;
	readonly auth: Uint8Array | null;
}

const pauseAfterRoundMs = 1000;
const reconnectSpreadMs = 1000;
const longestSilenceMs = 10_000;
const shortestSearchMs = 100;
const longestSearchMs = 60_000;

export class Session {
	readonly watches = new Watches();
	readonly chroot: Chroot;
	readonly #options: SessionOptions;
	readonly #hosts: HostRing;
	readonly #stop = new AbortController();
	readonly #running: Promise<void>;
	#state: SessionState = 'CONNECTING';
	/** The last that was told, so that nothing is told twice. */
	#told: KeeperState = 'Disconnected';
	#id = 0n as SessionId;
	#password: Uint8Array = new Uint8Array(16);
	#lastZxid = 0;
	#xid = 1;
	#connection: Connection | undefined;
	/** Session ids of read-only servers are good there only. */
	#seenReadWrite = false;
	#readWriteHost: Host | undefined;
	#everConnected = false;
	#closing = false;
	#clock: NodeJS.Timeout | undefined;
	#search: NodeJS.Timeout | undefined;
	#connectTimeoutMs: number;
	#readTimeoutMs: number;
	readonly #authentications: Authentication[] = [];
	/** Not sent yet. */
	#outgoing: Waiting[] = [];
	/** Sent, in the order in which the answers come. */
	#pending: Waiting[] = [];

	constructor(options: SessionOptions) {
		this.#options = options;
		this.chroot = options.servers.chroot;
		this.#hosts = new HostRing(options.servers.hosts);
		this.#connectTimeoutMs = options.timeoutMs / this.#hosts.size;
		this.#readTimeoutMs = (options.timeoutMs * 2) / 3;
		this.#running = this.#run();
	}

	get state(): SessionState {
		return this.#state;
	}

	get alive(): boolean {
		return this.#state !== 'CLOSED' && this.#state !== 'AUTH_FAILED';
	}

	/**
	 * Never rejects: every error is a code. `answered` is called before anything that comes behind the answer is looked at, so that a
	 * watch is known before its event.
	 */
	submit(request: ClientRequest, answered?: (error: number) => void): Promise<Reply> {
		return new Promise((resolve) => {
			const settle = (reply: Reply): void => {
				clearTimeout(timer);
				answered?.(reply.error);
				resolve(reply);
			};
			const waiting: Waiting = { request, xid: 0, settle };
			const timer = this.#options.requestTimeoutMs > 0 ? this.#limit(waiting) : undefined;
			if (!this.alive || this.#closing) settle({ error: this.#lossCode, response: undefined });
			else if (this.#connected) this.#sendNow(waiting);
			else this.#outgoing.push(waiting);
		});
	}

	addAuthentication(authentication: Authentication): void {
		if (!this.alive) return;
		this.#authentications.push(authentication);
		if (this.#connected) this.#sendSpecial(specialXid.auth, { kind: 'auth', type: 0, ...authentication });
	}

	/** Ends the session on the server when there is a connection, or is about to be. Afterwards nothing more is told. */
	async close(): Promise<void> {
		if (!this.alive) return;
		const farewell = this.#connection === undefined ? undefined : this.submit({ kind: 'closeSession' });
		this.#closing = true;
		await farewell;
		this.#state = 'CLOSED';
		this.#stop.abort();
		this.#connection?.close();
		await this.#running;
		this.#tell('Closed');
	}

	/** Tells of watches that are gone, as if the server had said so. */
	tellRemoved(types: readonly EventType[], path: string, error: number): void {
		const lost = error === errors.connectionLoss.code || error === errors.sessionExpired.code;
		for (const type of types) this.#options.onEvent({ state: lost ? 'Disconnected' : 'SyncConnected', type, path });
	}

	get #connected(): boolean {
		return this.#state === 'CONNECTED' || this.#state === 'CONNECTEDREADONLY';
	}

	/** What has become of requests that cannot be answered any more. */
	get #lossCode(): number {
		if (this.#state === 'AUTH_FAILED') return errors.authFailed.code;
		return this.#state === 'CLOSED' ? errors.sessionExpired.code : errors.connectionLoss.code;
	}

	async #run(): Promise<void> {
		while (this.alive && !this.#closing) {
			const host = await this.#nextHost();
			if (!this.alive || this.#closing) break;
			await this.#serve(host);
			if (this.alive) this.#state = 'CONNECTING';
			this.#failAll();
			if (this.alive && !this.#closing) this.#tell('Disconnected');
		}
		this.#failAll();
	}

	async #nextHost(): Promise<Host> {
		let host = this.#readWriteHost;
		this.#readWriteHost = undefined;
		if (host === undefined) {
			const next = this.#hosts.next();
			host = next.host;
			if (next.roundIsOver) await this.#pause(pauseAfterRoundMs);
		}
		// Clients that lost a server together should not come back together.
		if (this.#everConnected) await this.#pause(Math.random() * reconnectSpreadMs);
		return host;
	}

	/** From the attempt to connect until the connection is gone. */
	#serve(host: Host): Promise<void> {
		return new Promise((resolve) => {
			const connection = new Connection(
				host,
				this.#options.maxFrameBytes,
				{
					frame: (reader) => (this.#connected ? this.#onFrame(reader) : this.#onConnected(reader)),
					closed: () => {
						clearTimeout(this.#clock);
						clearTimeout(this.#search);
						this.#connection = undefined;
						resolve();
					},
				},
				() => this.#introduce(connection),
			);
			this.#connection = connection;
			this.#tick(connection);
		});
	}

	#introduce(connection: Connection): void {
		this.#everConnected = true;
		connection.send((writer) =>
			writeConnectRequest(writer, {
				protocolVersion: 0,
				lastZxidSeen: this.#lastZxid,
				timeoutMs: this.#options.timeoutMs,
				sessionId: this.#seenReadWrite ? this.#id : (0n as SessionId),
				password: this.#password,
				readOnly: this.#options.readOnly,
			}),
		);
	}

	#onConnected(reader: JuteReader): void {
		const { timeoutMs, sessionId, password, readOnly } = readConnectResponse(reader);
		if (timeoutMs <= 0) {
			this.#state = 'CLOSED';
			this.#tell('Expired');
			this.#connection!.close();
			return;
		}
		this.#readTimeoutMs = (timeoutMs * 2) / 3;
		this.#connectTimeoutMs = timeoutMs / this.#hosts.size;
		this.#hosts.connected();
		this.#id = sessionId;
		this.#password = password === null ? new Uint8Array(16) : password.slice();
		this.#state = readOnly ? 'CONNECTEDREADONLY' : 'CONNECTED';
		if (readOnly) this.#searchReadWrite(this.#connection!, shortestSearchMs);
		else this.#seenReadWrite = true;
		this.#tell(readOnly ? 'ConnectedReadOnly' : 'SyncConnected');
		for (const one of this.#authentications) this.#sendSpecial(specialXid.auth, { kind: 'auth', type: 0, ...one });
		for (const request of setWatchesRequests(this.watches, this.chroot, this.#lastZxid)) {
			this.#sendSpecial(specialXid.setWatches, request);
		}
		for (const waiting of this.#outgoing.splice(0)) this.#sendNow(waiting);
	}

	#onFrame(reader: JuteReader): void {
		const header = readReplyHeader(reader);
		switch (header.xid) {
			case specialXid.ping:
			case specialXid.setWatches:
				return;
			case specialXid.auth:
				if (header.error === errors.authFailed.code) {
					this.#state = 'AUTH_FAILED';
					this.#tell('AuthFailed');
					this.#connection?.close();
				}
				return;
			case specialXid.notification:
				this.#onNotification(reader);
				return;
			default:
				this.#onReply(header, reader);
		}
	}

	#onNotification(reader: JuteReader): void {
		const told = readWatcherEvent(reader);
		const event = nodeEvent(told, this.chroot.toClient(told.path));
		if (event !== undefined && this.watches.use(event)) this.#options.onEvent(event);
	}

	/** Servers answer in order: any other answer than that to the oldest request ends the connection. */
	#onReply(header: { readonly xid: number; readonly zxid: number; readonly error: number }, reader: JuteReader): void {
		const waiting = this.#pending[0];
		if (waiting?.xid !== header.xid)
			throw new Error(`Xid out of order. Got Xid ${header.xid}, expected ${waiting?.xid}`);
		if (header.zxid > 0) this.#lastZxid = header.zxid;
		const response = header.error === 0 ? readResponse(reader, opCode[waiting.request.kind]) : undefined;
		this.#pending.shift();
		waiting.settle({ error: header.error, response });
	}

	#sendNow(waiting: Waiting): void {
		waiting.xid = this.#xid;
		this.#xid = this.#xid === 0x7fff_ffff ? 1 : this.#xid + 1;
		this.#pending.push(waiting);
		this.#sendSpecial(waiting.xid, waiting.request);
	}

	#sendSpecial(xid: number, request: ClientRequest): void {
		this.#connection?.send((writer) => {
			writeRequestHeader(writer, { xid, type: opCode[request.kind] });
			writeRequest(writer, request);
		});
	}

	#failAll(): void {
		const reply: Reply = { error: this.#lossCode, response: undefined };
		for (const waiting of [...this.#pending.splice(0), ...this.#outgoing.splice(0)]) waiting.settle(reply);
	}

	/** After a request timed out nothing is known of the connection: another one is made. */
	#limit(waiting: Waiting): NodeJS.Timeout {
		return setTimeout(() => {
			this.#outgoing = this.#outgoing.filter((one) => one !== waiting);
			this.#pending = this.#pending.filter((one) => one !== waiting);
			waiting.settle({ error: errors.requestTimeout.code, response: undefined });
			this.#connection?.close();
		}, this.#options.requestTimeoutMs);
	}

	/** Ends a connection that has been silent for too long, and pings so that the server does not think so of us. */
	#tick(connection: Connection): void {
		const left = (this.#connected ? this.#readTimeoutMs : this.#connectTimeoutMs) - connection.idleReceivingMs;
		if (left <= 0) {
			connection.close();
			return;
		}
		this.#clock = setTimeout(() => this.#tick(connection), Math.max(1, Math.min(left, this.#pingIfDue(connection))));
	}

	/** @returns when to look again */
	#pingIfDue(connection: Connection): number {
		if (!this.#connected) return Math.min(100, this.#connectTimeoutMs);
		const idle = connection.idleSendingMs;
		const left = this.#readTimeoutMs / 2 - idle - (idle > 1000 ? 1000 : 0);
		if (left > 0 && idle <= longestSilenceMs) return Math.min(left, longestSilenceMs);
		this.#sendSpecial(specialXid.ping, { kind: 'ping' });
		return Math.min(this.#readTimeoutMs / 2, longestSilenceMs);
	}

	/** While the server is read-only: asks the others, less and less often, and goes over to the first that takes writes. */
	#searchReadWrite(connection: Connection, afterMs: number): void {
		this.#search = setTimeout(() => void this.#askReadWrite(connection, afterMs), afterMs);
	}

	async #askReadWrite(connection: Connection, afterMs: number): Promise<void> {
		const { host } = this.#hosts.next();
		const found = await isReadWrite(host);
		if (this.#connection !== connection) return;
		if (!found) {
			this.#searchReadWrite(connection, Math.min(afterMs * 2, longestSearchMs));
			return;
		}
		this.#readWriteHost = host;
		connection.close();
	}

	#tell(state: KeeperState): void {
		if (state === this.#told) return;
		this.#told = state;
		if (!this.#options.resetWatches && state !== 'SyncConnected') this.watches.clearOneTime();
		this.#options.onEvent({ state, type: 'None', path: null });
	}

	#pause(ms: number): Promise<void> {
		return new Promise((resolve) => {
			if (this.#stop.signal.aborted) return resolve();
			const timer = setTimeout(resolve, ms);
			this.#stop.signal.addEventListener('abort', () => {
				clearTimeout(timer);
				resolve();
			});
		});
	}
}
