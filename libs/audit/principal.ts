/** Who did it, as columns: from a record's audit context. */
import { type AuditContext, readAuditContext } from '#core/model/audit-context';
import type { TxnRecord } from '#core/model/txn-record';
import { storableText } from './copy-rows.ts';

export interface WhoColumns {
	readonly principal: string | null;
	readonly address: string | null;
	readonly door: string;
	readonly requestId: string | null;
	readonly traceId: string | null;
	/** Of the request's span; null when it was not sampled. */
	readonly traceparent: string | null;
	/** The bytes of a context that this version cannot read. */
	readonly context: Uint8Array | null;
}

const nobody = { principal: null, address: null, requestId: null, traceId: null, traceparent: null };
/** ZooKeeper's log knows a session and nothing more. */
const apache: WhoColumns = Object.freeze({ ...nobody, door: 'apache-zookeeper', context: null });

export function whoColumns(encoded: TxnRecord['context']): WhoColumns {
	const context = readAuditContext(encoded);
	if (context === null) return apache;
	if (context instanceof Uint8Array) return { ...nobody, door: 'unknown', context };
	return {
		principal: principalOf(context),
		address: text(context.address),
		door: context.door,
		requestId: text(context.requestId),
		traceId: /^[0-9a-f]{2}-([0-9a-f]{32})-/.exec(context.traceparent)?.[1] ?? null,
		traceparent: context.traceparent === '' ? null : context.traceparent,
		context: null,
	};
}

/** The identities but the address, which has a column of its own. */
function principalOf(context: AuditContext): string | null {
	const named = context.identities.filter((it) => it.scheme !== 'ip');
	return named.length === 0 ? null : named.map((it) => storableText(`${it.scheme}:${it.id}`)).join(',');
}

function text(value: string): string | null {
	return value === '' ? null : storableText(value);
}
