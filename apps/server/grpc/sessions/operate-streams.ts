/** All streams of Operate: opens them within their limits, sends what a batch of the chain has for them, and ends them when the server stops or has no leader any more. */
import { SessionServiceService } from '#proto/chronokeeper/v1/session';
import type { Logger } from '#telemetry/logger';
import { BackedUp } from '../../zookeeper/backed-up.ts';
import { endCall } from '../end-call.ts';
import { refusal, serverStops } from '../refusals.ts';
import { EventBytes } from './event-bytes.ts';
import type { OperateContext, OperateParts } from './operate-context.ts';
import { OperateStream } from './operate-stream.ts';
import type { ProtoWriter } from './proto-writer.ts';
import { endingOf } from './stream-operations.ts';
import { type OperateCall, OutputPool } from './stream-output.ts';

/** Its messages stay bytes: they are decoded one operation at a time, and written straight from what the chain answers. */
export const sessionService = {
	...SessionServiceService,
	operate: {
		...SessionServiceService.operate,
		requestDeserialize: (bytes: Buffer) => bytes,
		responseSerialize: (writer: ProtoWriter) => writer.view(),
	},
};

type OpenCall = OperateCall & { operate?: OperateStream };

export class OperateStreams {
	readonly #parts: OperateParts;
	readonly #context: OperateContext;
	readonly #maxStreams: number;
	readonly #streams = new Set<OperateStream>();
	/** With answers that are not sent yet. */
	#unsent: OperateStream[] = [];
	readonly #throttled = new Set<OperateStream>();
	#batchMs = 0;
	#isStopping = false;

	/** @param maxStreams `grpc.maxStreams` */
	constructor(parts: OperateParts, maxStreams: number) {
		this.#parts = parts;
		this.#maxStreams = maxStreams;
		const batchMs = () => this.#now();
		this.#context = {
			...parts,
			outputs: new OutputPool(),
			backedUp: new BackedUp(),
			events: new EventBytes(parts.host),
			get batchMs() {
				return batchMs();
			},
			willSend: (stream) => void this.#unsent.push(stream),
			throttle: (stream) => void this.#throttled.add(stream),
			forget: (stream) => this.#forget(stream),
		};
	}

	get size(): number {
		return this.#streams.size;
	}

	/** A caller begins a stream. */
	open(call: OperateCall): void {
		const { logger } = this.#parts;
		try {
			this.#admit();
			const caller = this.#parts.sessions.callerOf(call);
			if (!(caller instanceof Promise)) {
				this.#begin(call, caller);
				return;
			}
			caller.then(
				(known) => this.#begin(call, known),
				(error: unknown) => refuse(call, error, logger),
			);
		} catch (error) {
			refuse(call, error, logger);
		}
	}

	/** The end of a batch of answers: they leave, and who had to wait goes on. */
	answered(): void {
		this.#batchMs = 0;
		this.#context.events.forget();
		const unsent = this.#unsent;
		if (unsent.length > 0) {
			this.#unsent = [];
			for (const stream of unsent) stream.send();
			this.#context.backedUp.cutWhenTooMuch();
		}
		const { host } = this.#parts;
		if (this.#throttled.size === 0 || host.isThrottled) return;
		for (const stream of this.#throttled) {
			this.#throttled.delete(stream);
			stream.unthrottle();
			if (host.isThrottled) return;
		}
	}

	/** There is no leader any more: the callers find a replica that has one. */
	suspend(reason: string): void {
		for (const stream of this.#streams) stream.suspend(reason);
	}

	/** The callers are told to go elsewhere, what is under way is answered, and the streams end. */
	stop(): void {
		this.#isStopping = true;
		for (const stream of this.#streams) stream.close(serverStops);
	}

	#admit(): void {
		if (this.#isStopping) throw refusal('GO_ELSEWHERE', serverStops);
		this.#parts.registry.admit(this.#maxStreams);
	}

	#begin(call: OpenCall, caller: ConstructorParameters<typeof OperateStream>[2]): void {
		if (call.cancelled) return;
		const stream = new OperateStream(call, this.#context, caller);
		call.operate = stream;
		this.#streams.add(stream);
		this.#parts.registry.add(stream);
		readLess(call);
		call.on('cancelled', onCancelled);
		call.on('end', onEnd);
		call.on('data', onData);
	}

	#forget(stream: OperateStream): void {
		this.#streams.delete(stream);
		this.#throttled.delete(stream);
	}

	#now(): number {
		if (this.#batchMs === 0) this.#batchMs = performance.now();
		return this.#batchMs;
	}
}

function refuse(call: OperateCall, error: unknown, logger: Logger): void {
	endCall(call, endingOf(error, logger, call.getPeer()));
}

/** Node would keep sixteen messages ready, of any size, for a stream that is not read from; grpc-js leaves no way to say otherwise. */
function readLess(call: OperateCall): void {
	const { _readableState: state } = call as { readonly _readableState?: { highWaterMark?: number } };
	if (state?.highWaterMark !== undefined) state.highWaterMark = 1;
}

// One function each for all streams: ten thousand idle ones keep no closures.
function onData(this: OpenCall, bytes: Buffer): void {
	this.operate?.receive(bytes);
}

function onEnd(this: OpenCall): void {
	this.operate?.halfClosed();
}

function onCancelled(this: OpenCall): void {
	this.operate?.closed();
}
