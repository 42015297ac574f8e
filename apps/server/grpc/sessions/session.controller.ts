import type { Metadata } from '@grpc/grpc-js';
import { Controller, Inject } from '@nestjs/common';
import { GrpcMethod, GrpcStreamCall } from '@nestjs/microservices';
import {
	AttachSessionRequest,
	AuthenticateRequest,
	CloseSessionRequest,
	KeepAliveRequest,
	OpenSessionRequest,
} from '#proto/chronokeeper/v1/session';
import type { GrpcCall } from '../grpc-call.ts';
import { OperateStreams } from './operate-streams.ts';
import { SessionCalls } from './session-calls.ts';
import type { OperateCall } from './stream-output.ts';

@Controller()
export class SessionController {
	constructor(
		@Inject(SessionCalls) private readonly sessions: SessionCalls,
		@Inject(OperateStreams) private readonly streams: OperateStreams,
	) {}

	@GrpcMethod('SessionService', 'openSession')
	open(request: OpenSessionRequest, _: Metadata, call: GrpcCall) {
		return this.sessions.open(request, call);
	}

	@GrpcMethod('SessionService', 'attachSession')
	attach(request: AttachSessionRequest) {
		return this.sessions.attach(request);
	}

	@GrpcMethod('SessionService', 'keepAlive')
	keepAlive(_request: KeepAliveRequest, _: Metadata, call: GrpcCall) {
		return this.sessions.keepAlive(call);
	}

	@GrpcMethod('SessionService', 'authenticate')
	authenticate(request: AuthenticateRequest, _: Metadata, call: GrpcCall) {
		return this.sessions.authenticate(request, call);
	}

	@GrpcStreamCall('SessionService', 'operate')
	operate(call: OperateCall) {
		this.streams.open(call);
	}

	@GrpcMethod('SessionService', 'closeSession')
	close(_request: CloseSessionRequest, _: Metadata, call: GrpcCall) {
		return this.sessions.close(call);
	}
}
