import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CopyRow, readCopy } from './copy-reader.ts';
import { CopyRows, originalText, storableText } from './copy-rows.ts';

async function* chunked(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
	for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

describe('CopyRows', () => {
	const row = fc.record({
		zxid: fc.maxSafeNat(),
		owner: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
		version: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
		ms: fc.integer({ min: -210_866_803_200_000, max: 8_640_000_000_000 }),
		text: fc.string({ unit: 'grapheme', maxLength: 300 }),
		data: fc.option(fc.uint8Array({ maxLength: 200 })),
	});

	it('writes what the reader reads, however the stream is cut', async () => {
		await fc.assert(
			fc.asyncProperty(fc.array(row, { maxLength: 20 }), fc.integer({ min: 1, max: 100 }), async (rows, size) => {
				const copy = new CopyRows();
				for (const { zxid, owner, version, ms, text, data } of rows) {
					copy.beginRow(6);
					copy.int8(zxid);
					copy.big8(owner);
					copy.int4(version);
					copy.time(ms);
					copy.text(text);
					copy.bytea(data);
				}
				const read: unknown[] = [];
				await readCopy(chunked(copy.finish(), size), (it: CopyRow) => {
					const [zxid, owner, version, ms, text] = [it.int8(), it.big8(), it.int4(), it.time(), it.text()];
					const data = it.bytea();
					read.push({ zxid, owner, version, ms, text, data: data === null ? null : new Uint8Array(data) });
				});
				expect(read).toEqual(rows.map((it) => ({ ...it, data: it.data === null ? null : new Uint8Array(it.data) })));
			}),
			{ numRuns: 200 },
		);
	});

	it('refuses a stream that ends in the middle of a row', async () => {
		const copy = new CopyRows();
		copy.beginRow(1);
		copy.int8(7);
		const bytes = copy.finish();
		await expect(readCopy(chunked(bytes.subarray(0, bytes.length - 4), 64), () => undefined)).rejects.toThrow(
			'into a row',
		);
	});
});

it('gives the same stream when a batch is written again', () => {
	const copy = new CopyRows();
	copy.beginRow(1);
	copy.int4(7);
	const first = Buffer.from(copy.finish());
	expect(copy.finish()).toEqual(first);
});

describe('storableText', () => {
	it('gives text that PostgreSQL can hold, and loses nothing', () => {
		const unit = fc.oneof(fc.constantFrom('\0', '\u2400', '\ud800', '\udc00', '😀', '0', 'u', 'a'), fc.string());
		fc.assert(
			fc.property(fc.array(unit), (units) => {
				const text = units.join('');
				const stored = storableText(text);
				expect(stored).not.toContain('\0');
				expect(stored.isWellFormed()).toBe(true);
				expect(originalText(stored)).toBe(text);
			}),
		);
	});
});
