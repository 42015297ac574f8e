/** A gRPC server that says what a test lets it say: its streams of sessions, and the history it knows. */
import {
	type handleBidiStreamingCall,
	type handleServerStreamingCall,
	Metadata,
	Server,
	ServerCredentials,
	type status,
} from '@grpc/grpc-js';
import { ErrorDetail } from '#proto/chronokeeper/v1/common';
import {
	HistoryServiceService,
	type TailTransactionsRequest,
	TailTransactionsResponse,
} from '#proto/chronokeeper/v1/history';
import {
	type OperateRequest,
	type OperateResponse,
	type OperateResponse_Item,
	type Reply,
	SessionServiceService,
} from '#proto/chronokeeper/v1/session';
import { Status } from '#proto/google/rpc/status';
import { eventually } from './ensemble-wait.ts';

type Call = Parameters<handleBidiStreamingCall<OperateRequest, OperateResponse>>[0];
type Item = NonNullable<OperateResponse_Item['item']>;

export const scriptedPassword = new Uint8Array([1, 2, 3]);

/** The server's side of one stream: what came, and what the test lets it say. */
export class ScriptedStream {
	readonly received: OperateRequest[] = [];
	readonly #call: Call;

	constructor(call: Call) {
		this.#call = call;
		call.on('data', (request: OperateRequest) => this.received.push(request));
		call.on('error', () => {});
	}

	get begin(): OperateRequest['begin'] {
		return this.received[0]?.begin;
	}

	get operations(): OperateRequest['operations'] {
		return this.received.flatMap(({ operations }) => operations);
	}

	get kinds(): string[] {
		return this.operations.map(({ op }) => op!.$case);
	}

	say(...items: Item[]): void {
		this.#call.write({ items: items.map((item) => ({ item })) });
	}

	/** No ping comes between the operations of a test, however busy the machine is. */
	open(zxid = 1n, timeoutMs = 60_000, sessionId = 2n ** 64n - 1n): void {
		this.say({ $case: 'opened', value: { sessionId, password: scriptedPassword, timeoutMs, zxid } });
	}

	attach(zxid = 1n, timeoutMs = 60_000): void {
		this.say({ $case: 'attached', value: { timeoutMs, zxid } });
	}

	/** To the nth operation that came. */
	reply(nth: number, result: NonNullable<Reply['result']>): void {
		this.say(replyItem(this.operations[nth]!.id, result));
	}

	end(): void {
		this.#call.end();
	}

	fail(code: status, detail?: Partial<ErrorDetail>): void {
		const metadata = new Metadata();
		if (detail !== undefined) {
			const value = ErrorDetail.encode(ErrorDetail.fromPartial(detail)).finish();
			const details = [{ typeUrl: 'type.googleapis.com/chronokeeper.v1.ErrorDetail', value }];
			metadata.set('grpc-status-details-bin', Buffer.from(Status.encode({ code, message: '', details }).finish()));
		}
		this.#call.emit('error', { code, details: 'by the test', metadata });
	}
}

export function replyItem(id: number, result: NonNullable<Reply['result']>): Item {
	return { $case: 'reply', value: { id, result, traceparent: '' } };
}

export class ScriptedServer {
	readonly address: string;
	readonly streams: ScriptedStream[] = [];
	/** What was asked of the history. */
	readonly tails: TailTransactionsRequest[] = [];
	/** What it answers; without it there is no history. */
	tail: Parameters<typeof TailTransactionsResponse.fromPartial>[0] | undefined;
	readonly #server: Server;

	private constructor(address: string, server: Server) {
		this.address = address;
		this.#server = server;
	}

	static async start(): Promise<ScriptedServer> {
		const server = new Server();
		let scripted: ScriptedServer | undefined;
		const operate: handleBidiStreamingCall<OperateRequest, OperateResponse> = (call) =>
			scripted!.streams.push(new ScriptedStream(call));
		const tailTransactions: handleServerStreamingCall<TailTransactionsRequest, TailTransactionsResponse> = (call) => {
			scripted!.tails.push(call.request);
			if (scripted!.tail === undefined) call.emit('error', { code: 9, details: 'nobody knows' });
			else call.write(TailTransactionsResponse.fromPartial(scripted!.tail));
		};
		server.addService(SessionServiceService, { operate } as never);
		server.addService(HistoryServiceService, { tailTransactions } as never);
		const port = await new Promise<number>((resolve, reject) => {
			server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
				error === null ? resolve(bound) : reject(error),
			);
		});
		scripted = new ScriptedServer(`127.0.0.1:${port}`, server);
		return scripted;
	}

	/** The nth stream, when so many operations have come on it. */
	async stream(nth: number, operations = 0): Promise<ScriptedStream> {
		await eventually(
			`stream ${nth} with ${operations} operations`,
			() => (this.streams[nth]?.received.length ?? 0) > 0 && this.streams[nth]!.operations.length >= operations,
			30_000,
		);
		return this.streams[nth]!;
	}

	close(): void {
		this.#server.forceShutdown();
	}
}
