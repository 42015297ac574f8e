import type { Caller, Op, Reply, Request } from '#core/model/op';
import type { SessionId } from '#core/model/zxid';
import { errors } from '#jute/errors';
import type { TracedRequest } from '#telemetry/tracing';

/** Who asks, and hears the answer: a connection. */
export interface Asker {
	readonly sessionId: SessionId;
	readonly caller: Caller;
	answer(request: ClientRequest, reply: Reply): void;
}

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
	readonly #connection: Asker;
	readonly #traced: TracedRequest | undefined;

	constructor(
		connection: Asker,
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
		if (traced === undefined) return;
		this.traceparent = traced.traceparent;
		traced.describe({ sessionId: this.sessionId, pathLength: 'path' in op ? op.path.length : undefined });
	}

	reply(reply: Reply): void {
		this.#traced?.end(reply.error, reply.zxid);
		this.#connection.answer(this, reply);
	}
}

/** A request that waited too long: nothing is done for it, and in its turn it is answered so (`throttled_op_wait_time`). */
export class RefusedRequest extends ClientRequest {
	override reply(reply: Reply): void {
		super.reply({ error: reply.error === 0 ? errors.throttledOp.code : reply.error, zxid: reply.zxid });
	}
}

/** A request whose bytes are counted while it is under way (`largeRequestThreshold`). */
export class LargeRequest extends ClientRequest {
	readonly #finished: () => void;

	constructor(finished: () => void, ...request: ConstructorParameters<typeof ClientRequest>) {
		super(...request);
		this.#finished = finished;
	}

	override reply(reply: Reply): void {
		this.#finished();
		super.reply(reply);
	}
}
