/** Stands between clients and a server, and looks at the streams of their sessions: what goes over them is counted, answers can be lost, sessions ended behind their owners' backs. */
import { credentials, type handleBidiStreamingCall, Server, ServerCredentials, status } from '@grpc/grpc-js';
import { ErrorDetail } from '#proto/chronokeeper/v1/common';
import {
	OperateRequest,
	type OperateResponse,
	SessionServiceClient,
	SessionServiceService,
} from '#proto/chronokeeper/v1/session';

type Downstream = Parameters<handleBidiStreamingCall<OperateRequest, OperateResponse>>[0];
type OperationKind = NonNullable<OperateRequest['operations'][number]['op']>['$case'];

export interface Traffic {
	/** Messages with operations: each is a round trip when it is waited for. */
	readonly messages: number;
	readonly operations: number;
	/** Of watches. */
	readonly events: number;
}

const options = { 'grpc.use_local_subchannel_pool': 1, 'grpc.max_receive_message_length': 64 << 20 };

export class SessionRelay {
	readonly address: string;
	readonly #target: string;
	readonly #server: Server;
	readonly #upstream: SessionServiceClient;
	readonly #streams = new Map<Downstream, ReturnType<SessionServiceClient['operate']>>();
	readonly #passwords = new Map<bigint, Uint8Array>();
	#traffic = { messages: 0, operations: 0, events: 0 };
	#lost: OperationKind | undefined;
	#forgotten: OperationKind | undefined;
	#isAway = false;

	private constructor(target: string, server: Server, port: number) {
		this.#target = target;
		this.#server = server;
		this.address = `127.0.0.1:${port}`;
		this.#upstream = new SessionServiceClient(target, credentials.createInsecure(), options);
	}

	static async start(target: string): Promise<SessionRelay> {
		const server = new Server({ 'grpc.max_receive_message_length': 64 << 20 });
		let relay: SessionRelay | undefined;
		const operate: handleBidiStreamingCall<OperateRequest, OperateResponse> = (call) => relay!.#relay(call);
		server.addService(SessionServiceService, { operate } as never);
		const port = await new Promise<number>((resolve, reject) => {
			server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
				error === null ? resolve(bound) : reject(error),
			);
		});
		relay = new SessionRelay(target, server, port);
		return relay;
	}

	/** What went over it during the work. */
	async during(work: () => Promise<unknown>): Promise<Traffic> {
		const before = this.#traffic;
		await work();
		const { messages, operations, events } = this.#traffic;
		return {
			messages: messages - before.messages,
			operations: operations - before.operations,
			events: events - before.events,
		};
	}

	get events(): number {
		return this.#traffic.events;
	}

	/** The next answer to such an operation does not come: the stream is lost in its place. */
	loseAnswer(kind: OperationKind): void {
		this.#lost = kind;
	}

	/** The next answer to such an operation, which is done, is that no server can say whether it was done. */
	forgetAnswer(kind: OperationKind): void {
		this.#forgotten = kind;
	}

	/** Loses all streams. With `isAway` nobody gets a new one until back() is called. */
	cut(isAway = false): void {
		this.#isAway = isAway;
		for (const [down, up] of this.#streams) {
			up.cancel();
			down.emit('error', { code: status.UNAVAILABLE, details: 'cut by the test' });
		}
		this.#streams.clear();
	}

	back(): void {
		this.#isAway = false;
	}

	/** Closes a session behind the back of its owner, who hears of it as of an expiry. */
	async end(sessionId: bigint): Promise<void> {
		const own = new SessionServiceClient(this.#target, credentials.createInsecure(), options);
		const stream = own.operate();
		const password = this.#passwords.get(sessionId)!;
		const attach = { $case: 'attach' as const, value: { sessionId, password } };
		const close = { id: 1, op: { $case: 'closeSession' as const, value: {} } };
		await new Promise<void>((resolve) => {
			stream.on('data', ({ items }: OperateResponse) => {
				if (items.some(({ item }) => item?.$case === 'reply')) resolve();
			});
			stream.on('error', () => resolve());
			stream.on('end', () => resolve());
			stream.write(OperateRequest.fromPartial({ begin: attach }));
			stream.write(OperateRequest.fromPartial({ operations: [close] }));
		});
		own.close();
	}

	close(): void {
		this.#upstream.close();
		this.#server.forceShutdown();
	}

	#relay(down: Downstream): void {
		if (this.#isAway) {
			down.emit('error', { code: status.UNAVAILABLE, details: 'away' });
			return;
		}
		const up = this.#upstream.operate();
		this.#streams.set(down, up);
		/** By the numbers of the operations that are under way. */
		const kinds = new Map<number, OperationKind>();
		down.on('data', (request: OperateRequest) => {
			const { operations } = request;
			for (const { id, op } of operations) kinds.set(id, op!.$case);
			// How often a session is kept alive depends on how long the work takes, which nobody counts.
			const asked = operations.filter(({ op }) => op!.$case !== 'keepAlive').length;
			const { messages, operations: before, events } = this.#traffic;
			if (asked > 0) this.#traffic = { messages: messages + 1, operations: before + asked, events };
			up.write(request);
		});
		down.on('end', () => up.end());
		down.on('error', () => up.cancel());
		down.on('cancelled', () => up.cancel());
		up.on('data', (response: OperateResponse) => {
			if (this.#isLost(response, kinds)) {
				this.#lost = undefined;
				this.cut();
				return;
			}
			for (const { item } of response.items) {
				if (item?.$case === 'opened') this.#passwords.set(item.value.sessionId, item.value.password);
				if (item?.$case === 'reply' && kinds.get(item.value.id) === this.#forgotten) {
					this.#forgotten = undefined;
					item.value.result = {
						$case: 'error',
						value: ErrorDetail.fromPartial({ code: -4, reason: 'OUTCOME_UNKNOWN' }),
					};
				}
				if (item?.$case === 'event') this.#traffic = { ...this.#traffic, events: this.#traffic.events + 1 };
			}
			if (this.#streams.has(down)) down.write(response);
		});
		up.on('error', (error) => {
			if (this.#streams.delete(down)) down.emit('error', error);
		});
		up.on('end', () => {
			if (this.#streams.delete(down)) down.end();
		});
	}

	#isLost({ items }: OperateResponse, kinds: ReadonlyMap<number, OperationKind>): boolean {
		const answered = items.flatMap(({ item }) => (item?.$case === 'reply' ? [kinds.get(item.value.id)] : []));
		return this.#lost !== undefined && answered.includes(this.#lost);
	}
}
