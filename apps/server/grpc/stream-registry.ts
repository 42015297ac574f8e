/**
 * The streams that clients hold open at the gRPC door: session streams, watch streams and tails of the history. Whoever opens one adds it and removes it when it has ended; AdminService lists them, and
 * closes some when load is to be shed.
 */
import type { SessionId } from '#core/model/zxid';
import type { Id } from '#jute/records';
import { refusal } from './refusals.ts';

/** What others may know of a stream, and do with it. Everything is read when somebody asks, so getters cost nothing. */
export interface OpenStream {
	readonly kind: 'grpc-session' | 'grpc-watch' | 'grpc-tail';
	/** The client's, with its port: `203.0.113.7:51234`. */
	readonly address: string;
	/** `noSession` for a stream without one. */
	readonly sessionId: SessionId;
	/** The session's; 0 without one. */
	readonly sessionTimeoutMs: number;
	/** As they are now. */
	readonly identities: readonly Id[];
	/** Operations taken and not yet answered. */
	readonly outstanding: number;
	/** Operations so far. */
	readonly received: number;
	/** Answers and events so far. */
	readonly sent: number;
	/** Watches that it has set. */
	readonly watches: number;
	/** Tells the client to go elsewhere, sends what is answered already and ends the stream. Its session lives on. A second call does nothing. */
	close(reason: string): void;
}

export class StreamRegistry {
	/** With the time each was added: performance.now(). */
	readonly #openedMs = new Map<OpenStream, number>();

	get size(): number {
		return this.#openedMs.size;
	}

	/** @throws RpcException when there are so many already */
	admit(maxStreams: number): void {
		if (this.size < maxStreams) return;
		throw refusal('TOO_MANY_STREAMS', `there are ${maxStreams} streams here already (grpc.maxStreams)`);
	}

	/** Twice is once. */
	add(stream: OpenStream): void {
		if (!this.#openedMs.has(stream)) this.#openedMs.set(stream, performance.now());
	}

	/** Of one that is not there, or not any more: nothing happens. */
	remove(stream: OpenStream): void {
		this.#openedMs.delete(stream);
	}

	/** In the order they were opened. One that is closed meanwhile may be passed over. */
	[Symbol.iterator](): IterableIterator<OpenStream> {
		return this.#openedMs.keys();
	}

	count(kind: OpenStream['kind']): number {
		let count = 0;
		for (const stream of this.#openedMs.keys()) if (stream.kind === kind) count += 1;
		return count;
	}

	/** When it was opened: performance.now(); now for one that is not there. */
	openedMs(stream: OpenStream): number {
		return this.#openedMs.get(stream) ?? performance.now();
	}
}
