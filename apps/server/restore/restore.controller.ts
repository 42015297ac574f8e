import type { Metadata, ServerWritableStream } from '@grpc/grpc-js';
import { Controller, Inject } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import {
	AbortRestoreRequest,
	GetRestoreRequest,
	PlanRestoreRequest,
	PlanRestoreResponse,
	ResumeRestoreRequest,
	StartRestoreRequest,
	WatchRestoreRequest,
	WatchRestoreResponse,
} from '#proto/chronokeeper/v1/restore';
import type { GrpcCall } from '../grpc/grpc-call.ts';
import { Restores } from './restores.ts';

@Controller()
export class RestoreController {
	constructor(@Inject(Restores) private readonly restores: Restores) {}

	@GrpcMethod('RestoreService', 'planRestore')
	plan(request: PlanRestoreRequest, _: Metadata, call: ServerWritableStream<PlanRestoreRequest, PlanRestoreResponse>) {
		return this.restores.streams.respond(call, (signal) => this.restores.plan(request, call, signal));
	}

	@GrpcMethod('RestoreService', 'startRestore')
	async start(request: StartRestoreRequest, _: Metadata, call: GrpcCall) {
		return { restore: await this.restores.start(request, call) };
	}

	@GrpcMethod('RestoreService', 'getRestore')
	get({ id }: GetRestoreRequest) {
		return { restore: this.restores.get(id) };
	}

	@GrpcMethod('RestoreService', 'watchRestore')
	watch(
		{ id }: WatchRestoreRequest,
		_: Metadata,
		call: ServerWritableStream<WatchRestoreRequest, WatchRestoreResponse>,
	) {
		return this.restores.streams.respond(call, (signal) => this.restores.watch(id, signal));
	}

	@GrpcMethod('RestoreService', 'listRestores')
	list() {
		return { restores: this.restores.list() };
	}

	@GrpcMethod('RestoreService', 'resumeRestore')
	async resume(request: ResumeRestoreRequest, _: Metadata, call: GrpcCall) {
		return { restore: await this.restores.resume(request, call) };
	}

	@GrpcMethod('RestoreService', 'abortRestore')
	async abort({ id }: AbortRestoreRequest, _: Metadata, call: GrpcCall) {
		return { restore: await this.restores.abort(id, call) };
	}
}
