/** Thousands of sessions, each with a stream and a watch of the same node. */
import { Client, type ClientDuplexStream, credentials } from '@grpc/grpc-js';
import {
	OperateRequest,
	OperateResponse,
	type OperateResponse_Item,
	SessionServiceService,
} from '#proto/chronokeeper/v1/session';
import type { WatchKind } from '#proto/chronokeeper/v1/watch';

type Stream = ClientDuplexStream<Buffer, OperateResponse>;

const { path: method } = SessionServiceService.operate;
/** Streams per connection: what many HTTP/2 implementations allow. */
const perConnection = 100;
const atOnce = 500;

export class WatchingSessions {
	readonly #address: string;
	readonly #path: string;
	readonly #kind: WatchKind;
	readonly #clients: Client[] = [];
	readonly #streams: Stream[] = [];
	#replies = 0;
	#events = 0;
	#isReached: { readonly replies: number; readonly events: number; done(): void } | undefined;

	constructor(address: string, path: string, kind: WatchKind) {
		this.#address = address;
		this.#path = path;
		this.#kind = kind;
	}

	async open(count: number): Promise<void> {
		for (let opened = 0; opened < count; opened += atOnce) {
			const group = Math.min(atOnce, count - opened);
			const all = this.#reached(opened + group, 0);
			for (let i = 0; i < group; i++) this.#openOne();
			await all;
		}
	}

	/** Milliseconds from the request that changes the node to the last event of it. */
	async fanOut(): Promise<number> {
		this.#events = 0;
		const fromMs = performance.now();
		const all = this.#reached(this.#replies + 1, this.#streams.length);
		const op = { $case: 'set', value: { path: this.#path, data: Buffer.from('x') } };
		this.#streams[0]!.write(encoded({ operations: [{ id: 2, op }] }));
		await all;
		return performance.now() - fromMs;
	}

	close(): void {
		for (const stream of this.#streams) stream.cancel();
		for (const client of this.#clients) client.close();
	}

	#openOne(): void {
		if (this.#streams.length % perConnection === 0) {
			this.#clients.push(
				new Client(this.#address, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 }),
			);
		}
		const stream = this.#clients.at(-1)!.makeBidiStreamRequest(
			method,
			(bytes: Buffer) => bytes,
			(bytes: Buffer) => OperateResponse.decode(bytes),
		);
		stream.on('data', ({ items }: OperateResponse) => this.#received(items));
		stream.on('error', () => undefined);
		const op = { $case: 'addWatch', value: { path: this.#path, kind: this.#kind } };
		const begin = { $case: 'open', value: { timeoutMs: 40_000 } };
		stream.write(encoded({ begin, operations: [{ id: 1, op }] }));
		this.#streams.push(stream);
	}

	#received(items: readonly OperateResponse_Item[]): void {
		for (const { item } of items) {
			if (item?.$case === 'reply') this.#replies += 1;
			else if (item?.$case === 'event') this.#events += 1;
		}
		const reached = this.#isReached;
		if (reached === undefined || this.#replies < reached.replies || this.#events < reached.events) return;
		this.#isReached = undefined;
		reached.done();
	}

	#reached(replies: number, events: number): Promise<void> {
		return new Promise((done) => {
			this.#isReached = { replies, events, done };
		});
	}
}

function encoded(message: object): Buffer {
	return Buffer.from(OperateRequest.encode(OperateRequest.fromPartial(message)).finish());
}
