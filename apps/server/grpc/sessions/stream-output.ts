/**
 * What a session's stream has to say: written into one buffer until the end of the batch, then sent as one message. One message is with HTTP/2 at a time; what is written meanwhile
 * makes the next one, so that a client that reads slowly gets fewer and larger ones, and what it never reads can be dropped.
 */
import type { ServerDuplexStream } from '@grpc/grpc-js';
import { ProtoWriter } from './proto-writer.ts';

/** Requests come as their bytes, responses leave as what was written. */
export type OperateCall = ServerDuplexStream<Buffer, ProtoWriter>;

/** A message that has more is not added to: clients refuse those of 4 MiB, if one item alone is not as large. */
const messageBytes = 1 << 18;
const initialBytes = 1024;
/** A buffer that had to grow beyond this is not kept. */
const largestKeptBytes = 1 << 18;
const mostKept = 256;

/** Idle streams have no buffer. */
export class OutputPool {
	readonly #free: ProtoWriter[] = [];

	take(): ProtoWriter {
		return this.#free.pop() ?? new ProtoWriter(initialBytes);
	}

	/** Only when nobody reads the bytes any more. */
	giveBack(buffer: ProtoWriter): void {
		if (buffer.capacity > largestKeptBytes || this.#free.length >= mostKept) return;
		buffer.reset();
		this.#free.push(buffer);
	}
}

/** Whose output it is. */
export interface StreamSpeaker {
	/** A message left: there is less unsent than before. */
	messageSent(): void;
	/** Everything is sent. */
	allSent(): void;
}

export class StreamOutput {
	readonly #call: OperateCall;
	readonly #pool: OutputPool;
	readonly #speaker: StreamSpeaker;
	/** Being written. */
	#buffer: ProtoWriter | null = null;
	/** Complete, behind the one under way. */
	#queue: ProtoWriter[] = [];
	#queuedBytes = 0;
	#underWay: ProtoWriter | null = null;

	constructor(call: OperateCall, pool: OutputPool, speaker: StreamSpeaker) {
		this.#call = call;
		this.#pool = pool;
		this.#speaker = speaker;
	}

	/** Where the next item is written. It leaves with flush(). */
	get writer(): ProtoWriter {
		const buffer = this.#buffer;
		if (buffer !== null && buffer.position < messageBytes) return buffer;
		if (buffer !== null) {
			this.#queue.push(buffer);
			this.#queuedBytes += buffer.position;
		}
		this.#buffer = this.#pool.take();
		return this.#buffer;
	}

	get unsentBytes(): number {
		return (this.#underWay?.position ?? 0) + this.#queuedBytes + (this.#buffer?.position ?? 0);
	}

	/** Everything that was written leaves as soon as the client takes it. */
	flush(): void {
		if (this.#underWay !== null) return;
		const message = this.#next();
		if (message === null) return;
		this.#underWay = message;
		this.#call.write(message, this.#written);
	}

	/** What has not begun to leave never will. */
	drop(): void {
		this.#queue = [];
		this.#queuedBytes = 0;
		this.#buffer = null;
	}

	#next(): ProtoWriter | null {
		const queued = this.#queue.shift();
		if (queued !== undefined) {
			this.#queuedBytes -= queued.position;
			return queued;
		}
		const buffer = this.#buffer;
		this.#buffer = null;
		return buffer;
	}

	readonly #written = (): void => {
		const sent = this.#underWay;
		if (sent === null) return;
		this.#underWay = null;
		this.#pool.giveBack(sent);
		this.flush();
		this.#speaker.messageSent();
		if (this.#underWay === null) this.#speaker.allSent();
	};
}
