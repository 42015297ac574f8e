/** The names of the spans, after the stages of a request's way, and of their attributes. */

/** One per request that came in by a door: `grpc create`. */
export function requestSpan(door: string, op: string): string {
	return `${door} ${op}`;
}

/** `prep`, `sync`, `commit`, `final`: a stage's span bears its bare name. */
export function stageSpan(stage: string): string {
	return stage;
}

export const spanAttributes = {
	/** Hexadecimal text: a number would not hold 64 bits. */
	zxid: 'chronokeeper.zxid',
	op: 'chronokeeper.op',
	/** ZooKeeper's error code, absent when there was none. */
	error: 'chronokeeper.error',
	path: 'chronokeeper.path',
	serverId: 'chronokeeper.sid',
} as const;
