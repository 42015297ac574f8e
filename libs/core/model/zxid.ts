/** The only place that makes, splits, compares and prints zxids (semantics 6). */
import type { SessionId, Zxid } from '#jute/scalars';

export type { SessionId, Zxid };

const counters = 2 ** 32;

/** The largest epoch whose zxids a double holds exactly. */
export const maxEpoch = 2 ** 21 - 1;
/** The largest counter a leader gives out (semantics 7). */
export const maxCounter = 0xffff_fffe;

export const zeroZxid = 0 as Zxid;
export const noSession = 0n as SessionId;

/** @throws RangeError when epoch or counter is out of range. */
export function makeZxid(epoch: number, counter: number): Zxid {
	if (!Number.isInteger(epoch) || epoch < 0 || epoch > maxEpoch) {
		throw new RangeError(`epoch ${epoch} is outside 0..${maxEpoch}: this build cannot hold its zxids exactly`);
	}
	if (!Number.isInteger(counter) || counter < 0 || counter >= counters) {
		throw new RangeError(`counter ${counter} is outside 0..2^32-1`);
	}
	return (epoch * counters + counter) as Zxid;
}

export function epochOf(zxid: Zxid): number {
	return Math.floor(zxid / counters);
}

export function counterOf(zxid: Zxid): number {
	return zxid % counters;
}

export function nextZxid(zxid: Zxid): Zxid {
	return (zxid + 1) as Zxid;
}

/** True when `later` may stand right behind `earlier` in a history without a hole: its successor, or the first of a later epoch. */
export function isContiguous(earlier: Zxid, later: Zxid): boolean {
	if (later === earlier + 1) return true;
	return counterOf(later) === 1 && epochOf(later) > epochOf(earlier);
}

/** Lossless hexadecimal, the form people see: `0x500000012`. */
export function formatZxid(zxid: Zxid): string {
	return `0x${zxid.toString(16)}`;
}

/**
 * Reads what people type: hexadecimal with 0x, or decimal.
 * @throws RangeError naming the text when it is neither or too large.
 */
export function parseZxid(text: string): Zxid {
	const trimmed = text.trim();
	if (!/^(0x[0-9a-f]+|[0-9]+)$/i.test(trimmed)) {
		throw new RangeError(`"${text}" is not a zxid: write hexadecimal like 0x500000012, or decimal`);
	}
	return zxidFromBigInt(BigInt(trimmed));
}

/** @throws RangeError when the value does not fit (negative, or an epoch beyond maxEpoch). */
export function zxidFromBigInt(value: bigint): Zxid {
	if (value < 0n || value > BigInt(Number.MAX_SAFE_INTEGER)) {
		throw new RangeError(
			`zxid 0x${BigInt.asUintN(64, value).toString(16)} is outside what this build holds exactly (epoch ≤ ${maxEpoch})`,
		);
	}
	return Number(value) as Zxid;
}

/** The form people see of a session id: `0x10000314cd30019`. */
export function formatSessionId(id: SessionId): string {
	return `0x${id.toString(16)}`;
}

/** @throws RangeError naming the text when it is not an unsigned 64-bit number in hexadecimal or decimal. */
export function parseSessionId(text: string): SessionId {
	const trimmed = text.trim();
	if (!/^(0x[0-9a-f]+|[0-9]+)$/i.test(trimmed) || BigInt(trimmed) >= 1n << 64n) {
		throw new RangeError(`"${text}" is not a session id: write hexadecimal like 0x10000314cd30019, or decimal`);
	}
	return BigInt(trimmed) as SessionId;
}
