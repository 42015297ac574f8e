/**
 * The way from a gRPC call into the chain and back: who calls, whether it is traced, the host's answer as a promise, a failure as a status. While too many requests
 * are under way, further ones wait here, in order.
 */
import { randomUUID } from 'node:crypto';
import type { Host } from '#core/host/host';
import type { Op, Reply, Result } from '#core/model/op';
import { noSession, type Zxid, zeroZxid } from '#core/model/zxid';
import { errorName, errors } from '#jute/errors';
import type { Metrics } from '#telemetry/metrics';
import type { TracedRequest, Tracing } from '#telemetry/tracing';
import { traceCall } from './call-trace.ts';
import { DoorQueue } from './door-queue.ts';
import type { GrpcCall } from './grpc-call.ts';
import { ZooKeeperError, type ZooKeeperFailure } from './grpc-error.ts';
import type { ReadBarrier } from './read-barrier.ts';
import { reasonOf, refusal, serverStops } from './refusals.ts';
import type { CallContext, GrpcSessions } from './sessions/grpc-sessions.ts';
import { wrongField, wrongFieldOfMulti } from './wrong-field.ts';

/** Some results stand for several kinds of operations. */
export type ResultOf<K> = Result extends infer R
	? R extends { readonly kind: infer Kinds }
		? K extends Kinds
			? R
			: never
		: never
	: never;
export interface Answer<K extends Result['kind']> {
	readonly result: ResultOf<K>;
	readonly zxid: Zxid;
}

/** `linearizable`: what is read is at least as new as anything that was acknowledged before the call came in. */
export type Consistency = 'local' | 'linearizable';

/** Operations whose result has their own kind: all that come through here. */
export type Submittable = Extract<Op, { readonly kind: Result['kind'] }>;

const noBarrier: Reply = { error: 0, zxid: zeroZxid };

export class Submission {
	readonly #queue: DoorQueue;
	/** One of its own for each start: with the running number behind it, a request id that no other request has. */
	readonly #idPrefix = randomUUID().slice(0, 8);
	#requests = 0;
	#isStopping = false;

	constructor(
		private readonly host: Host,
		private readonly sessions: GrpcSessions,
		private readonly tracing: Tracing,
		private readonly metrics: Metrics,
		private readonly barrier: ReadBarrier,
		maxWaiting: number,
	) {
		this.#queue = new DoorQueue({ behind: host, maxWaiting });
	}

	/** Calls that wait until there is room. */
	get waiting(): number {
		return this.#queue.size;
	}

	/**
	 * In the session that the call names, if it does.
	 * @throws ZooKeeperError when the chain answers an error
	 */
	async submit<O extends Submittable>(
		op: O,
		call: GrpcCall,
		consistency: Consistency = 'local',
	): Promise<Answer<O['kind']>> {
		const known = this.contextOf(call);
		return this.submitAs(known instanceof Promise ? await known : known, op, call, consistency);
	}

	/** @throws RpcException when the server is stopping, and for credentials or a session that are no good */
	contextOf(call: GrpcCall): CallContext | Promise<CallContext> {
		this.admit();
		return this.sessions.contextOf(call);
	}

	/** @throws RpcException when the server is stopping */
	admit(): void {
		if (this.#isStopping) throw refusal('GO_ELSEWHERE', serverStops);
	}

	/** For a caller and a session that are known. */
	async submitAs<O extends Submittable>(
		context: CallContext,
		op: O,
		call: GrpcCall,
		consistency: Consistency = 'local',
	): Promise<Answer<O['kind']>> {
		const startMs = performance.now();
		const traced = traceCall(this.tracing, call, op.kind);
		let reply: Reply;
		try {
			reply = consistency === 'local' ? noBarrier : await this.barrier.pass(call);
			if (consistency !== 'local') this.#traceWait(traced, 'barrier', op, startMs);
			if (reply.error === 0) reply = await this.#ask(op, context, call, traced);
		} catch (error) {
			const { code } = error instanceof ZooKeeperError ? error.failure : errors.requestTimeout;
			this.metrics.request(op.kind, performance.now() - startMs, errorName(code));
			traced?.end(code);
			throw error;
		}
		if (reply.error === errors.sessionMoved.code) this.sessions.moved(context.sessionId, 'the session has moved');
		const failure = failureOf(op, reply, this.host);
		const code = failure?.code ?? 0;
		this.metrics.request(op.kind, performance.now() - startMs, code === 0 ? '' : errorName(code));
		traced?.end(code, reply.zxid);
		this.letIn();
		if (failure !== undefined) throw new ZooKeeperError(failure);
		return { result: reply.result as ResultOf<O['kind']>, zxid: reply.zxid };
	}

	/** @throws RpcException when the caller goes before there is room, or too many wait for it */
	#ask(op: Op, { sessionId, caller }: CallContext, call: GrpcCall, traced: TracedRequest | undefined): Promise<Reply> {
		const requestId = `${this.#idPrefix}-${++this.#requests}`;
		traced?.describe({ sessionId, pathLength: 'path' in op ? op.path.length : undefined, requestId });
		const isAbandoned = () => call.cancelled;
		const askedMs = this.host.isThrottled ? performance.now() : 0;
		return new Promise((reply, refuse) => {
			const goIn = (): void => {
				if (askedMs !== 0) this.#traceWait(traced, 'door', op, askedMs);
				const cxid = sessionId === noSession ? 0 : this.sessions.nextCxid();
				const traceparent = traced?.traceparent;
				this.host.submit({ sessionId, cxid, op, caller, requestId, traceparent, reply, isAbandoned });
			};
			this.#queue.enter(call, goIn, refuse);
		});
	}

	#traceWait(traced: TracedRequest | undefined, what: 'barrier' | 'door', op: Op, sinceMs: number): void {
		if (traced === undefined) return;
		const attributes = { zxid: 0, op: op.kind, error: 0 };
		this.tracing.stage(traced.traceparent, what, sinceMs, performance.now(), attributes);
	}

	/** Calls that come from now on are refused; those under way are answered. */
	stop(): void {
		this.#isStopping = true;
	}

	/** The host may have room again. */
	letIn(): void {
		this.#queue.letIn();
	}
}

/** A failed multi is answered with error 0 and the codes of its operations (semantics 42): here it is a failure. */
export function failureOf(op: Op, reply: Reply, host: Host): ZooKeeperFailure | undefined {
	const { result, zxid } = reply;
	if (reply.error !== 0) {
		const path = 'path' in op ? op.path : '';
		const isRefused = reply.error === errors.systemError.code || reply.error === errors.connectionLoss.code;
		if (reply.error === errors.notReadOnly.code && host.refusals.areWritesRefused)
			return { code: reply.error, path, zxid, message: mirrorOverdue, ...reasonOf('MIRROR_OVERDUE') };
		const message = isRefused && (host.state !== 'serving' || host.stateReason !== '') ? { message: whyNot(host) } : {};
		return { code: reply.error, path, zxid, ...wrongField(op, reply.error), ...message };
	}
	if (op.kind !== 'multi' || result?.kind !== 'multi') return undefined;
	const opCodes = result.results.map((one) => (one.kind === 'error' ? one.code : 0));
	const failed = opCodes.findIndex((code) => code !== 0 && code !== errors.runtimeInconsistency.code);
	if (failed === -1) return undefined;
	const code = opCodes[failed]!;
	return {
		code,
		path: op.ops[failed]?.path ?? '',
		zxid,
		op: failed,
		opCodes,
		...wrongFieldOfMulti(op, failed, code),
	};
}

const mirrorOverdue = 'new writes are refused: PostgreSQL has not taken those before them (audit.mode=strict)';

/** Why it does not serve. */
function whyNot({ state, stateReason }: Host): string {
	if (state !== 'looking' && state !== 'readOnly') return stateReason;
	const lost = stateReason === '' ? '' : ` (${stateReason})`;
	return `this replica has no leader at the moment, another one may have${lost}`;
}
