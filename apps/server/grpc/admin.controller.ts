import type { Metadata, ServerWritableStream } from '@grpc/grpc-js';
import { Controller, Inject } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import {
	GetConfigRequest,
	ReconfigRequest,
	ShedLoadRequest,
	WatchStatusRequest,
	WatchStatusResponse,
} from '#proto/chronokeeper/v1/admin';
import { Admin } from './admin.ts';
import type { GrpcCall } from './grpc-call.ts';

@Controller()
export class AdminController {
	constructor(@Inject(Admin) private readonly admin: Admin) {}

	@GrpcMethod('AdminService', 'status')
	status() {
		return this.admin.status();
	}

	@GrpcMethod('AdminService', 'takeSnapshot')
	takeSnapshot() {
		return this.admin.takeSnapshot();
	}

	@GrpcMethod('AdminService', 'watchStatus')
	watchStatus(
		request: WatchStatusRequest,
		_: Metadata,
		call: ServerWritableStream<WatchStatusRequest, WatchStatusResponse>,
	) {
		return this.admin.streams.respond(call, (signal) => this.admin.watchStatus(request, signal));
	}

	@GrpcMethod('AdminService', 'listConnections')
	listConnections() {
		return this.admin.listConnections();
	}

	@GrpcMethod('AdminService', 'shedLoad')
	shedLoad(request: ShedLoadRequest) {
		return this.admin.shedLoad(request);
	}

	@GrpcMethod('AdminService', 'getConfig')
	getConfig(_request: GetConfigRequest, _: Metadata, call: GrpcCall) {
		return this.admin.getConfig(call);
	}

	@GrpcMethod('AdminService', 'reconfig')
	reconfig(request: ReconfigRequest, _: Metadata, call: GrpcCall) {
		return this.admin.reconfig(request, call);
	}
}
