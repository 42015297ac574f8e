import type { Metadata, ServerWritableStream } from '@grpc/grpc-js';
import { Controller, Inject } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import {
	CreateRequest,
	DeleteRequest,
	ExistsRequest,
	GetAclRequest,
	GetAllChildrenNumberRequest,
	GetEphemeralsRequest,
	GetRequest,
	ListChildrenRequest,
	MultiReadRequest,
	MultiRequest,
	SetAclRequest,
	SetRequest,
	StreamChildrenRequest,
	StreamChildrenResponse,
	SyncRequest,
	WhoAmIRequest,
} from '#proto/chronokeeper/v1/znode';
import type { GrpcCall } from './grpc-call.ts';
import { ResponseStreams } from './response-streams.ts';
import { Znodes } from './znodes.ts';

@Controller()
export class ZnodeController {
	constructor(
		@Inject(Znodes) private readonly znodes: Znodes,
		@Inject(ResponseStreams) private readonly streams: ResponseStreams,
	) {}

	@GrpcMethod('ZnodeService', 'create')
	create(request: CreateRequest, _: Metadata, call: GrpcCall) {
		return this.znodes.create(request, call);
	}

	@GrpcMethod('ZnodeService', 'get')
	get(request: GetRequest, _: Metadata, call: GrpcCall) {
		return this.znodes.get(request, call);
	}

	@GrpcMethod('ZnodeService', 'set')
	set(request: SetRequest, _: Metadata, call: GrpcCall) {
		return this.znodes.set(request, call);
	}

	@GrpcMethod('ZnodeService', 'delete')
	delete(request: DeleteRequest, _: Metadata, call: GrpcCall) {
		return this.znodes.delete(request, call);
	}

	@GrpcMethod('ZnodeService', 'exists')
	exists(request: ExistsRequest, _: Metadata, call: GrpcCall) {
		return this.znodes.exists(request, call);
	}

	@GrpcMethod('ZnodeService', 'listChildren')
	listChildren(request: ListChildrenRequest, _: Metadata, call: GrpcCall) {
		return this.znodes.listChildren(request, call);
	}

	@GrpcMethod('ZnodeService', 'streamChildren')
	streamChildren(
		request: StreamChildrenRequest,
		_: Metadata,
		call: ServerWritableStream<StreamChildrenRequest, StreamChildrenResponse>,
	) {
		return this.streams.respond(call, (signal) => this.znodes.streamChildren(request, call, signal));
	}

	@GrpcMethod('ZnodeService', 'getAcl')
	getAcl(request: GetAclRequest, _: Metadata, call: GrpcCall) {
		return this.znodes.getAcl(request, call);
	}

	@GrpcMethod('ZnodeService', 'setAcl')
	setAcl(request: SetAclRequest, _: Metadata, call: GrpcCall) {
		return this.znodes.setAcl(request, call);
	}

	@GrpcMethod('ZnodeService', 'multi')
	multi(request: MultiRequest, _: Metadata, call: GrpcCall) {
		return this.znodes.multi(request, call);
	}

	@GrpcMethod('ZnodeService', 'multiRead')
	multiRead(request: MultiReadRequest, _: Metadata, call: GrpcCall) {
		return this.znodes.multiRead(request, call);
	}

	@GrpcMethod('ZnodeService', 'sync')
	sync(request: SyncRequest, _: Metadata, call: GrpcCall) {
		return this.znodes.sync(request, call);
	}

	@GrpcMethod('ZnodeService', 'whoAmI')
	whoAmI(_request: WhoAmIRequest, _: Metadata, call: GrpcCall) {
		return this.znodes.whoAmI(call);
	}

	@GrpcMethod('ZnodeService', 'getEphemerals')
	getEphemerals(request: GetEphemeralsRequest, _: Metadata, call: GrpcCall) {
		return this.znodes.getEphemerals(request, call);
	}

	@GrpcMethod('ZnodeService', 'getAllChildrenNumber')
	getAllChildrenNumber(request: GetAllChildrenNumberRequest, _: Metadata, call: GrpcCall) {
		return this.znodes.getAllChildrenNumber(request, call);
	}
}
