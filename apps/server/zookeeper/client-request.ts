import type { Caller, Op, Reply, Request } from '#core/model/op';
import type { SessionId } from '#core/model/zxid';
import type { TracedRequest } from '#telemetry/tracing';
import type { ClientConnection } from './client-connection.ts';

/** A request of a connection, from its frame to its answer. */
export class ClientRequest implements Request {
	readonly sessionId: SessionId;
	readonly cxid: number;
	readonly op: Op;
	readonly caller: Caller;
	readonly traceparent?: string;
	/** The op code. */
	readonly type: number;
	/** When its bytes came in: performance.now(). */
	readonly receivedMs: number;
	readonly #connection: ClientConnection;
	readonly #traced: TracedRequest | undefined;

	constructor(
		connection: ClientConnection,
		cxid: number,
		type: number,
		op: Op,
		receivedMs: number,
		traced: TracedRequest | undefined,
	) {
		this.#connection = connection;
		this.sessionId = connection.sessionId;
		this.cxid = cxid;
		this.op = op;
		this.caller = connection.caller;
		this.type = type;
		this.receivedMs = receivedMs;
		this.#traced = traced;
		if (traced !== undefined) this.traceparent = traced.traceparent;
	}

	reply(reply: Reply): void {
		this.#traced?.end(reply.error);
		this.#connection.answer(this, reply);
	}
}
