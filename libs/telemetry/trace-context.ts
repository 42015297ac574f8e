/** W3C trace context (https://www.w3.org/TR/trace-context/): `00-<trace id>-<parent span id>-<flags>`. */

export interface TraceContext {
	/** 32 hexadecimal digits. */
	readonly traceId: string;
	/** 16 hexadecimal digits. */
	readonly spanId: string;
	readonly sampled: boolean;
}

const form = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** Of a traceparent of our own: there is nothing in it to look at twice. */
export function ownContext(traceparent: string): TraceContext {
	return { traceId: traceparent.slice(3, 35), spanId: traceparent.slice(36, 52), sampled: true };
}

/** Undefined for what is not one: the specification says to go on as if it were not there. */
export function parseTraceparent(text: string): TraceContext | undefined {
	const match = form.exec(text.trim());
	if (match === null) return undefined;
	const [, version, traceId = '', spanId = '', flags = '', more] = match;
	if (version === 'ff' || (version === '00' && more !== undefined)) return undefined;
	if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
	return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

export function formatTraceparent({ traceId, spanId, sampled }: TraceContext): string {
	return `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`;
}
