/** The network between members: connections that delay, and places between which nothing passes for a while. */

import type { ElectionNetwork, Notification } from '#core/ports/election-network';
import type { QuorumLink, QuorumLinkListener, QuorumNetwork } from '#core/ports/quorum-link';
import { opCode } from '#jute/op-codes';
import { packetType, type QuorumPacket } from '#jute/quorum/packets';
import { readRevalidation, writeRevalidated } from '#jute/quorum/session-data';
import type { Breach } from './breach.ts';
import type { ProcessGate } from './process-gate.ts';
import type { World } from './world.ts';

type Accept = (link: QuorumLink) => QuorumLinkListener;

const retryMs = 200;
/** How long a connection that nothing passes through stays before the system gives it up. */
const brokenAfterMs = 15_000;

export class SimNetwork {
	readonly #world: World;
	/** From one to the other nothing passes: `1>2`. */
	readonly #cut = new Set<string>();
	readonly #listening = new Map<number, { readonly accept: Accept; readonly gate: ProcessGate }>();
	readonly #links = new Map<number, Set<LinkEnd>>();
	readonly #notify: (to: number, from: number, notification: Notification) => void;
	/** Leaders like ZooKeeper's: they do not call their snapshots exact, and neither side of their links knows that the other is a Chronokeeper. */
	readonly unmarked = new Set<number>();
	/** The slowest a message is, milliseconds. */
	delayMs = 5;

	readonly breach: Breach | undefined;

	constructor(world: World, notify: (to: number, from: number, notification: Notification) => void, breach?: Breach) {
		this.#world = world;
		this.#notify = notify;
		this.breach = breach;
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

	/** A connection from whose one end nothing arrives any more, although others between the same places are well. Nobody is told. */
	lose(): void {
		const ends = [...this.#links.values()].flatMap((each) => [...each]).filter((end) => end.isOpen);
		if (ends.length > 0) this.#world.random.pick(ends).isLost = true;
	}

	/** A process died: its connections end, and the others hear of it, if they can and its machine is still there to say so. */
	dead(id: number, isSilent: boolean): void {
		this.#listening.delete(id);
		for (const end of [...(this.#links.get(id) ?? [])]) end.die(isSilent);
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

	quorum(own: number, gate: ProcessGate): QuorumNetwork {
		return {
			accept: (accept) => {
				const listening = { accept, gate };
				this.#listening.set(own, listening);
				return () => {
					if (this.#listening.get(own) === listening) this.#listening.delete(own);
				};
			},
			connect: (to, listener) =>
				new Promise((resolve, reject) => this.#connect({ own, to, gate, listener, resolve, reject }, 5)),
		};
	}

	/** A system takes connections also for a process that is stopped. */
	#connect(asked: Asked, attempts: number): void {
		const { own, to, gate, listener } = asked;
		this.#world.after(this.delay(), () => {
			const listening = this.#listening.get(to);
			if (listening === undefined || !this.passes(own, to) || !this.passes(to, own)) {
				if (attempts > 1) this.#world.after(retryMs, () => this.#connect(asked, attempts - 1));
				else gate.enter(() => asked.reject(new Error(`server ${to} does not accept learners`)));
				return;
			}
			if (!gate.isAlive) return;
			const near = new LinkEnd(this, this.#world, own, to, gate);
			const far = new LinkEnd(this, this.#world, to, own, listening.gate);
			near.other = far;
			far.other = near;
			for (const end of [near, far]) {
				if (!this.#links.has(end.own)) this.#links.set(end.own, new Set());
				this.#links.get(end.own)!.add(end);
			}
			listening.gate.enter(() => {
				far.listener = listening.accept(far);
			});
			gate.enter(() => {
				near.listener = listener(near);
				asked.resolve(near);
			});
		});
	}

	closed(end: LinkEnd): void {
		this.#links.get(end.own)?.delete(end);
	}
}

interface Asked {
	readonly own: number;
	readonly to: number;
	readonly gate: ProcessGate;
	readonly listener: Accept;
	resolve(link: QuorumLink): void;
	reject(error: Error): void;
}

type Item = { readonly packet: QuorumPacket } | { readonly bytes: Uint8Array } | { readonly end: Error };

class LinkEnd implements QuorumLink {
	readonly unsentBytes = 0;
	readonly own: number;
	readonly #peer: number;
	readonly #network: SimNetwork;
	readonly #world: World;
	readonly #gate: ProcessGate;
	other!: LinkEnd;
	/** What it sends does not arrive. */
	isLost = false;
	/** NEWLEADER was sent. */
	#isInSync = false;
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

	constructor(network: SimNetwork, world: World, own: number, peer: number, gate: ProcessGate) {
		this.#network = network;
		this.#gate = gate;
		this.#world = world;
		this.own = own;
		this.#peer = peer;
	}

	get address(): string {
		return `server ${this.#peer}`;
	}

	get isOpen(): boolean {
		return !this.#isClosed;
	}

	send(packet: QuorumPacket): void {
		if (this.#behindStream !== null) {
			this.#behindStream.push(packet);
			return;
		}
		const times = this.#timesSent(packet);
		for (let i = 0; i < times; i++) {
			this.#push({ packet: this.#isUnmarked(packet.type) ? withoutMark(packet) : packet });
		}
	}

	/** Whether it introduces a leader like ZooKeeper's, or its learner. */
	#isUnmarked(type: number): boolean {
		const { unmarked } = this.#network;
		return type === packetType.leaderInfo ? unmarked.has(this.own) : unmarked.has(this.#peer) && isLearnerInfo(type);
	}

	/** Once, but for what is done wrong on purpose. */
	#timesSent(packet: QuorumPacket): number {
		const { type, zxid } = packet;
		switch (this.#network.breach) {
			case 'dropProposal':
				if (type === packetType.newLeader) this.#isInSync = true;
				return !this.#isInSync && (type === packetType.proposal || type === packetType.commit) && zxid % 3 === 0
					? 0
					: 1;
			case 'unaskedRevalidation':
			case 'backInTime':
				return this.#isAnsweredHere(packet) ? 0 : 1;
			case 'lateWrite':
				if (this.#isAnsweredHere(packet)) return 0;
				if (type !== packetType.request || isSync(packet)) return 1;
				this.#world.after(lateMs, () => this.#push({ packet }));
				return 0;
			case 'requestTwice':
				return type === packetType.request ? 2 : 1;
			default:
				return 1;
		}
	}

	/** A learner's question whether a session may come to it, of which its leader hears nothing. */
	#isAnsweredHere(packet: QuorumPacket): boolean {
		// The leader's answer is shorter.
		if (packet.type !== packetType.revalidate || packet.data?.length !== 12) return false;
		const { sessionId } = readRevalidation(packet.data);
		const answer = { ...packet, data: writeRevalidated(sessionId, true) };
		this.#world.after(1, () => this.receive([{ packet: answer }]));
		return true;
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
			this.#world.after(this.#network.delay(), () => this.#gate.enter(() => this.#draw(chunks, done)));
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

	/** The process is gone; without a word to the other end when its machine is, too. */
	die(isSilent: boolean): void {
		this.#isDead = true;
		this.isLost ||= isSilent;
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
		if (this.isLost || !this.#network.passes(this.own, this.#peer)) {
			this.#stuckSinceMs ??= this.#world.nowMs;
			if (this.#world.nowMs - this.#stuckSinceMs > brokenAfterMs) {
				this.#onTheWay = [];
				this.#gate.enter(() => this.#end(new Error('nothing passes')));
				return;
			}
			this.#isMoving = true;
			this.#world.after(retryMs, () => this.#deliver());
			return;
		}
		this.#stuckSinceMs = null;
		// One read may bring a part of what was sent.
		const count = 1 + this.#world.random.below(this.#onTheWay.length);
		this.other.receive(this.#onTheWay.splice(0, count));
		this.#move();
	}

	receive(items: readonly Item[]): void {
		this.#gate.enter(() => {
			for (const item of items) this.#receive(item);
			if (!this.#isClosed) this.listener?.receivedAll?.();
		});
	}

	#receive(item: Item): void {
		if (this.#isClosed) return;
		if ('end' in item) this.#end(item.end);
		else if ('packet' in item) this.listener?.received(item.packet);
		else if (this.#take === null) this.#end(new Error('bytes that are no packet'));
		else if (this.#take(item.bytes) !== null) this.#take = null;
	}

	#end(reason: Error): void {
		if (this.#isClosed) return;
		this.#isClosed = true;
		this.#network.closed(this);
		this.#push({ end: new Error('closed by the other side') });
		if (!this.#isDead) this.listener?.closed(reason);
	}
}

function isLearnerInfo(type: number): boolean {
	return type === packetType.followerInfo || type === packetType.observerInfo;
}

/** LEADERINFO, FOLLOWERINFO or OBSERVERINFO as ZooKeeper's servers send it. */
function withoutMark(packet: QuorumPacket): QuorumPacket {
	return { ...packet, data: packet.data!.slice(0, packet.type === packetType.leaderInfo ? 4 : 20) };
}

/** Longer than it takes a client to go elsewhere, and to ask there. */
const lateMs = 2500;

/** Of what a learner forwards: its type stands behind session and cxid. */
function isSync({ data }: QuorumPacket): boolean {
	return data !== null && new DataView(data.buffer, data.byteOffset).getInt32(12) === opCode.sync;
}
