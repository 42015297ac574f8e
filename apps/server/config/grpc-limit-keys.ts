/** How much the gRPC port takes on. */
import { type Key, key } from './key.ts';
import { integer } from './value-types.ts';

export const grpcLimitKeys = {
	'grpc.maxSessions': key(
		integer(1, 10_000_000),
		100_000,
		'Sessions that may be attached over gRPC at this replica; further ones are refused with RESOURCE_EXHAUSTED.',
	),
	'grpc.maxStreams': key(
		integer(1, 10_000_000),
		100_000,
		'Streams of sessions, of watches and of the history that may be open at this replica; further ones are refused with RESOURCE_EXHAUSTED.',
	),
	'grpc.maxUnsentBytes': key(
		integer(1 << 20),
		16 << 20,
		'Bytes that may wait on the stream of a session or of watches for a client that does not read; beyond it the stream ends with RESOURCE_EXHAUSTED, and its session lives on.',
	),
	'grpc.maxUnsentEvents': key(
		integer(100),
		100_000,
		'Events that may wait on a stream of watches for a client that does not read; beyond it the stream ends with RESOURCE_EXHAUSTED.',
	),
	'grpc.maxWaiting': key(
		integer(1),
		10_000,
		'Unary calls that may wait while `globalOutstandingLimit` requests are under way; further ones are refused with RESOURCE_EXHAUSTED (ThrottledOp). As many may wait for a linearizable round.',
	),
	'grpc.keepAliveMs': key(
		integer(1000, 3_600_000),
		10_000,
		'Milliseconds between the pings of a connection: a stream keeps its session alive as long as they are answered.',
	),
	'grpc.keepAliveTimeoutMs': key(
		integer(100, 3_600_000),
		5000,
		'Milliseconds after which a connection whose ping is not answered is closed.',
	),
} satisfies Record<string, Key<unknown>>;
