import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameDecoder, FrameError } from './frame-decoder.ts';

const maxFrameBytes = 2000;
const seed = 20_261_121;

function framed(body: Uint8Array): Uint8Array {
	const bytes = new Uint8Array(4 + body.length);
	new DataView(bytes.buffer).setInt32(0, body.length);
	bytes.set(body, 4);
	return bytes;
}

function length(value: number): Uint8Array {
	const bytes = new Uint8Array(4);
	new DataView(bytes.buffer).setInt32(0, value);
	return bytes;
}

/** Cuts bytes at these places, whatever their order. Each chunk has memory of its own, as a socket's have. */
function split(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
	const cuts = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
	return [0, ...cuts].map((from, index) => bytes.slice(from, cuts[index] ?? bytes.length));
}

/** What is read, as text: a frame's bytes are valid only until the next one. */
function readAll(decoder: FrameDecoder, most = Number.POSITIVE_INFINITY): string[] {
	const frames: string[] = [];
	while (frames.length < most && decoder.next()) frames.push(hex(decoder.bytes.subarray(decoder.start, decoder.end)));
	decoder.release();
	return frames;
}

function hex(bytes: Uint8Array): string {
	return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}

const bodies = fc.array(
	fc.oneof(
		{ weight: 5, arbitrary: fc.uint8Array({ maxLength: 40 }) },
		{ weight: 1, arbitrary: fc.uint8Array({ minLength: maxFrameBytes - 2, maxLength: maxFrameBytes }) },
	),
	{ maxLength: 20 },
);
const places = fc.array(fc.nat(100_000), { maxLength: 40 });

describe('FrameDecoder', () => {
	it('reads the same frames however the stream is cut into chunks', () => {
		fc.assert(
			fc.property(bodies, places, (all, cuts) => {
				const decoder = new FrameDecoder(maxFrameBytes);
				const read: string[] = [];
				for (const chunk of split(Buffer.concat(all.map(framed)), cuts)) {
					decoder.push(chunk);
					read.push(...readAll(decoder));
				}
				expect(read).toEqual(all.map(hex));
				expect(decoder.waitingBytes).toBe(0);
			}),
			{ seed, numRuns: 500 },
		);
	});

	it('reads the same frames when the reader stops between two and chunks come in meanwhile', () => {
		fc.assert(
			fc.property(bodies, places, fc.infiniteStream(fc.nat(3)), (all, cuts, stops) => {
				const decoder = new FrameDecoder(maxFrameBytes);
				const read: string[] = [];
				for (const chunk of split(Buffer.concat(all.map(framed)), cuts)) {
					decoder.push(chunk);
					read.push(...readAll(decoder, stops.next().value));
				}
				read.push(...readAll(decoder));
				expect(read).toEqual(all.map(hex));
				expect(decoder.waitingBytes).toBe(0);
			}),
			{ seed, numRuns: 500 },
		);
	});

	it('reads a stream that comes a byte at a time', () => {
		const all = [new Uint8Array(0), Uint8Array.of(1), new Uint8Array(700).fill(7), new Uint8Array(0)];
		const decoder = new FrameDecoder(maxFrameBytes);
		const read: string[] = [];
		for (const byte of Buffer.concat(all.map(framed))) {
			decoder.push(Uint8Array.of(byte));
			read.push(...readAll(decoder));
		}
		expect(read).toEqual(all.map(hex));
	});

	it.each([-1, -(2 ** 31), 2 ** 31 - 1, maxFrameBytes + 1])(
		'refuses the length %i, in one chunk or in pieces',
		(value) => {
			for (const size of [1, 2, 3, 4, 100]) {
				const decoder = new FrameDecoder(maxFrameBytes);
				const stream = Buffer.concat([framed(Uint8Array.of(5)), length(value), new Uint8Array(90)]);
				let frames = 0;
				expect(() => {
					for (let at = 0; at < stream.length; at += size) {
						decoder.push(stream.subarray(at, at + size));
						while (decoder.next()) frames += 1;
					}
				}, `chunks of ${size}`).toThrow(FrameError);
				expect(frames).toBe(1);
			}
		},
	);

	it('says what a length was and what it may be', () => {
		const decoder = new FrameDecoder(maxFrameBytes);
		decoder.push(length(-7));
		expect(() => decoder.next()).toThrow(
			'a frame claims -7 bytes: it must be between 0 and jute.maxbuffer, which is 2000',
		);
	});

	it('reads frames of no bytes and of exactly as many as are allowed', () => {
		const decoder = new FrameDecoder(maxFrameBytes);
		decoder.push(Buffer.concat([framed(new Uint8Array(0)), framed(new Uint8Array(maxFrameBytes))]));
		expect(readAll(decoder).map((frame) => frame.length / 2)).toEqual([0, maxFrameBytes]);
	});

	it('reserves memory for what has arrived, not for what a length claims', () => {
		const bytesBefore = process.memoryUsage().arrayBuffers;
		const decoders = Array.from({ length: 1000 }, () => {
			const decoder = new FrameDecoder(2 ** 30);
			decoder.push(Buffer.concat([length(2 ** 30), Uint8Array.of(1, 2, 3)]));
			expect(decoder.next()).toBe(false);
			decoder.release();
			return decoder;
		});
		expect(decoders.every((decoder) => decoder.waitingBytes === 7)).toBe(true);
		expect(process.memoryUsage().arrayBuffers - bytesBefore).toBeLessThan(8 << 20);
	});

	it('looks at the first four bytes without reading them, however they came', () => {
		fc.assert(
			fc.property(fc.uint8Array({ minLength: 1, maxLength: 4 }), places, (bytes, cuts) => {
				const decoder = new FrameDecoder(maxFrameBytes);
				for (const chunk of split(Buffer.concat([bytes, new Uint8Array(4 - bytes.length)]), cuts)) {
					decoder.push(chunk);
					decoder.peekInt();
				}
				const whole = new DataView(Uint8Array.of(...bytes, 0, 0, 0).buffer).getInt32(0);
				expect(decoder.peekInt()).toBe(whole);
				expect(decoder.waitingBytes).toBe(4);
			}),
			{ seed },
		);
		const decoder = new FrameDecoder(maxFrameBytes);
		decoder.push(Uint8Array.of(1, 2, 3));
		expect(decoder.peekInt()).toBeUndefined();
	});
});
