/** A grpc-js server that does nothing, as a process of its own: what the library and the messages cost by themselves. It answers every operation of a stream with a KeepAliveResponse, and every get. */
import {
	Server,
	ServerCredentials,
	type ServerDuplexStream,
	type ServerUnaryCall,
	type sendUnaryData,
} from '@grpc/grpc-js';
import { type OperateRequest, type OperateResponse, SessionServiceService } from '#proto/chronokeeper/v1/session';
import { GetRequest, GetResponse, ZnodeServiceService } from '#proto/chronokeeper/v1/znode';

type Stream = ServerDuplexStream<OperateRequest, OperateResponse>;

const server = new Server();
server.addService({ operate: SessionServiceService.operate } as never, {
	operate(call: Stream) {
		call.on('data', ({ operations }: OperateRequest) => {
			const items = operations.map(({ id }) => ({
				item: {
					$case: 'reply' as const,
					value: { id, result: { $case: 'keepAlive' as const, value: { zxid: 1n } }, traceparent: '' },
				},
			}));
			if (items.length > 0) call.write({ items });
		});
		call.on('end', () => call.end());
		call.on('error', () => undefined);
	},
});
server.addService({ get: ZnodeServiceService.get } as never, {
	get(_call: ServerUnaryCall<GetRequest, GetResponse>, answer: sendUnaryData<GetResponse>) {
		answer(null, { data: undefined, stat: undefined, zxid: 1n });
	},
});
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
	if (error !== null) throw error;
	console.log(JSON.stringify({ msg: 'serving', port }));
});
process.on('SIGTERM', () => process.exit(0));
