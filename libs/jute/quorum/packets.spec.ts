import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JuteError, JuteReader, JuteWriter } from '../codec.ts';
import { QuorumPacketDecoder } from './packet-decoder.ts';
import { packetType, type QuorumPacket, readQuorumPacket, writeQuorumPacket } from './packets.ts';

const id = fc.record({ scheme: fc.string({ maxLength: 12 }), id: fc.string({ maxLength: 40 }) });
const anyPacket: fc.Arbitrary<QuorumPacket> = fc.record({
	type: fc.integer({ min: -1, max: 30 }),
	zxid: fc.oneof(fc.constant(-1), fc.maxSafeInteger()),
	data: fc.option(fc.uint8Array({ maxLength: 2000 })),
	authinfo: fc.option(fc.array(id, { maxLength: 4 })),
});

function encoded(...packets: QuorumPacket[]): Uint8Array {
	const writer = new JuteWriter();
	for (const packet of packets) writeQuorumPacket(writer, packet);
	return writer.view().slice();
}

function hex(text: string): Uint8Array {
	return Uint8Array.from(text.replaceAll(' ', '').match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}

function decodedInPieces(bytes: Uint8Array, sizes: readonly number[]): QuorumPacket[] {
	const decoder = new QuorumPacketDecoder(1 << 20);
	const found: QuorumPacket[] = [];
	for (let at = 0, i = 0; at < bytes.length; i++) {
		const size = sizes[i % sizes.length]!;
		decoder.push(bytes.slice(at, at + size));
		for (let packet = decoder.next(); packet !== null; packet = decoder.next()) found.push(packet);
		decoder.release();
		at += size;
	}
	return found;
}

describe('a quorum packet', () => {
	it('has no length and no tags around it', () => {
		const ack = { type: packetType.ack, zxid: 0x2_0000_0007, data: null, authinfo: null };
		expect(encoded(ack)).toEqual(hex('00000003 0000000200000007 ffffffff ffffffff'));
		const request = {
			type: packetType.request,
			zxid: -1,
			data: Uint8Array.of(7, 8),
			authinfo: [{ scheme: 'ip', id: 'x' }],
		};
		expect(encoded(request)).toEqual(hex('00000001 ffffffffffffffff 00000002 0708 00000001 00000002 6970 00000001 78'));
	});

	it('comes back the same', () => {
		fc.assert(
			fc.property(anyPacket, (packet) => {
				const reader = new JuteReader(encoded(packet));
				expect(readQuorumPacket(reader)).toEqual(packet);
				expect(reader.remaining).toBe(0);
			}),
		);
	});

	it('with a zxid beyond what a double holds is refused, written or read', () => {
		expect(() => encoded({ type: 2, zxid: 2 ** 53, data: null, authinfo: null })).toThrow(RangeError);
		const bytes = hex('00000002 0020000000000000 ffffffff ffffffff');
		expect(() => readQuorumPacket(new JuteReader(bytes))).toThrow(JuteError);
	});
});

describe('the decoder', () => {
	it('finds every packet, however the bytes are cut', () => {
		fc.assert(
			fc.property(
				fc.array(anyPacket, { minLength: 1, maxLength: 12 }),
				fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 6 }),
				(packets, sizes) => {
					expect(decodedInPieces(encoded(...packets), sizes)).toEqual(packets);
				},
			),
		);
	});

	it('finds packets whose bytes come one at a time', () => {
		fc.assert(
			fc.property(fc.array(anyPacket, { minLength: 1, maxLength: 3 }), (packets) => {
				expect(decodedInPieces(encoded(...packets), [1])).toEqual(packets);
			}),
			{ numRuns: 20 },
		);
	});

	it('leaves what is behind a packet to somebody else, and goes on behind that', () => {
		const [snap, newLeader] = [
			{ type: packetType.snap, zxid: 5, data: null, authinfo: null },
			{ type: packetType.newLeader, zxid: 0x1_0000_0000, data: null, authinfo: null },
		];
		const decoder = new QuorumPacketDecoder(1000);
		decoder.push(Uint8Array.of(...encoded(snap), 1, 2, 3, ...encoded(newLeader)));
		expect(decoder.next()).toEqual(snap);
		const rest = decoder.takeRest();
		expect(rest.subarray(0, 3)).toEqual(Uint8Array.of(1, 2, 3));
		expect(decoder.next()).toBeNull();
		decoder.push(rest.subarray(3));
		expect(decoder.next()).toEqual(newLeader);
		expect(decoder.next()).toBeNull();
	});

	it.each([
		['data of -2 bytes', '00000002 0000000000000001 fffffffe', /claims -2 bytes/],
		[
			'data beyond the limit',
			'00000002 0000000000000001 000003e9',
			/claims 1001 bytes.*0 and 1000 \(jute\.maxbuffer\)/,
		],
		['more identities than fit', '00000001 0000000000000001 ffffffff 0000007e', /claims 126 identities/],
		['-2 identities', '00000001 0000000000000001 ffffffff fffffffe', /claims -2 identities/],
		['an identity beyond the limit', '00000001 0000000000000001 ffffffff 00000001 00000400', /claims 1024 bytes/],
		['an identity of -2 bytes', '00000001 0000000000000001 ffffffff 00000001 fffffffe', /claims -2 bytes/],
		['a scheme that is null', '00000001 0000000000000001 ffffffff 00000001 ffffffff ffffffff', /type 1 is malformed/],
	])('refuses %s at once', (_, bytes, message) => {
		const decoder = new QuorumPacketDecoder(1000);
		decoder.push(hex(bytes));
		expect(() => decoder.next()).toThrow(message);
	});

	it('looks at no byte outside of the packets, whatever the bytes are', () => {
		fc.assert(
			fc.property(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 1, max: 40 }), (bytes, size) => {
				try {
					decodedInPieces(bytes, [size]);
				} catch (error) {
					expect(error).toBeInstanceOf(JuteError);
				}
			}),
			{ numRuns: 1000 },
		);
	});
});
