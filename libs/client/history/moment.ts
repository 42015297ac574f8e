/** A state of the past, as callers name it. */

/**
 * Right after this transaction (its zxid, as a bigint or as text: `0x100000003`, `4294967299`), or at this time by the leader's clock: right after the last transaction that was not prepared later
 * (a Date, or text that Date.parse() takes: `2026-11-20T13:00:00Z`).
 */
export type Moment = bigint | Date | string;

export type MomentFields =
	| { readonly zxid: bigint; readonly timeMs?: undefined }
	| { readonly zxid?: undefined; readonly timeMs: bigint };

/** @throws RangeError when it is none @internal */
export function momentFields(moment: Moment): MomentFields {
	if (typeof moment === 'bigint') return { zxid: moment };
	if (typeof moment === 'string' && /^(0x[0-9a-f]+|[0-9]+)$/i.test(moment.trim()))
		return { zxid: BigInt(moment.trim()) };
	const ms = typeof moment === 'string' ? Date.parse(moment) : moment.getTime();
	if (Number.isNaN(ms)) throw new RangeError(`neither a zxid nor a time: ${String(moment)}`);
	return { timeMs: BigInt(ms) };
}
