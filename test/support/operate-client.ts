/** A caller of SessionService.Operate on the generated client: it sends what it is told to and keeps everything that comes, in order. */
import type { ClientDuplexStream, Metadata, ServiceError } from '@grpc/grpc-js';
import {
	type AttachSessionRequest,
	type OpenSessionRequest,
	OperateRequest,
	type OperateResponse,
	type OperateResponse_Item,
	type Operation,
	type Reply,
} from '#proto/chronokeeper/v1/session';
import type { WatchEvent } from '#proto/chronokeeper/v1/watch';
import type { GrpcCaller, SessionProof } from './grpc-session.ts';

type Op = NonNullable<Operation['op']>;
type Item = NonNullable<OperateResponse_Item['item']>;
export type OpCase = Op['$case'];

/** An operation with its defaults filled in. */
export function operation(
	id: number,
	$case: OpCase,
	value: object = {},
	traceparent = '',
	sentAtZxid?: bigint,
): Operation {
	const whole = OperateRequest.fromPartial({
		operations: [{ id, op: { $case, value } as Op, traceparent, sentAtZxid }],
	});
	return whole.operations[0]!;
}

export class OperateClient {
	readonly items: Item[] = [];
	/** Messages, with how many items each had. */
	readonly messages: number[] = [];
	/** How the stream ended; it never rejects. */
	readonly ended: Promise<ServiceError | undefined>;
	/** Its session, once there is one. */
	session: (SessionProof & { readonly timeoutMs: number }) | undefined;
	readonly stream: ClientDuplexStream<OperateRequest, OperateResponse>;
	#isOver = false;
	#waiting: (() => void)[] = [];

	private constructor(caller: GrpcCaller, metadata: Metadata | undefined) {
		this.stream = metadata === undefined ? caller.sessions.operate() : caller.sessions.operate(metadata);
		this.stream.on('data', ({ items }: OperateResponse) => {
			this.messages.push(items.length);
			for (const { item } of items) this.#take(item!);
			this.#wake();
		});
		this.ended = new Promise((resolve) => {
			this.stream.on('error', (error: ServiceError) => this.#over(() => resolve(error)));
			this.stream.on('end', () => this.#over(() => resolve(undefined)));
		});
	}

	/** Sends nothing by itself. */
	static begin(caller: GrpcCaller, metadata?: Metadata): OperateClient {
		return new OperateClient(caller, metadata);
	}

	static async open(
		caller: GrpcCaller,
		timeoutMs = 20_000,
		metadata?: Metadata,
		repeatable = false,
	): Promise<OperateClient> {
		const client = new OperateClient(caller, metadata);
		client.send([], { open: { timeoutMs, repeatable } });
		await client.until(() => client.session !== undefined);
		return client;
	}

	static async attach(
		caller: GrpcCaller,
		session: SessionProof,
		fields: Partial<AttachSessionRequest> = {},
	): Promise<OperateClient> {
		const client = new OperateClient(caller, undefined);
		client.send([], { attach: { ...session, timeoutMs: 20_000, lastZxidSeen: 0n, ...fields } });
		await client.until(() => client.items.some(({ $case }) => $case === 'attached'));
		client.session = { timeoutMs: 20_000, ...session };
		return client;
	}

	send(
		operations: readonly Operation[],
		begin: {
			readonly open?: Partial<OpenSessionRequest>;
			readonly attach?: Omit<AttachSessionRequest, 'repeatable'> & Partial<AttachSessionRequest>;
		} = {},
	): void {
		const { open, attach } = begin;
		const first =
			open !== undefined
				? { $case: 'open' as const, value: { timeoutMs: 0, repeatable: false, ...open } }
				: attach !== undefined
					? { $case: 'attach' as const, value: { repeatable: false, ...attach } }
					: undefined;
		this.stream.write({ begin: first, operations: [...operations] });
	}

	/** Sends one operation and waits for its reply. */
	async ask($case: OpCase, value: object = {}): Promise<NonNullable<Reply['result']>> {
		const id = 1_000_000 + this.items.length + this.messages.length;
		this.send([operation(id, $case, value)]);
		await this.until(() => this.reply(id) !== undefined);
		return this.reply(id)!.result!;
	}

	get replies(): Reply[] {
		return this.items.flatMap((item) => (item.$case === 'reply' ? [item.value] : []));
	}

	get events(): WatchEvent[] {
		return this.items.flatMap((item) => (item.$case === 'event' ? [item.value] : []));
	}

	reply(id: number): Reply | undefined {
		return this.replies.find((reply) => reply.id === id);
	}

	/** @throws when the stream ends before */
	async until(isThere: () => boolean): Promise<void> {
		while (!isThere()) {
			if (this.#isOver) throw (await this.ended) ?? new Error('the stream ended');
			await new Promise<void>((resolve) => this.#waiting.push(resolve));
		}
	}

	/** Ends its own side. */
	halfClose(): void {
		this.stream.end();
	}

	close(): void {
		this.stream.cancel();
	}

	#take(item: Item): void {
		this.items.push(item);
		if (item.$case === 'opened') this.session = item.value;
	}

	#over(end: () => void): void {
		this.#isOver = true;
		end();
		this.#wake();
	}

	#wake(): void {
		for (const resolve of this.#waiting.splice(0)) resolve();
	}
}
