import { expect, it } from 'vitest';
import type { SessionId } from '../model/zxid.ts';
import { firstSessionId, isSessionPassword, sessionPassword } from './session-id.ts';

/** What `new java.util.Random(seed).nextInt()` gives, four times, by Java's own account. */
const javaInts: ReadonlyMap<bigint, readonly number[]> = new Map([
	[0n, [-1155484576, -723955400, 1033096058, -1690734402]],
	[42n, [-1170105035, 234785527, -1360544799, 205897768]],
]);

it('59: the password is what java.util.Random makes of the id and the fixed secret', () => {
	for (const [seed, ints] of javaInts) {
		const password = sessionPassword((seed ^ 0xb3415c00n) as SessionId);
		const view = new DataView(password.buffer);
		expect([0, 4, 8, 12].map((at) => view.getInt32(at, true))).toEqual(ints);
	}
});

it('59: the id is one byte server, five bytes time, two bytes that count from 0', () => {
	expect(firstSessionId(3, 0x12_3456_789a)).toBe(0x03_12_3456_789a_0000n);
	expect(firstSessionId(0x1ff, 0)).toBe(0xff00_0000_0000_0000n);
	expect(firstSessionId(1, 0x0b_1234_5678_9abc)).toBe(0x01_34_5678_9abc_0000n);
});

it('59: verifies its own password, and no other', () => {
	const id = 0x100_0012_3456_0001n as SessionId;
	const right = sessionPassword(id);
	expect(right).toHaveLength(16);
	expect(isSessionPassword(id, right)).toBe(true);
	expect(isSessionPassword((id + 1n) as SessionId, right)).toBe(false);
	expect(isSessionPassword(id, right.subarray(0, 15))).toBe(false);
	expect(isSessionPassword(id, new Uint8Array(16))).toBe(false);
	expect(isSessionPassword(id, null)).toBe(false);
	expect(isSessionPassword(0n as SessionId, sessionPassword(0n as SessionId))).toBe(false);
});
