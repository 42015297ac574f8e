import type { Metadata, ServerWritableStream } from '@grpc/grpc-js';
import { Controller, Inject } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import {
	ChildrenAtRequest,
	ChildrenAtResponse,
	DiffRequest,
	DiffResponse,
	HistoryRequest,
	HistoryResponse,
	HistoryServiceWatchRequest,
	TailTransactionsRequest,
	TreeAtRequest,
	TreeAtResponse,
	ZnodeAtRequest,
} from '#proto/chronokeeper/v1/history';
import type { GrpcCall } from './grpc-call.ts';
import { Histories } from './histories.ts';
import { HistoryTails } from './history-tail/history-tails.ts';
import { changesWish, transactionsWish } from './history-tail/tail-wish.ts';
import { ResponseStreams } from './response-streams.ts';

@Controller()
export class HistoryController {
	constructor(
		@Inject(Histories) private readonly histories: Histories,
		@Inject(HistoryTails) private readonly tails: HistoryTails,
		@Inject(ResponseStreams) private readonly streams: ResponseStreams,
	) {}

	@GrpcMethod('HistoryService', 'history')
	history(request: HistoryRequest, _: Metadata, call: ServerWritableStream<HistoryRequest, HistoryResponse>) {
		return this.streams.respond(call, (signal) => this.histories.history(request, call, signal));
	}

	@GrpcMethod('HistoryService', 'znodeAt')
	znodeAt(request: ZnodeAtRequest, _: Metadata, call: GrpcCall) {
		return this.histories.znodeAt(request, call);
	}

	@GrpcMethod('HistoryService', 'treeAt')
	treeAt(request: TreeAtRequest, _: Metadata, call: ServerWritableStream<TreeAtRequest, TreeAtResponse>) {
		return this.streams.respond(call, () => this.histories.treeAt(request, call));
	}

	@GrpcMethod('HistoryService', 'childrenAt')
	childrenAt(
		request: ChildrenAtRequest,
		_: Metadata,
		call: ServerWritableStream<ChildrenAtRequest, ChildrenAtResponse>,
	) {
		return this.streams.respond(call, () => this.histories.childrenAt(request));
	}

	@GrpcMethod('HistoryService', 'diff')
	diff(request: DiffRequest, _: Metadata, call: ServerWritableStream<DiffRequest, DiffResponse>) {
		return this.streams.respond(call, () => this.histories.diff(request, call));
	}

	@GrpcMethod('HistoryService', 'tailTransactions')
	tailTransactions(
		request: TailTransactionsRequest,
		_: Metadata,
		call: ServerWritableStream<TailTransactionsRequest, Buffer>,
	) {
		return this.tails.respond(call, () => transactionsWish(request));
	}

	@GrpcMethod('HistoryService', 'watch')
	watch(
		request: HistoryServiceWatchRequest,
		_: Metadata,
		call: ServerWritableStream<HistoryServiceWatchRequest, Buffer>,
	) {
		return this.tails.respond(call, () => changesWish(request));
	}
}
