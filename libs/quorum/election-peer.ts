/**
 * Another server as the election port knows it: the newest notification for it, and the one connection over which it goes. Of a pair of
 * servers the one with the larger id makes the connection. The other one only says hello, hangs up, and is called back.
 */
import type { Socket } from 'node:net';
import type { After } from '#core/ports/timers';
import type { HostPort } from '#core/zab/quorum-config';
import { ElectionConnection } from './election-connection.ts';
import { connectToAny, formatAddress, problemOf, type Warn } from './sockets.ts';

/** How long a server is not called again after it was asked to call back. */
const callBackMs = 1000;

export interface ElectionPeerParts {
	readonly serverId: number;
	/** This server's hello. */
	hello(): Uint8Array;
	addressesOf(id: number): readonly HostPort[];
	/** @throws MessageError */
	received(from: number, message: Uint8Array): void;
	/** Neither connected nor being called: a server that is in no configuration can be forgotten. */
	idle(id: number): void;
	readonly after: After;
	readonly warn: Warn;
	readonly connectTimeoutMs: number;
	readonly silenceMs: number;
	readonly keepAlive: boolean;
	/** Of close(). */
	readonly signal: AbortSignal;
}

export class ElectionPeer {
	readonly id: number;
	readonly #parts: ElectionPeerParts;
	/** Framed. A notification supersedes those before it. */
	#newest: Uint8Array | null = null;
	#isUnsent = false;
	#connection: ElectionConnection | null = null;
	/** Ends the call that is under way, which includes the wait for being called back. */
	#call: AbortController | null = null;
	/** Where it said it can be called back. */
	#callBackAddresses: readonly HostPort[] = [];
	#saidUnreachable = false;

	constructor(id: number, parts: ElectionPeerParts) {
		this.id = id;
		this.#parts = parts;
	}

	get isConnected(): boolean {
		return this.#connection !== null;
	}

	get isIdle(): boolean {
		return this.#connection === null && this.#call === null;
	}

	send(message: Uint8Array): void {
		this.#newest = message;
		this.#isUnsent = true;
		const connection = this.#connection;
		// After a partition the system would try for a long time yet to deliver what it has; a new connection is there at once.
		if (connection !== null && connection.unansweredMs > this.#parts.silenceMs) this.#hangUp();
		if (this.#connection === null) this.#callUnlessCalling();
		else this.#flush();
	}

	/** There is to be a connection. */
	reach(): void {
		if (this.#connection === null) this.#callUnlessCalling();
	}

	/** It has a larger id and called: this is the connection from now on. `rest` is what came behind its hello. */
	calledBy(socket: Socket, rest: Uint8Array): void {
		this.#adopt(socket).read(rest);
	}

	/** It has a smaller id and wants to be called. It would not if it still had the connection that seems to be there. */
	callBack(addresses: readonly HostPort[]): void {
		this.#callBackAddresses = addresses;
		this.#hangUp();
		this.#callUnlessCalling();
	}

	close(): void {
		this.#call?.abort();
		this.#call = null;
		this.#hangUp();
	}

	#hangUp(): void {
		const connection = this.#connection;
		this.#connection = null;
		connection?.close();
	}

	#adopt(socket: Socket, hello?: Uint8Array): ElectionConnection {
		this.#call?.abort();
		this.#call = null;
		this.#saidUnreachable = false;
		this.#hangUp();
		const address = formatAddress({ host: socket.remoteAddress ?? 'unknown', port: socket.remotePort ?? 0 });
		const connection = new ElectionConnection(socket, {
			received: (message) => this.#parts.received(this.id, message),
			drained: () => this.#flush(),
			closed: (problem) => {
				if (problem !== null) this.#parts.warn(`election: server ${this.id} at ${address}: ${problem.message}`);
				if (this.#connection !== connection) return;
				this.#connection = null;
				// What was written is lost with the connection: elections repeat what matters.
				if (this.#isUnsent) this.#callUnlessCalling();
				else this.#parts.idle(this.id);
			},
		});
		this.#connection = connection;
		if (hello) socket.write(hello);
		// The newest again, should the old connection have lost it.
		this.#isUnsent = false;
		if (this.#newest !== null) connection.write(this.#newest);
		return connection;
	}

	#flush(): void {
		const connection = this.#connection;
		if (connection === null || this.#newest === null || !this.#isUnsent || connection.isBackedUp) return;
		this.#isUnsent = false;
		connection.write(this.#newest);
	}

	#callUnlessCalling(): void {
		if (this.#call !== null || this.#parts.signal.aborted) return;
		const call = new AbortController();
		this.#call = call;
		void this.#makeCall(call.signal)
			.catch((error: unknown) => this.#unreachable(error as Error, call.signal))
			.finally(() => {
				if (this.#call === call) this.#call = null;
				if (this.isIdle) this.#parts.idle(this.id);
			});
	}

	async #makeCall(signal: AbortSignal): Promise<void> {
		const { after, connectTimeoutMs: timeoutMs, keepAlive } = this.#parts;
		const options = { after, timeoutMs, attempts: 1, retryMs: 0, keepAlive, signal };
		const socket = await connectToAny(this.#addresses(), options);
		if (signal.aborted) socket.destroy();
		else if (this.id < this.#parts.serverId) this.#adopt(socket, this.#parts.hello());
		else await this.#askToBeCalled(socket, signal);
	}

	#askToBeCalled(socket: Socket, signal: AbortSignal): Promise<void> {
		const { after, connectTimeoutMs, hello } = this.#parts;
		return new Promise((resolve, reject) => {
			let isHeard = true;
			const hangUp = (): void => {
				isHeard = false;
				socket.destroy();
			};
			const cancel = after(connectTimeoutMs, hangUp);
			signal.addEventListener('abort', hangUp);
			socket.on('error', hangUp);
			// It says nothing, but its end is seen only when what it says is read.
			socket.resume();
			socket.end(hello());
			socket.on('close', () => {
				cancel();
				signal.removeEventListener('abort', hangUp);
				if (signal.aborted) resolve();
				else if (isHeard) this.#awaitCall(signal, resolve);
				else reject(new Error('it did not take the hello'));
			});
		});
	}

	#awaitCall(signal: AbortSignal, done: () => void): void {
		const cancel = this.#parts.after(callBackMs, done);
		signal.addEventListener('abort', () => {
			cancel();
			done();
		});
	}

	/** What it said of itself, then what the configuration says. */
	#addresses(): readonly HostPort[] {
		const addresses = [...this.#callBackAddresses, ...this.#parts.addressesOf(this.id)];
		return [...new Map(addresses.map((address) => [formatAddress(address), address])).values()];
	}

	/** Said once until it is reached. */
	#unreachable(error: Error, signal: AbortSignal): void {
		if (this.#saidUnreachable || signal.aborted) return;
		this.#saidUnreachable = true;
		this.#parts.warn(`election: server ${this.id} cannot be reached: ${problemOf(error)}`);
	}
}
