/** Live restores over gRPC: what an operator asks for who has to undo a mistake. */
import type { ChannelCredentials, ChannelOptions } from '@grpc/grpc-js';
import {
	type PlanRestoreResponse,
	type Restore,
	RestoreServiceClient,
	type RestoreTarget,
	StartRestoreRequest,
	type WatchRestoreResponse,
} from '#proto/chronokeeper/v1/restore';
import type { Calls } from './channel.ts';

export type {
	PlanRestoreResponse_Summary as RestoreSummary,
	RestoreConflict,
	RestoreDifference,
	RestoreNode,
} from '#proto/chronokeeper/v1/restore';
export { RestoreAction, RestoreState } from '#proto/chronokeeper/v1/restore';
export type { PlanRestoreResponse, Restore, RestoreTarget };

export interface StartOptions {
	/** What others write meanwhile is overwritten. */
	readonly force?: boolean;
	/** Nothing is overwritten that was written behind it: the `baseZxid` of a plan. */
	readonly unchangedSinceZxid?: bigint | undefined;
}

export class Restores {
	readonly #calls: Calls;
	readonly #service: RestoreServiceClient;

	constructor(calls: Calls, address: string, credentials: ChannelCredentials, options: ChannelOptions | object) {
		this.#calls = calls;
		this.#service = new RestoreServiceClient(address, credentials, options);
	}

	/** What it would do; the summary comes last. Nothing is changed. */
	plan(target: RestoreTarget, force = false, signal?: AbortSignal): AsyncGenerator<PlanRestoreResponse> {
		return this.#calls.stream(this.#service.planRestore.bind(this.#service), { target, force }, signal);
	}

	/** @param reason stands in the history */
	async start(target: RestoreTarget, reason: string, options: StartOptions = {}): Promise<Restore> {
		const request = StartRestoreRequest.create({ target, reason, ...options });
		const { restore } = await this.#calls.unary(this.#service.startRestore.bind(this.#service), request);
		return restore!;
	}

	async get(id: number): Promise<Restore> {
		return (await this.#calls.unary(this.#service.getRestore.bind(this.#service), { id })).restore!;
	}

	/** As it goes on, until it is over or stands still. */
	async *watch(id: number, signal?: AbortSignal): AsyncGenerator<Restore> {
		const responses: AsyncGenerator<WatchRestoreResponse> = this.#calls.stream(
			this.#service.watchRestore.bind(this.#service),
			{ id },
			signal,
		);
		for await (const { restore } of responses) yield restore!;
	}

	/** The youngest first. */
	async list(): Promise<Restore[]> {
		return (await this.#calls.unary(this.#service.listRestores.bind(this.#service), {})).restores;
	}

	/** Goes on with one that is not over, at this replica. */
	async resume(id: number, force = false): Promise<Restore> {
		const { restore } = await this.#calls.unary(this.#service.resumeRestore.bind(this.#service), { id, force });
		return restore!;
	}

	/** What was done so far stays. */
	async abort(id: number): Promise<Restore> {
		return (await this.#calls.unary(this.#service.abortRestore.bind(this.#service), { id })).restore!;
	}
}
