/** The parts of a grpc-js call that are needed. */
import type { Metadata, ServerUnaryCall } from '@grpc/grpc-js';
import type { CancellableCall } from './cancellable-call.ts';

/** What there is before the first message: who calls, and what stands in the metadata. */
export interface CallHead {
	getPeer(): string;
	/** The client's certificate when it was checked; nothing of it otherwise. */
	getAuthContext(): ReturnType<ServerUnaryCall<unknown, unknown>['getAuthContext']>;
	readonly metadata: Metadata;
}

export interface GrpcCall extends CallHead, CancellableCall {
	sendMetadata(metadata: Metadata): void;
}
