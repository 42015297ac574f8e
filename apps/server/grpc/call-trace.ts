/** The trace of a call: begun as its caller's metadata ask for it (W3C trace context), and told to the caller, be it the server that decided to make one. */
import { Metadata } from '@grpc/grpc-js';
import type { TracedRequest, Tracing } from '#telemetry/tracing';
import type { GrpcCall } from './grpc-call.ts';

/** Undefined when the call is not sampled. Sends the call's metadata when it is. */
export function traceCall(tracing: Tracing, call: GrpcCall, op: string): TracedRequest | undefined {
	const { metadata } = call;
	const [traceparent] = metadata.get('traceparent');
	const traced =
		traceparent === undefined
			? tracing.request('grpc', op, undefined)
			: tracing.request('grpc', op, String(traceparent), tracestateOf(metadata));
	if (traced !== undefined) call.sendMetadata(contextMetadata(traced));
	return traced;
}

/** Several headers are one list. */
function tracestateOf(metadata: Metadata): string | undefined {
	const states = metadata.get('tracestate');
	return states.length === 0 ? undefined : states.join(',');
}

function contextMetadata({ traceparent, tracestate }: TracedRequest): Metadata {
	const metadata = new Metadata();
	metadata.set('traceparent', traceparent);
	if (tracestate !== undefined) metadata.set('tracestate', tracestate);
	return metadata;
}
