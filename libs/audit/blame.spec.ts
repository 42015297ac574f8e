import { expect, it } from 'vitest';
import type { Zxid } from '#jute/scalars';
import { blameLines, type DataVersion } from './blame.ts';
import { lineOrigins } from './line-origins.ts';

function version(zxid: number, data: string | Uint8Array | null, isHidden = false): DataVersion {
	const by = {
		zxid: zxid as Zxid,
		timeMs: zxid,
		principal: null,
		address: null,
		door: null,
		requestId: null,
		traceId: null,
	};
	return { by, data: typeof data === 'string' ? new TextEncoder().encode(data) : data, isHidden };
}

const blamed = (...versions: DataVersion[]) =>
	blameLines(versions)?.map(({ line, by }) => `${by.zxid} ${line}`) ?? null;

it('a line is blamed on the transaction that brought it, however it moved since', () => {
	expect(
		blamed(
			version(1, 'host=db1\nport=5432\npool=10\n'),
			version(2, 'host=db2\nport=5432\npool=10\n'),
			version(3, '# by ops\nhost=db2\nport=5432\npool=20\n'),
			version(4, '# by ops\nport=5432\nhost=db2\npool=20\nssl=on'),
		),
	).toEqual(['3 # by ops', '1 port=5432', '4 host=db2', '3 pool=20', '4 ssl=on']);
});

it('data that were bytes or hidden in between begin anew; at the end there are no lines', () => {
	expect(blamed(version(1, 'a'), version(2, Uint8Array.of(0xff, 0)), version(3, 'a\nb'))).toEqual(['3 a', '3 b']);
	expect(blamed(version(1, 'a'), version(2, null, true), version(3, 'a'))).toEqual(['3 a']);
	expect(blamed(version(1, 'a'), version(2, Uint8Array.of(0xc3, 0x28)))).toBeNull();
	expect(blamed(version(1, 'a'), version(2, null))).toEqual([]);
	expect(blamed()).toEqual([]);
});

it('origins are in order, of equal lines, and as many as there can be', () => {
	let seed = 7;
	const random = (n: number) => {
		seed = (seed * 48_271) % 2_147_483_647;
		return seed % n;
	};
	for (let round = 0; round < 300; round++) {
		const text = () => Array.from({ length: random(12) }, () => String(random(4)));
		const [before, after] = [text(), text()];
		const origins = [...lineOrigins(before, after)];
		const kept = origins.filter((it) => it !== -1);
		expect(kept).toEqual([...new Set(kept)].sort((a, b) => a - b));
		for (const [at, origin] of origins.entries()) if (origin !== -1) expect(after[at]).toBe(before[origin]);
		expect(kept.length, `${before} | ${after}`).toBe(longest(before, after));
	}
});

/** The plain definition. */
function longest(a: readonly string[], b: readonly string[]): number {
	if (a.length === 0 || b.length === 0) return 0;
	const table = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
	for (let i = 1; i <= a.length; i++) {
		for (let j = 1; j <= b.length; j++) {
			table[i]![j] = a[i - 1] === b[j - 1] ? table[i - 1]![j - 1]! + 1 : Math.max(table[i - 1]![j]!, table[i]![j - 1]!);
		}
	}
	return table[a.length]![b.length]!;
}
