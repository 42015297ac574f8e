import type { Metadata, ServerWritableStream } from '@grpc/grpc-js';
import { Controller, Inject } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import { WatchRequest } from '#proto/chronokeeper/v1/watch';
import { WatchStreams } from './watch-streams.ts';

@Controller()
export class WatchController {
	constructor(@Inject(WatchStreams) private readonly streams: WatchStreams) {}

	@GrpcMethod('WatchService', 'watch')
	watch(_request: WatchRequest, _: Metadata, call: ServerWritableStream<WatchRequest, Buffer>) {
		return this.streams.watch(call);
	}
}
