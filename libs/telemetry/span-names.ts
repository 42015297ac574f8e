/** The names of the spans, after the stages of a request's way, and of their attributes. docs/tracing.md lists both. */

/** One per request that came in by a door: `grpc create`. */
export function requestSpan(door: string, op: string): string {
	return `${door} ${op}`;
}

/** `queue`, `prep`, `sync`, `commit`, `final`, `mirror`: a stage's span bears its bare name. */
export function stageSpan(stage: string): string {
	return stage;
}

export const spanAttributes = {
	/** Hexadecimal text: a number would not hold 64 bits. */
	zxid: 'chronokeeper.zxid',
	op: 'chronokeeper.op',
	/** `grpc` or `zookeeper`. */
	door: 'chronokeeper.door',
	/** Hexadecimal; absent for a call without a session. */
	session: 'chronokeeper.session',
	/** As in the column `request_id` of `txn`. */
	requestId: 'chronokeeper.request_id',
	/** The path itself may say something about people, and so may what lies there. */
	pathLength: 'chronokeeper.path_length',
	/** ZooKeeper's error code, absent when there was none. */
	error: 'chronokeeper.error',
	/** ZooKeeper's name of it, where OpenTelemetry's conventions look for one. */
	errorName: 'error.type',
	sid: 'chronokeeper.sid',
	/** Of an fdatasync or a commit of the mirror: how many transactions it was for. */
	batchTxns: 'chronokeeper.batch.txns',
	batchBytes: 'chronokeeper.batch.bytes',
} as const;
