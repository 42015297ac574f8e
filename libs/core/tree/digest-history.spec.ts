import { expect, it } from 'vitest';
import type { Zxid } from '#jute/scalars';
import { DigestHistory } from './digest-history.ts';

it('76: keeps the digest of every 128th zxid and asks for no other', () => {
	const history = new DigestHistory();
	let asked = 0;
	for (let zxid = 1; zxid <= 300; zxid++) {
		history.reached(zxid as Zxid, {
			digest() {
				asked += 1;
				return BigInt(zxid * 10);
			},
		});
	}
	expect(history.entries()).toEqual([
		{ zxid: 128, digest: 1280n },
		{ zxid: 256, digest: 2560n },
	]);
	expect(asked).toBe(2);
});

it('76: keeps the last 1024', () => {
	const history = new DigestHistory();
	for (let at = 1; at <= 5000; at++) history.reached((at * 128) as Zxid, { digest: () => BigInt(at) });
	const entries = history.entries();
	expect(entries).toHaveLength(1024);
	expect(entries[0]).toEqual({ zxid: (5000 - 1023) * 128, digest: 3977n });
	expect(entries.at(-1)?.digest).toBe(5000n);
});
