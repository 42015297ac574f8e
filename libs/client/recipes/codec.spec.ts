import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { integerCodec, jsonCodec, textCodec } from './codec.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

describe('codecs', () => {
	it('integers of any size come back, and are what Kazoo writes and reads', () => {
		fc.assert(
			fc.property(fc.bigInt(), (value) => {
				expect(integerCodec.decode(integerCodec.encode(value))).toBe(value);
			}),
		);
		expect(integerCodec.encode(-12n)).toEqual(bytes('-12'));
		expect(integerCodec.decode(bytes(''))).toBe(0n);
		expect(integerCodec.decode(bytes('+7\n'))).toBe(7n);
	});

	it.each(['1.5', 'x', '-', '0x10', '1 2'])('%s is no integer', (text) => {
		expect(() => integerCodec.decode(bytes(text))).toThrow('is no integer');
	});

	it('text that is no UTF-8 is refused, not changed; a mark at its beginning stays', () => {
		expect(() => textCodec.decode(new Uint8Array([0xff]))).toThrow(TypeError);
		expect(textCodec.decode(textCodec.encode('\ufeffa雪'))).toBe('\ufeffa雪');
	});

	it('JSON is checked where there is a check, and undefined is none', () => {
		const codec = jsonCodec((value) => {
			if (typeof value !== 'number') throw new TypeError('no number');
			return value;
		});
		expect(codec.decode(codec.encode(4))).toBe(4);
		expect(() => codec.decode(bytes('"4"'))).toThrow('no number');
		expect(() => jsonCodec<unknown>().encode(undefined)).toThrow('undefined is nothing that JSON has');
	});
});
