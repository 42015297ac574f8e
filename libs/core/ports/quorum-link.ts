/** One connection between a leader and a learner; both ends are alike. What is sent arrives whole and in order, or the link closes. */
import type { QuorumPacket } from '#jute/quorum/packets';

export interface QuorumLink {
	/** `203.0.113.7:40312`, for people. */
	readonly address: string;
	/** Takes the packet over. Packets of one turn of the event loop leave in one write. */
	send(packet: QuorumPacket): void;
	/**
	 * Bytes that are no packets (a snapshot's), behind what was sent and in front of what is sent later. Chunks are drawn as the other side takes them, so
	 * that few are in memory; a chunk may be used again when the next one is drawn. `done` comes exactly once, when the system has taken everything,
	 * or with an error when the link closed first; the iterator's return() was called then.
	 */
	sendStream(chunks: Iterator<Uint8Array>, done: (error?: Error) => void): void;
	/** From inside received(): the bytes behind that packet go to `take`, until it answers with those that are not its own. */
	receiveStream(take: (chunk: Uint8Array) => Uint8Array | null): void;
	/** Bytes accepted and not yet handed to the operating system. */
	readonly unsentBytes: number;
	/** What was sent before still leaves if the other side reads it soon. Nothing is received any more. Closing twice is no error. */
	close(): void;
}

export interface QuorumLinkListener {
	/** A JuteError that is thrown here, or by who takes a stream, closes the link: the bytes were malformed. */
	received(packet: QuorumPacket): void;
	/** Nothing more has come for now: what the packets led to may be sent on together. */
	receivedAll?(): void;
	/** Once, also after an own close(). */
	closed(reason: Error): void;
}

/** The quorum ports. */
export interface QuorumNetwork {
	/** Tries the server's addresses, each a few times within a deadline. `listener` is asked for as soon as the link stands. */
	connect(to: number, listener: (link: QuorumLink) => QuorumLinkListener): Promise<QuorumLink>;
	/** While it leads, a server accepts learners. The answer stops that. */
	accept(listener: (link: QuorumLink) => QuorumLinkListener): () => void;
}
