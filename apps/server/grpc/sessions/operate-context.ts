import type { Host } from '#core/host/host';
import type { Id } from '#jute/records';
import type { AuthenticateRequest } from '#proto/chronokeeper/v1/session';
import type { Logger } from '#telemetry/logger';
import type { Metrics } from '#telemetry/metrics';
import type { Tracing } from '#telemetry/tracing';
import type { BackedUp } from '../../zookeeper/backed-up.ts';
import type { ReadBarrier } from '../read-barrier.ts';
import type { RepeatedWrites } from '../repeats/repeated-writes.ts';
import type { StreamRegistry } from '../stream-registry.ts';
import type { ZnodeRequests } from '../znode-requests.ts';
import type { EventBytes } from './event-bytes.ts';
import type { GrpcSessions } from './grpc-sessions.ts';
import type { OperateStream } from './operate-stream.ts';
import type { OutputPool } from './stream-output.ts';

/** What the streams of Operate share, from outside. */
export interface OperateParts {
	readonly host: Host;
	readonly sessions: GrpcSessions;
	readonly requests: ZnodeRequests;
	readonly barrier: ReadBarrier;
	readonly repeats: RepeatedWrites;
	readonly registry: StreamRegistry;
	readonly tracing: Tracing;
	readonly metrics: Metrics;
	readonly logger: Logger;
	/** What credentials make of their owner. @throws ZooKeeperError AuthFailed when they are no good */
	readonly authenticate: (request: AuthenticateRequest) => readonly Id[];
	/** `grpc.maxUnsentBytes`. */
	readonly maxUnsentBytes: number;
}

export interface OperateContext extends OperateParts {
	readonly outputs: OutputPool;
	readonly events: EventBytes;
	/** Streams whose callers read too slowly. */
	readonly backedUp: BackedUp;
	/** Of this batch of answers: one look at the clock for all of them. */
	readonly batchMs: number;
	/** The stream has something to send at the end of the batch. */
	willSend(stream: OperateStream): void;
	/** The stream goes on when the host has room again. */
	throttle(stream: OperateStream): void;
	forget(stream: OperateStream): void;
}
