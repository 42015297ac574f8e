import { expect, it } from 'vitest';
import { Slab } from './slab.ts';

const filled = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value);

it('gives copies that do not change with their source or with each other', () => {
	const slab = new Slab();
	const source = filled(100, 1);
	const one = slab.copy(source);
	const other = slab.copy(filled(100, 2));
	source.fill(3);
	other.fill(4);
	expect(one).toEqual(filled(100, 1));
	expect(other.buffer).toBe(one.buffer);
});

it('begins a new one when the next does not fit', () => {
	const slab = new Slab();
	const copies = Array.from({ length: 20 }, (_, i) => slab.copy(filled(5000, i)));
	for (const [i, copy] of copies.entries()) expect(copy).toEqual(filled(5000, i));
	expect(new Set(copies.map(({ buffer }) => buffer)).size).toBe(2);
});

it('gives a long one memory of its own', () => {
	const slab = new Slab();
	const long = slab.copy(filled(100_000, 7));
	expect(long).toEqual(filled(100_000, 7));
	expect(long.buffer.byteLength).toBe(100_000);
	expect(slab.copy(new Uint8Array(0))).toEqual(new Uint8Array(0));
});

it('copies a Buffer into plain bytes', () => {
	for (const length of [3, 100_000]) {
		const copy = new Slab().copy(Buffer.alloc(length, 9));
		expect(Object.getPrototypeOf(copy)).toBe(Uint8Array.prototype);
	}
});

it('says where it has put one, long or short', () => {
	const slab = new Slab();
	const puts = [100, 50, 100_000, 60, 0, 8193, 5].map((length) => {
		const start = slab.put(filled(length, length & 0xff));
		return { length, start, memory: slab.memory };
	});
	for (const { length, start, memory } of puts) {
		expect(memory.subarray(start, start + length)).toEqual(filled(length, length & 0xff));
	}
	expect(new Set(puts.map(({ memory }) => memory)).size).toBe(3);
});
