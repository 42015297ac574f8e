/**
 * One stream of WatchService: a watcher, what it heard and has not sent yet, and how much of that may be. The client of a stream that has to keep too much is told so and cut: what
 * it missed it can ask for with after_zxid.
 */
import type { ServerWritableStream } from '@grpc/grpc-js';
import type { RpcException } from '@nestjs/microservices';
import type { Subscriber } from 'rxjs';
import type { Host } from '#core/host/host';
import type { Caller, WatchEvent, Watcher } from '#core/model/op';
import { noSession, type Zxid } from '#core/model/zxid';
import type { Id } from '#jute/records';
import type { WatchRequest } from '#proto/chronokeeper/v1/watch';
import { refusal } from '../refusals.ts';
import { resetWhenStuck } from '../reset-when-stuck.ts';
import type { OpenStream } from '../stream-registry.ts';
import type { EventFrame } from './heard-event.ts';
import type { Sender, SendRoom } from './send-room.ts';
import { openedMessage, type WatchMessages } from './watch-message.ts';

export type WatchCall = ServerWritableStream<WatchRequest, Buffer>;

/** What all streams share. */
export interface WatchContext {
	readonly host: Host;
	readonly messages: WatchMessages;
	readonly room: SendRoom;
	/** `grpc.maxUnsentBytes`. */
	readonly maxUnsentBytes: number;
	/** `grpc.maxUnsentEvents`. */
	readonly maxUnsentEvents: number;
	/** Something happened that the stream may hear of. */
	heard(stream: WatchStream, event: WatchEvent): void;
	/** It is over. */
	ended(stream: WatchStream): void;
}

/** Bytes that are with grpc-js at a time: as many as a client of ordinary settings lets us send unasked. */
const maxInFlightBytes = 1 << 17;

export class WatchStream implements Watcher, OpenStream, Sender {
	readonly kind = 'grpc-watch';
	readonly sessionId = noSession;
	readonly sessionTimeoutMs = 0;
	readonly outstanding = 0;
	readonly received = 1;
	readonly address: string;
	readonly identities: readonly Id[];
	readonly withData: boolean;
	/** Events. */
	sent = 0;
	readonly #context: WatchContext;
	readonly #call: WatchCall;
	readonly #subscriber: Subscriber<never>;
	/** Whether it is over when all its watches have fired. */
	readonly #isOneShot: boolean;
	#unsent: EventFrame[] = [];
	/** Those in front of it are sent. */
	#head = 0;
	#unsentBytes = 0;
	#inFlightBytes = 0;
	#tookMs = 0;
	/** The state when the watches were set; undefined until then. */
	#openedZxid: Zxid | undefined;
	#isOver = false;

	constructor(
		context: WatchContext,
		call: WatchCall,
		subscriber: Subscriber<never>,
		caller: Caller,
		isOneShot: boolean,
	) {
		this.#context = context;
		this.#call = call;
		this.#subscriber = subscriber;
		this.#isOneShot = isOneShot;
		this.address = caller.address;
		this.identities = caller.identities;
		this.withData = call.request.withData;
	}

	/** Bytes on their way to the client. */
	get inFlightBytes(): number {
		return this.#inFlightBytes;
	}

	get tookMs(): number {
		return this.#tookMs;
	}

	get watches(): number {
		return this.#context.host.watches.pathsOf(this);
	}

	process(event: WatchEvent): void {
		this.#context.heard(this, event);
	}

	/** The watches are set. Events that they made while they were set go behind the message that says so. */
	opened(zxid: Zxid): void {
		if (this.#isOver) return;
		this.#openedZxid = zxid;
		this.#write(openedMessage(zxid));
		this.flush();
	}

	/** Keeps an event until flush(). */
	add(frame: EventFrame): void {
		if (this.#isOver) return;
		this.#unsent.push(frame);
		this.#unsentBytes += frame.bytes.length;
		const { maxUnsentBytes, maxUnsentEvents } = this.#context;
		if (this.#unsentBytes > maxUnsentBytes)
			this.fail(tooSlow(`${maxUnsentBytes} bytes of events`, 'grpc.maxUnsentBytes'));
		else if (this.#unsent.length - this.#head > maxUnsentEvents)
			this.fail(tooSlow(`${maxUnsentEvents} events`, 'grpc.maxUnsentEvents'));
	}

	/** Sends what the client takes. */
	flush(): void {
		if (this.#isOver || this.#openedZxid === undefined) return;
		while (this.#head < this.#unsent.length && this.#inFlightBytes < maxInFlightBytes) {
			if (this.#context.room.isFull) {
				this.#context.room.wait(this);
				break;
			}
			const { bytes, count } = this.#context.messages.of(this.#unsent, this.#head, this.#openedZxid);
			for (const end = this.#head + count; this.#head < end; this.#head++) {
				this.#unsentBytes -= this.#unsent[this.#head]!.bytes.length;
			}
			this.sent += count;
			this.#write(bytes);
		}
		this.#compact();
		if (this.#isOneShot && this.#unsent.length === 0 && this.watches === 0)
			this.#end(() => this.#subscriber.complete());
	}

	/** Sends what the client takes at once, and ends. */
	close(reason: string): void {
		this.flush();
		this.fail(refusal('GO_ELSEWHERE', reason));
	}

	fail(error: unknown): void {
		this.#end(() => this.#subscriber.error(error));
	}

	cut(): void {
		this.fail(keptOthersWaiting(this.#inFlightBytes));
		resetWhenStuck(this.#call, 0);
	}

	/** The client has gone, or the call is over. */
	gone(): void {
		this.#end(() => undefined);
	}

	#compact(): void {
		if (this.#head === this.#unsent.length) this.#unsent = [];
		else if (this.#head * 2 >= this.#unsent.length) this.#unsent = this.#unsent.slice(this.#head);
		else return;
		this.#head = 0;
	}

	#write(bytes: Buffer): void {
		const { room } = this.#context;
		const { length } = bytes;
		if (this.#inFlightBytes === 0) this.#tookMs = performance.now();
		this.#inFlightBytes += length;
		room.take(length);
		this.#call.write(bytes, () => {
			if (this.#isOver) return;
			this.#tookMs = performance.now();
			this.#inFlightBytes -= length;
			room.give(length);
			this.flush();
		});
	}

	#end(tell: () => void): void {
		if (this.#isOver) return;
		this.#isOver = true;
		this.#unsent = [];
		this.#head = 0;
		this.#unsentBytes = 0;
		const { room } = this.#context;
		room.leave(this);
		this.#context.ended(this);
		// What does not arrive soon is dropped.
		room.give(this.#inFlightBytes);
		resetWhenStuck(this.#call);
		tell();
	}
}

function tooSlow(amount: string, key: string): RpcException {
	return slowWatcher(`more than ${amount} waited for it (${key})`, key);
}

function keptOthersWaiting(bytes: number): RpcException {
	return slowWatcher(`others waited while ${bytes} bytes were on their way to it`, 'room');
}

function slowWatcher(why: string, limit: string): RpcException {
	return refusal('SLOW_WATCHER', `the client reads too slowly: ${why}. Call again with after_zxid`, { limit });
}
