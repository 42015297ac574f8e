/** Session ids and their passwords, as every ZooKeeper server makes them: each can verify what another gave out (semantics 59). */
import type { SessionId } from '#jute/scalars';

const superSecret = 0xb341_5c00n;
const passwordLength = 16;

// The 48-bit linear congruential generator of java.util.Random.
const multiplier = 0x5_deec_e66dn;
const increment = 0xbn;
const mask48 = (1n << 48n) - 1n;

/** One byte server id, five bytes of the time in milliseconds, two bytes that count from 0. */
export function firstSessionId(serverId: number, timeMs: number): SessionId {
	const time = (BigInt(Math.floor(timeMs)) << 16n) & 0x00ff_ffff_ffff_0000n;
	return ((BigInt(serverId & 0xff) << 56n) | time) as SessionId;
}

export function sessionPassword(id: SessionId): Uint8Array {
	const password = new Uint8Array(passwordLength);
	let seed = (id ^ superSecret ^ multiplier) & mask48;
	for (let at = 0; at < passwordLength; at += 4) {
		seed = (seed * multiplier + increment) & mask48;
		const word = Number(seed >> 16n);
		for (let byte = 0; byte < 4; byte++) password[at + byte] = (word >>> (8 * byte)) & 0xff;
	}
	return password;
}

/** Takes the same time wherever the first difference is. Session 0 has no password. */
export function isSessionPassword(id: SessionId, password: Uint8Array | null): boolean {
	if (id === 0n || password?.length !== passwordLength) return false;
	const right = sessionPassword(id);
	let difference = 0;
	for (let at = 0; at < passwordLength; at++) difference |= right[at]! ^ password[at]!;
	return difference === 0;
}
