import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { RpcException } from '@nestjs/microservices';

/** Behind what was written. @param ending null: all went well */
export function endCall(call: ServerDuplexStream<unknown, unknown>, ending: RpcException | null): void {
	if (ending === null) {
		call.end();
	} else {
		const { message, ...more } = ending.getError() as { readonly message: string };
		call.emit('error', Object.assign(new Error(message), { details: message, ...more }));
	}
	// What the caller still sends is not waited for.
	call.resume();
}
