import type { Caller, Op, Reply, Request } from '#core/model/op';
import { noSession, type SessionId } from '#core/model/zxid';
import type { Operation } from '#proto/chronokeeper/v1/session';
import type { TracedRequest } from '#telemetry/tracing';
import type { Outcome } from './stream-operations.ts';

/** Who asks, and hears the answer: a stream. */
export interface StreamAsker {
	/** In front of the number that the client gave the operation: with it a request id that no other request has. */
	readonly requestPrefix: string;
	answer(request: StreamRequest, reply: Reply): void;
}

/** An operation of a stream, from its frame to its reply. */
export class StreamRequest implements Request {
	readonly sessionId: SessionId;
	readonly cxid: number;
	readonly op: Op;
	readonly caller: Caller;
	readonly traceparent?: string;
	/** Null: the one that opens the session. */
	readonly operation: Operation | null;
	/** What it is answered in its turn, whatever the chain says; undefined: what the chain says. */
	readonly outcome: Outcome | undefined;
	/** When its frame came: performance.now(). */
	readonly receivedMs: number;
	readonly traced: TracedRequest | undefined;
	readonly #stream: StreamAsker;

	constructor(
		stream: StreamAsker,
		sessionId: SessionId,
		cxid: number,
		op: Op,
		caller: Caller,
		operation: Operation | null,
		outcome: Outcome | undefined,
		receivedMs: number,
		traced: TracedRequest | undefined,
	) {
		this.#stream = stream;
		this.sessionId = sessionId;
		this.cxid = cxid;
		this.op = op;
		this.caller = caller;
		this.operation = operation;
		this.outcome = outcome;
		this.receivedMs = receivedMs;
		this.traced = traced;
		if (traced !== undefined) this.traceparent = traced.traceparent;
	}

	/** Made where it is asked for: with a transaction. */
	get requestId(): string {
		return `${this.#stream.requestPrefix}-${this.operation?.id ?? 'open'}`;
	}

	reply(reply: Reply): void {
		this.#stream.answer(this, reply);
	}
}

/** The one that opens the session of a stream. */
export function openingRequest(
	stream: StreamAsker,
	caller: Caller,
	timeoutMs: number,
	receivedMs: number,
	traced: TracedRequest | undefined,
): StreamRequest {
	const op: Op = { kind: 'createSession', timeoutMs };
	return new StreamRequest(stream, noSession, 0, op, caller, null, undefined, receivedMs, traced);
}
