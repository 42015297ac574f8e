/**
 * The election port: one connection to each other server that has something to say or is told something, by the rules of ZooKeeper's
 * connection manager. Server ids decide who connects (see ElectionPeer).
 */
import type { Socket } from 'node:net';
import { assert } from '#core/model/assert';
import type { ElectionListener, ElectionNetwork, Notification } from '#core/ports/election-network';
import type { After } from '#core/ports/timers';
import type { HostPort } from '#core/zab/quorum-config';
import { isEveryHost } from '#core/zab/quorum-server';
import { JuteWriter } from '#jute/codec';
import { type ElectionHello, readElectionHello, writeElectionHello } from '#jute/quorum/election-hello';
import { frame, MessageError } from './election-connection.ts';
import { ElectionPeer, type ElectionPeerParts } from './election-peer.ts';
import { Listening } from './listening.ts';
import { remoteAddress, systemAfter, type Warn } from './sockets.ts';

export interface ElectionPortOptions {
	readonly serverId: number;
	/** This server's election addresses, as others know them. Only the first is told to them unless multiAddress says otherwise. See move(). */
	readonly addresses: readonly HostPort[];
	/** What is listened on: `addresses` unless given. An empty host is every address of the machine. */
	readonly listenOn?: readonly HostPort[];
	/** How long until an address that could not be listened on is tried again, after a move. 500 ms. */
	readonly listenRetryMs?: number;
	/** The election addresses of another server; empty when no configuration, proposed ones included, has it. */
	readonly addressesOf: (id: number) => readonly HostPort[];
	readonly encode: (notification: Notification) => Uint8Array;
	/** @throws Error for bytes that are no notification: the connection is closed */
	readonly decode: (message: Uint8Array) => Notification;
	readonly warn: Warn;
	readonly after?: After;
	/** ZooKeeper's cnxTimeout, 5000 ms. */
	readonly connectTimeoutMs?: number;
	/** How long who connects has to say who it is: ZooKeeper's quorumCnxnTimeoutMs. 5000 ms. */
	readonly helloTimeoutMs?: number;
	/** How often open() tries to listen in all, 0 for ever: ZooKeeper's electionPortBindRetry, once unless given. 1000 ms lie between. */
	readonly openAttempts?: number;
	readonly openRetryMs?: number;
	/** ZooKeeper's tcpKeepAlive, false: a connection that is broken somewhere on the way is given up only when something is to be sent over it. */
	readonly keepAlive?: boolean;
	/** A server that has said nothing for so long after it was told something gets the next message over a new connection. 5000 ms. */
	readonly silenceMs?: number;
	/** ZooKeeper's multiAddress.enabled: all servers know the hello with several addresses. */
	readonly multiAddress?: boolean;
}

/** Connections whose hello has not come: more of them are closed at once. */
const mostStrangers = 256;

export class ElectionPort implements ElectionNetwork {
	readonly #options: ElectionPortOptions;
	readonly #after: After;
	readonly #peers = new Map<number, ElectionPeer>();
	readonly #peerParts: ElectionPeerParts;
	readonly #closing = new AbortController();
	/** Connections without a hello as yet. */
	readonly #strangers = new Set<Socket>();
	#listener: ElectionListener | null = null;
	readonly #listening: Listening;
	#hello: Uint8Array;

	constructor(options: ElectionPortOptions) {
		this.#options = options;
		this.#after = options.after ?? systemAfter;
		this.#hello = helloOf(options, options.addresses);
		this.#listening = new Listening({
			accept: (socket) => this.#accept(socket),
			after: this.#after,
			warn: (message) => options.warn(`election: ${message}`),
			retryMs: options.listenRetryMs ?? 500,
			keepAlive: options.keepAlive ?? false,
			openAttempts: options.openAttempts ?? 1,
			openRetryMs: options.openRetryMs ?? 1000,
		});
		this.#peerParts = {
			serverId: options.serverId,
			hello: () => this.#hello,
			addressesOf: options.addressesOf,
			received: (from, message) => this.#listener?.notified(from, this.#decode(message)),
			idle: (id) => this.#forgetStranger(id),
			after: this.#after,
			warn: options.warn,
			connectTimeoutMs: options.connectTimeoutMs ?? 5000,
			silenceMs: options.silenceMs ?? 5000,
			keepAlive: options.keepAlive ?? false,
			signal: this.#closing.signal,
		};
	}

	/** From now on servers can connect, and the listener hears. @throws Error naming the address that cannot be listened on */
	async open(listener: ElectionListener): Promise<void> {
		assert(this.#listener === null, 'an election port is opened once');
		this.#listener = listener;
		await this.#listening.open(this.#options.listenOn ?? this.#options.addresses);
		if (this.#closing.signal.aborted) await this.#listening.close();
	}

	/** Its own addresses are these from now on. Connections stay. One that is in use for the moment is tried again and again. */
	move(addresses: readonly HostPort[], listenOn = addresses): void {
		if (this.#closing.signal.aborted) return;
		this.#hello = helloOf(this.#options, addresses);
		this.#listening.move(listenOn);
	}

	/** Connects to servers that are new in a configuration: they hear at once who leads (ZooKeeper's connectNewPeers). */
	reach(servers: Iterable<number>): void {
		if (this.#closing.signal.aborted) return;
		for (const id of servers) if (id !== this.#options.serverId) this.#peer(id).reach();
	}

	/** Closes the connections of servers that no configuration has any more. They may connect again, like any stranger. */
	forgetStrangers(): void {
		for (const [id, peer] of this.#peers) {
			if (this.#options.addressesOf(id).length > 0) continue;
			peer.close();
			this.#peers.delete(id);
		}
	}

	/** The newest notification for a server takes the place of one that has not left. Its own this server knows: they are not sent. */
	send(to: number, notification: Notification): void {
		if (to === this.#options.serverId || this.#closing.signal.aborted) return;
		this.#peer(to).send(frame(this.#options.encode(notification)));
	}

	/** To whom there is a connection. */
	get connected(): readonly number[] {
		return [...this.#peers.values()].filter((peer) => peer.isConnected).map((peer) => peer.id);
	}

	/** Resolves when the port is free. Nothing is heard any more at once. */
	async close(): Promise<void> {
		if (this.#closing.signal.aborted) return;
		this.#closing.abort();
		this.#listener = { notified: () => {} };
		for (const peer of this.#peers.values()) peer.close();
		for (const socket of this.#strangers) socket.destroy();
		await this.#listening.close();
	}

	#decode(message: Uint8Array): Notification {
		try {
			return this.#options.decode(message);
		} catch (error) {
			throw new MessageError((error as Error).message, { cause: error });
		}
	}

	#peer(id: number): ElectionPeer {
		let peer = this.#peers.get(id);
		if (peer === undefined) {
			peer = new ElectionPeer(id, this.#peerParts);
			this.#peers.set(id, peer);
		}
		return peer;
	}

	/** Anybody can say hello with any id. */
	#forgetStranger(id: number): void {
		if (this.#options.addressesOf(id).length === 0 && this.#peers.get(id)?.isIdle) this.#peers.delete(id);
	}

	#accept(socket: Socket): void {
		socket.on('error', () => {});
		if (this.#closing.signal.aborted || this.#strangers.size >= mostStrangers) {
			socket.destroy();
			return;
		}
		const address = remoteAddress(socket);
		let bytes = new Uint8Array(0);
		const refuse = (problem: string): void => {
			this.#options.warn(`election: ${address}: ${problem}`);
			socket.destroy();
		};
		const timeoutMs = this.#options.helloTimeoutMs ?? 5000;
		const cancel = this.#after(timeoutMs, () => refuse(`no hello within ${timeoutMs} ms`));
		const forget = (): void => {
			cancel();
			this.#strangers.delete(socket);
			socket.off('data', onData).off('close', forget);
		};
		const onData = (chunk: Uint8Array): void => {
			const joined = new Uint8Array(bytes.length + chunk.length);
			joined.set(bytes);
			joined.set(chunk, bytes.length);
			bytes = joined;
			let found: ReturnType<typeof readElectionHello>;
			try {
				found = readElectionHello(bytes);
			} catch (error) {
				refuse((error as Error).message);
				return;
			}
			if (found === null) return;
			forget();
			this.#greeted(found.hello, socket, bytes.subarray(found.length));
		};
		this.#strangers.add(socket);
		socket.on('data', onData).on('close', forget);
	}

	#greeted(hello: ElectionHello, socket: Socket, rest: Uint8Array): void {
		const { serverId, warn } = this.#options;
		if (hello.serverId > serverId) {
			this.#peer(hello.serverId).calledBy(socket, rest);
			return;
		}
		const address = remoteAddress(socket);
		socket.destroy();
		if (hello.serverId === serverId) warn(`election: ${address} says that it is server ${serverId}, which is this one`);
		else this.#peer(hello.serverId).callBack(hello.addresses.filter(({ host }) => !isEveryHost(host)));
	}
}

function helloOf({ serverId, multiAddress }: ElectionPortOptions, addresses: readonly HostPort[]): Uint8Array {
	const writer = new JuteWriter();
	writeElectionHello(writer, { serverId, addresses: multiAddress ? addresses : addresses.slice(0, 1) });
	return writer.view().slice();
}
