/** Links between leader and learners in memory: in order, late, and broken at any moment. */
import type { QuorumLink, QuorumLinkListener } from '#core/ports/quorum-link';
import type { QuorumPacket } from '#jute/quorum/packets';

type Item = { readonly packet: QuorumPacket } | { readonly bytes: Uint8Array };

/** Sees a packet when it is sent; one it says false to is lost. */
export type Tap = (packet: QuorumPacket) => boolean | void;

class LinkEnd implements QuorumLink {
	readonly address: string;
	other!: LinkEnd;
	listener: QuorumLinkListener | null = null;
	/** What the other side sent and this one has not received. */
	readonly incoming: Item[] = [];
	isClosed = false;
	#take: ((chunk: Uint8Array) => Uint8Array | null) | null = null;
	readonly #tap: Tap;

	constructor(address: string, tap: Tap) {
		this.address = address;
		this.#tap = tap;
	}

	get unsentBytes(): number {
		return 0;
	}

	send(packet: QuorumPacket): void {
		if (this.isClosed) return;
		if (this.#tap(packet) === false) return;
		this.other.incoming.push({ packet });
	}

	sendStream(chunks: Iterator<Uint8Array>, done: (error?: Error) => void): void {
		for (let chunk = chunks.next(); chunk.done !== true; chunk = chunks.next()) {
			// In two pieces, so that no border of a chunk is one of what is in it.
			const half = chunk.value.length >> 1;
			this.other.incoming.push({ bytes: chunk.value.slice(0, half) }, { bytes: chunk.value.slice(half) });
		}
		queueMicrotask(() => (this.isClosed ? done(new Error('the link is closed')) : done()));
	}

	receiveStream(take: (chunk: Uint8Array) => Uint8Array | null): void {
		this.#take = take;
	}

	close(): void {
		this.breakOff(new Error('closed by this side'));
	}

	breakOff(reason: Error): void {
		if (this.isClosed) return;
		this.isClosed = true;
		this.incoming.length = 0;
		this.listener?.closed(reason);
	}

	/** One read of up to `count` items. */
	deliver(count: number): void {
		for (let i = 0; i < count && !this.isClosed; i++) {
			const item = this.incoming.shift();
			if (item === undefined) break;
			if ('packet' in item) {
				if (this.#take !== null) throw new Error('a packet came where a snapshot goes on');
				this.listener?.received(item.packet);
			} else {
				if (this.#take === null) throw new Error('bytes of a snapshot came where a packet should');
				const behind = this.#take(item.bytes);
				if (behind !== null) {
					if (behind.length > 0) throw new Error('a snapshot ends in the middle of a chunk');
					this.#take = null;
				}
			}
		}
		if (!this.isClosed) this.listener?.receivedAll?.();
	}
}

/** One connection. */
export class SimLink {
	readonly learnerEnd: LinkEnd;
	readonly leaderEnd: LinkEnd;

	constructor(learner: number, leader: number, taps: { readonly fromLearner?: Tap; readonly fromLeader?: Tap } = {}) {
		this.learnerEnd = new LinkEnd(`leader-${leader}`, taps.fromLearner ?? (() => {}));
		this.leaderEnd = new LinkEnd(`learner-${learner}`, taps.fromLeader ?? (() => {}));
		this.learnerEnd.other = this.leaderEnd;
		this.leaderEnd.other = this.learnerEnd;
	}

	connect(leader: (link: QuorumLink) => QuorumLinkListener, learner: (link: QuorumLink) => QuorumLinkListener): void {
		this.leaderEnd.listener = leader(this.leaderEnd);
		this.learnerEnd.listener = learner(this.learnerEnd);
	}

	/** Both ends learn of it. */
	cut(): void {
		const reason = new Error('connection reset');
		this.learnerEnd.breakOff(reason);
		this.leaderEnd.breakOff(reason);
	}

	get isOpen(): boolean {
		return !this.learnerEnd.isClosed && !this.leaderEnd.isClosed;
	}

	/** One end closed: the other one notices. */
	settle(): void {
		if (this.learnerEnd.isClosed !== this.leaderEnd.isClosed) this.cut();
	}
}
