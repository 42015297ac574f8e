/**
 * Who did it: what Chronokeeper logs behind the digest of a transaction, inside the record's checksum. ZooKeeper's reader stops
 * after the digest and never sees it. It never changes what a transaction does.
 *
 * Bytes: "CKAC", version (1), traceparent, identities (count, then scheme and id each), address, door, request id; strings are a
 * 16-bit length and UTF-8. Bytes of later versions are kept as they are and passed on.
 */
import type { Id } from '#jute/records';
import type { Door } from './op.ts';

export interface AuditContext {
	/** W3C traceparent, or empty when the request was not sampled. */
	readonly traceparent: string;
	readonly identities: readonly Id[];
	readonly address: string;
	readonly door: Door;
	readonly requestId: string;
}
