/** The network between members: connections that delay, and places between which nothing passes for a while. */
import type { ElectionNetwork, Notification } from '#core/ports/election-network';
import type { QuorumLink, QuorumLinkListener, QuorumNetwork } from '#core/ports/quorum-link';
import { packetType, type QuorumPacket } from '#jute/quorum/packets';
import type { World } from './world.ts';

type Accept = (link: QuorumLink) => QuorumLinkListener;

const retryMs = 200;
/** How long a connection that nothing passes through stays before the system gives it up. */
const brokenAfterMs = 15_000;

export class SimNetwork {
	readonly #world: World;
	/** From one to the other nothing passes: `1>2`. */
	readonly #cut = new Set<string>();
	readonly #listening = new Map<number, Accept>();
	readonly #links = new Map<number, Set<LinkEnd>>();
	readonly #notify: (to: number, from: number, notification: Notification) => void;
	/** Leaders that do not call their snapshots exact, as ZooKeeper's do not. */
	readonly unmarked = new Set<number>();
	/** The slowest a message is, milliseconds. */
	delayMs = 5;

	constructor(world: World, notify: (to: number, from: number, notification: Notification) => void) {
		this.#world = world;
		this.#notify = notify;
	}

	cut(from: number, to: number): void {
		this.#cut.add(`${from}>${to}`);
	}

	heal(): void {
		this.#cut.clear();
	}

	passes(from: number, to: number): boolean {
		return !this.#cut.has(`${from}>${to}`);
	}

	delay(): number {
		return this.#world.random.next() * this.delayMs;
	}

	/** A process died: its connections end, and the others hear of it, if they can. */
	dead(id: number): void {
		this.#listening.delete(id);
		for (const end of this.#links.get(id) ?? []) end.die();
		this.#links.delete(id);
	}

	elections(from: number): ElectionNetwork {
		return {
			send: (to, notification) => {
				if (!this.passes(from, to) || this.#world.random.chance(0.02)) return;
				this.#world.after(this.delay(), () => this.#notify(to, from, notification));
			},
		};
	}

	quorum(own: number): QuorumNetwork {
		return {
			accept: (listener) => {
				this.#listening.set(own, listener);
				return () => {
					if (this.#listening.get(own) === listener) this.#listening.delete(own);
				};
			},
			connect: (to, listener) =>
				new Promise((resolve, reject) => this.#connect(own, to, 5, listener, { resolve, reject })),
		};
	}

	#connect(
		from: number,
		to: number,
		attempts: number,
		listener: Accept,
		outcome: { resolve(link: QuorumLink): void; reject(error: Error): void },
	): void {
		this.#world.after(this.delay(), () => {
			const accept = this.#listening.get(to);
			if (accept === undefined || !this.passes(from, to) || !this.passes(to, from)) {
				if (attempts === 1) outcome.reject(new Error(`server ${to} does not accept learners`));
				else this.#world.after(retryMs, () => this.#connect(from, to, attempts - 1, listener, outcome));
				return;
			}
			const [near, far] = [new LinkEnd(this, this.#world, from, to), new LinkEnd(this, this.#world, to, from)];
			near.other = far;
			far.other = near;
			for (const end of [near, far]) {
				if (!this.#links.has(end.own)) this.#links.set(end.own, new Set());
				this.#links.get(end.own)!.add(end);
			}
			far.listener = accept(far);
			near.listener = listener(near);
			outcome.resolve(near);
		});
	}
}

type Item = { readonly packet: QuorumPacket } | { readonly bytes: Uint8Array } | { readonly end: Error };

class LinkEnd implements QuorumLink {
	readonly unsentBytes = 0;
	readonly own: number;
	readonly #peer: number;
	readonly #network: SimNetwork;
	readonly #world: World;
	other!: LinkEnd;
	/** Undefined until the link's owner has said who listens; it may close the link before. */
	listener: QuorumLinkListener | undefined;
	#isClosed = false;
	/** The process behind it is gone: nothing is told to it. */
	#isDead = false;
	#take: ((chunk: Uint8Array) => Uint8Array | null) | null = null;
	/** What is sent while a stream is drawn. */
	#behindStream: QuorumPacket[] | null = null;
	/** On the way to the other end. */
	#onTheWay: Item[] = [];
	#isMoving = false;
	#stuckSinceMs: number | null = null;

	constructor(network: SimNetwork, world: World, own: number, peer: number) {
		this.#network = network;
		this.#world = world;
		this.own = own;
		this.#peer = peer;
	}

	get address(): string {
		return `server ${this.#peer}`;
	}

	send(packet: QuorumPacket): void {
		if (this.#behindStream !== null) this.#behindStream.push(packet);
		else this.#push({ packet: this.#network.unmarked.has(this.own) ? withoutMark(packet) : packet });
	}

	/** Drawn while other things go on. */
	sendStream(chunks: Iterator<Uint8Array>, done: (error?: Error) => void): void {
		this.#behindStream = [];
		this.#draw(chunks, done);
	}

	#draw(chunks: Iterator<Uint8Array>, done: (error?: Error) => void): void {
		if (this.#isClosed) {
			done(new Error('closed'));
			return;
		}
		const next = chunks.next();
		if (next.done !== true) {
			this.#push({ bytes: next.value.slice() });
			this.#world.after(this.#network.delay(), () => this.#draw(chunks, done));
			return;
		}
		const behind = this.#behindStream!;
		this.#behindStream = null;
		for (const packet of behind) this.send(packet);
		done();
	}

	receiveStream(take: (chunk: Uint8Array) => Uint8Array | null): void {
		this.#take = take;
	}

	close(): void {
		this.#end(new Error('closed here'));
	}

	/** The process is gone. */
	die(): void {
		this.#isDead = true;
		this.#end(new Error('the process died'));
	}

	#push(item: Item): void {
		if (this.#isClosed && !('end' in item)) return;
		this.#onTheWay.push(item);
		this.#move();
	}

	#move(): void {
		if (this.#isMoving || this.#onTheWay.length === 0) return;
		this.#isMoving = true;
		this.#world.after(this.#network.delay(), () => this.#deliver());
	}

	#deliver(): void {
		this.#isMoving = false;
		if (!this.#network.passes(this.own, this.#peer)) {
			this.#stuckSinceMs ??= this.#world.nowMs;
			if (this.#world.nowMs - this.#stuckSinceMs > brokenAfterMs) {
				this.#onTheWay = [];
				this.#end(new Error('nothing passes'));
				return;
			}
			this.#isMoving = true;
			this.#world.after(retryMs, () => this.#deliver());
			return;
		}
		this.#stuckSinceMs = null;
		// One read may bring a part of what was sent.
		const count = 1 + this.#world.random.below(this.#onTheWay.length);
		for (const item of this.#onTheWay.splice(0, count)) this.other.receive(item);
		this.other.receivedAll();
		this.#move();
	}

	receive(item: Item): void {
		if (this.#isClosed) return;
		if ('end' in item) this.#end(item.end);
		else if ('packet' in item) this.listener?.received(item.packet);
		else if (this.#take === null) this.#end(new Error('bytes that are no packet'));
		else if (this.#take(item.bytes) !== null) this.#take = null;
	}

	receivedAll(): void {
		if (!this.#isClosed) this.listener?.receivedAll?.();
	}

	#end(reason: Error): void {
		if (this.#isClosed) return;
		this.#isClosed = true;
		this.#push({ end: new Error('closed by the other side') });
		if (!this.#isDead) this.listener?.closed(reason);
	}
}

function withoutMark(packet: QuorumPacket): QuorumPacket {
	return packet.type === packetType.leaderInfo ? { ...packet, data: packet.data!.slice(0, 4) } : packet;
}
