/**
 * The quorum port: a leader listens on it as long as it leads, and learners connect to the leader's. What all links have collected leaves at
 * the end of a turn of the event loop, in one write for each.
 */
import type { Socket } from 'node:net';
import { assert } from '#core/model/assert';
import type { QuorumLink, QuorumLinkListener, QuorumNetwork } from '#core/ports/quorum-link';
import type { After } from '#core/ports/timers';
import type { HostPort } from '#core/zab/quorum-config';
import { Listening } from './listening.ts';
import { connectToAny, systemAfter, type Warn } from './sockets.ts';
import { TcpLink, type TcpLinkParts } from './tcp-link.ts';

export interface QuorumPortOptions {
	/** What is listened on while this server leads, asked each time that it begins to. An empty host is every address of the machine. */
	readonly listenOn: () => readonly HostPort[];
	/** The quorum addresses of another server. */
	readonly addressesOf: (id: number) => readonly HostPort[];
	/** For connect() as a whole: ZooKeeper's tickTime * initLimit, or * connectToLearnerMasterLimit. */
	readonly connectTimeoutMs: number;
	readonly warn: Warn;
	readonly after?: After;
	/** How often each address is tried, 5, and what lies between, 100 ms: ZooKeeper's leaderConnectDelayDuringRetryMs. */
	readonly connectAttempts?: number;
	readonly connectRetryMs?: number;
	/** The most that the data of a packet may have: jute.maxbuffer and jute.maxbuffer.extrasize, together 2 MiB as a rule. */
	readonly maxPacketBytes?: number;
	/** A link is closed when more waits to be sent. 512 MiB. */
	readonly maxUnsentBytes?: number;
	/** How long until an address that could not be listened on is tried again. 500 ms. */
	readonly listenRetryMs?: number;
}

type Connected = (link: QuorumLink) => QuorumLinkListener;

export class QuorumPort implements QuorumNetwork {
	readonly #options: QuorumPortOptions;
	readonly #after: After;
	readonly #links = new Set<TcpLink>();
	readonly #linkParts: TcpLinkParts;
	readonly #unflushed = new Set<TcpLink>();
	/** They read something in this turn. */
	readonly #received = new Set<TcpLink>();
	#isTurnEnding = false;
	readonly #closing = new AbortController();
	readonly #listening: Listening;
	/** Of the learners that connect, while this server leads. */
	#accepted: Connected | null = null;

	constructor(options: QuorumPortOptions) {
		this.#options = options;
		this.#after = options.after ?? systemAfter;
		this.#listening = new Listening({
			accept: (socket) => {
				if (this.#accepted === null) socket.destroy();
				else this.#link(socket, this.#accepted);
			},
			after: this.#after,
			// If it goes on, no learner comes, and the leader gives up for want of a quorum.
			warn: (message) => options.warn(`quorum: ${message}`),
			retryMs: options.listenRetryMs ?? 500,
			keepAlive: true,
		});
		this.#linkParts = {
			maxPacketBytes: options.maxPacketBytes ?? 2 * 0xfffff,
			maxUnsentBytes: options.maxUnsentBytes ?? 512 << 20,
			after: this.#after,
			willFlush: (link) => {
				this.#unflushed.add(link);
				this.#endTurnLater();
			},
			hasReceived: (link) => {
				this.#received.add(link);
				this.#endTurnLater();
			},
			closed: (link) => {
				this.#links.delete(link);
				this.#unflushed.delete(link);
				this.#received.delete(link);
			},
		};
	}

	async connect(to: number, listener: Connected): Promise<QuorumLink> {
		const { addressesOf, connectTimeoutMs: timeoutMs, connectAttempts = 5, connectRetryMs = 100 } = this.#options;
		let socket: Socket;
		try {
			socket = await connectToAny(addressesOf(to), {
				after: this.#after,
				timeoutMs,
				attempts: connectAttempts,
				retryMs: connectRetryMs,
				keepAlive: true,
				signal: this.#closing.signal,
			});
		} catch (error) {
			throw new Error(`server ${to} cannot be reached on its quorum port: ${(error as Error).message}`, {
				cause: error,
			});
		}
		return this.#link(socket, listener);
	}

	accept(listener: Connected): () => void {
		assert(this.#accepted === null, 'a server leads once at a time');
		if (this.#closing.signal.aborted) return () => {};
		this.#accepted = listener;
		this.#listening.move(this.#options.listenOn());
		let isStopped = false;
		return () => {
			if (isStopped) return;
			isStopped = true;
			this.#accepted = null;
			this.#listening.move([]);
		};
	}

	/** Sends now what links have collected. Nobody has to: it leaves at the end of the turn. */
	flush(): void {
		const links = [...this.#unflushed];
		this.#unflushed.clear();
		for (const link of links) link.flush();
	}

	/** Closes all links. Resolves when the address is free. */
	async close(): Promise<void> {
		this.#closing.abort();
		this.#accepted = null;
		const freed = this.#listening.close();
		const links = [...this.#links];
		for (const link of links) link.close();
		await Promise.all([freed, ...links.map(({ ended }) => ended)]);
	}

	#link(socket: Socket, listener: Connected): TcpLink {
		const link = new TcpLink(socket, this.#linkParts);
		this.#links.add(link);
		link.listen(listener(link));
		return link;
	}

	#endTurnLater(): void {
		if (this.#isTurnEnding) return;
		this.#isTurnEnding = true;
		setImmediate(() => this.#endTurn());
	}

	/** A socket is read in pieces of 64 KiB: what a large write of the other side leads to is logged, sent on and answered together, whatever pieces it came in. */
	#endTurn(): void {
		this.#isTurnEnding = false;
		const received = [...this.#received];
		this.#received.clear();
		for (const link of received) link.tellReceived();
		this.flush();
	}
}
