/** The addresses that a port listens on, which can become others while it does. */
import type { Server, Socket } from 'node:net';
import type { After } from '#core/ports/timers';
import type { HostPort } from '#core/zab/quorum-config';
import { formatAddress, listen, type Warn } from './sockets.ts';

export interface ListeningParts {
	readonly accept: (socket: Socket) => void;
	readonly after: After;
	readonly warn: Warn;
	/** How long until an address that could not be listened on is tried again. */
	readonly retryMs: number;
	readonly keepAlive: boolean;
	/** How often open() tries in all, 0 for ever, and what lies between. Once. */
	readonly openAttempts?: number;
	readonly openRetryMs?: number;
}

export class Listening {
	readonly #parts: ListeningParts;
	/** By their text. */
	#wanted = new Map<string, HostPort>();
	readonly #servers = new Map<string, Server>();
	/** Addresses that are about to be listened on: when that has begun or failed for now. */
	readonly #opening = new Map<string, Promise<void>>();
	readonly #closed: Promise<unknown>[] = [];
	readonly #cancelRetry = new Map<string, () => void>();
	readonly #said = new Set<string>();
	/** Ends the pause between two attempts of open(). */
	#endPause: (() => void) | null = null;
	#isClosed = false;

	constructor(parts: ListeningParts) {
		this.#parts = parts;
	}

	/** Returns when it is closed, too. @throws Error naming the address that cannot be listened on; then on none */
	async open(addresses: readonly HostPort[]): Promise<void> {
		this.#want(addresses);
		const { accept, keepAlive, warn, openAttempts = 1, openRetryMs = 1000 } = this.#parts;
		for (let attempt = 1; !this.#isClosed; attempt++) {
			try {
				const servers = await listen(addresses, accept, keepAlive);
				for (const [at, server] of servers.entries()) this.#opened(formatAddress(addresses[at]!), server);
				return;
			} catch (error) {
				if (attempt === openAttempts) throw error;
				const { message } = error as Error;
				if (!this.#said.has(message)) warn(`${message}; it is tried again every ${openRetryMs} ms`);
				this.#said.add(message);
			}
			await this.#pause(openRetryMs);
		}
	}

	/** Addresses that are in use for the moment are tried again and again. Connections that were accepted stay. */
	move(addresses: readonly HostPort[]): void {
		this.#want(addresses);
		for (const [text, server] of this.#servers) if (!this.#wanted.has(text)) this.#close(text, server);
		for (const [text, cancel] of this.#cancelRetry) {
			if (this.#wanted.has(text)) continue;
			cancel();
			this.#cancelRetry.delete(text);
		}
		for (const [text, address] of this.#wanted) {
			if (!this.#servers.has(text) && !this.#cancelRetry.has(text)) this.#open(text, address);
		}
	}

	/** The addresses are free when this returns, but for one that is just being opened. Resolves when it is, and the connections that were accepted are closed. */
	async close(): Promise<void> {
		this.#isClosed = true;
		this.#endPause?.();
		this.move([]);
		await Promise.all(this.#opening.values());
		await Promise.all(this.#closed);
	}

	async #pause(ms: number): Promise<void> {
		if (this.#isClosed) return;
		await new Promise<void>((resolve) => {
			const cancel = this.#parts.after(ms, resolve);
			this.#endPause = () => {
				cancel();
				resolve();
			};
		});
		this.#endPause = null;
	}

	#want(addresses: readonly HostPort[]): void {
		this.#wanted = new Map(addresses.map((address) => [formatAddress(address), address]));
	}

	#open(text: string, address: HostPort): void {
		// One that was given up in the meantime and is wanted again ends as it would have.
		if (this.#opening.has(text)) return;
		const opening = listen([address], this.#parts.accept, this.#parts.keepAlive).then(
			([server]) => {
				this.#opening.delete(text);
				this.#opened(text, server!);
			},
			(error: Error) => {
				this.#opening.delete(text);
				if (this.#wanted.has(text)) this.#tryAgain(text, address, error);
			},
		);
		this.#opening.set(text, opening);
	}

	#opened(text: string, server: Server): void {
		this.#said.delete(text);
		this.#servers.set(text, server);
		if (!this.#wanted.has(text)) this.#close(text, server);
	}

	#close(text: string, server: Server): void {
		this.#servers.delete(text);
		const closed = new Promise((resolve) => server.close(resolve));
		this.#closed.push(closed);
		void closed.then(() => this.#closed.splice(this.#closed.indexOf(closed), 1));
	}

	/** Another program may be about to free the address. */
	#tryAgain(text: string, address: HostPort, error: Error): void {
		if (!this.#said.has(text)) this.#parts.warn(error.message);
		this.#said.add(text);
		const cancel = this.#parts.after(this.#parts.retryMs, () => {
			this.#cancelRetry.delete(text);
			this.#open(text, address);
		});
		this.#cancelRetry.set(text, cancel);
	}
}
