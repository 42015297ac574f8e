/** A stream that is over for the server may be stuck: its client reads nothing, and the last messages and the status wait. They do not wait for ever. */
import { constants } from 'node:http2';

/** For who reads again. */
const stuckMs = 30_000;

/** A server stream of grpc-js, also one in both directions. */
interface Call {
	readonly cancelled: boolean;
	readonly writableFinished: boolean;
	once(event: 'finish' | 'cancelled', listener: () => void): unknown;
}

/** grpc-js has no word for it: the HTTP/2 stream is in there, behind what interceptors there are. */
interface Inner {
	readonly stream?: { close(code: number): void };
	readonly nextCall?: Inner;
}

/** Call it when nothing more will be written. */
export function resetWhenStuck(call: Call, afterMs = stuckMs): void {
	if (call.cancelled || call.writableFinished) return;
	const reset = () => {
		let { call: inner } = call as unknown as { readonly call?: Inner };
		while (inner !== undefined && inner.stream === undefined) inner = inner.nextCall;
		inner?.stream?.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
	};
	const timer = setTimeout(reset, afterMs).unref();
	const clear = () => clearTimeout(timer);
	call.once('finish', clear);
	call.once('cancelled', clear);
}
