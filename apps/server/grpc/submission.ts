/**
 * The way from a gRPC call into the chain and back: who calls, whether it is traced, the host's answer as a promise, a failure as a status. While too many requests
 * are under way, further ones wait here, in order.
 */
import { randomUUID } from 'node:crypto';
import { Metadata, status } from '@grpc/grpc-js';
import type { Host } from '#core/host/host';
import type { Op, Reply, Result } from '#core/model/op';
import { noSession, type Zxid, zeroZxid } from '#core/model/zxid';
import { errorName, errors } from '#jute/errors';
import type { Metrics } from '#telemetry/metrics';
import type { Tracing } from '#telemetry/tracing';
import type { GrpcCall } from './grpc-call.ts';
import { grpcError, ZooKeeperError, type ZooKeeperFailure } from './grpc-error.ts';
import type { ReadBarrier } from './read-barrier.ts';
import type { CallContext, GrpcSessions } from './sessions/grpc-sessions.ts';

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
	readonly #waiting: (() => void)[] = [];
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
	) {}

	/**
	 * In the session that the call names, if it does.
	 * @throws ZooKeeperError when the chain answers an error
	 */
	async submit<O extends Submittable>(
		op: O,
		call: GrpcCall,
		consistency: Consistency = 'local',
	): Promise<Answer<O['kind']>> {
		const startMs = performance.now();
		if (this.#isStopping) throw grpcError(status.UNAVAILABLE, 'the server is stopping');
		const known = this.sessions.contextOf(call);
		const context = known instanceof Promise ? await known : known;
		const [incoming] = call.metadata.get('traceparent');
		const traced = this.tracing.request('grpc', op.kind, incoming === undefined ? undefined : String(incoming));
		if (traced !== undefined) sendTraceparent(call, traced.traceparent);
		if (this.host.isThrottled) await new Promise<void>((resolve) => this.#waiting.push(resolve));
		const traceparent = traced?.traceparent;
		let reply: Reply;
		try {
			reply = consistency === 'local' ? noBarrier : await this.barrier.pass(call);
			if (reply.error === 0) reply = await this.#ask(op, context, traceparent);
		} catch (error) {
			traced?.end(errors.connectionLoss.code);
			throw error;
		}
		if (reply.error === errors.sessionMoved.code) this.sessions.moved(context.sessionId, 'the session has moved');
		const failure = failureOf(op, reply, this.host);
		const code = failure?.code ?? 0;
		this.metrics.request(op.kind, performance.now() - startMs, code === 0 ? '' : errorName(code));
		traced?.end(code);
		this.letIn();
		if (failure !== undefined) throw new ZooKeeperError(failure);
		return { result: reply.result as ResultOf<O['kind']>, zxid: reply.zxid };
	}

	#ask(op: Op, { sessionId, caller }: CallContext, traceparent: string | undefined): Promise<Reply> {
		const requestId = `${this.#idPrefix}-${++this.#requests}`;
		return new Promise((reply) => {
			const cxid = sessionId === noSession ? 0 : this.sessions.nextCxid();
			const request = { sessionId, cxid, op, caller, requestId, reply };
			this.host.submit(traceparent === undefined ? request : { ...request, traceparent });
		});
	}

	/** Calls that come from now on are refused; those under way are answered. */
	stop(): void {
		this.#isStopping = true;
	}

	/** The host may have room again. */
	letIn(): void {
		while (this.#waiting.length > 0 && !this.host.isThrottled) this.#waiting.shift()!();
	}
}

/** So that the caller can find the trace, be it the server that decided to make one. */
function sendTraceparent(call: GrpcCall, traceparent: string): void {
	const metadata = new Metadata();
	metadata.set('traceparent', traceparent);
	call.sendMetadata(metadata);
}

/** A failed multi is answered with error 0 and the codes of its operations (semantics 42): here it is a failure. */
export function failureOf(op: Op, reply: Reply, host: Host): ZooKeeperFailure | undefined {
	const { result, zxid } = reply;
	if (reply.error !== 0) {
		const path = 'path' in op ? op.path : '';
		const isRefused = reply.error === errors.systemError.code || reply.error === errors.connectionLoss.code;
		const message = isRefused && (host.state !== 'serving' || host.stateReason !== '') ? { message: whyNot(host) } : {};
		return { code: reply.error, path, zxid, ...message };
	}
	if (op.kind !== 'multi' || result?.kind !== 'multi') return undefined;
	const opCodes = result.results.map((one) => (one.kind === 'error' ? one.code : 0));
	const failed = opCodes.findIndex((code) => code !== 0 && code !== errors.runtimeInconsistency.code);
	if (failed === -1) return undefined;
	return { code: opCodes[failed]!, path: op.ops[failed]?.path ?? '', zxid, op: failed, opCodes };
}

/** Why it does not serve. */
function whyNot({ state, stateReason }: Host): string {
	if (state !== 'looking' && state !== 'readOnly') return stateReason;
	const lost = stateReason === '' ? '' : ` (${stateReason})`;
	return `this replica has no leader at the moment, another one may have${lost}`;
}
