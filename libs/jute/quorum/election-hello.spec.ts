import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JuteError, JuteWriter } from '../codec.ts';
import { type ElectionHello, readElectionHello, writeElectionHello } from './election-hello.ts';

function encoded(hello: ElectionHello): Uint8Array {
	const writer = new JuteWriter();
	writeElectionHello(writer, hello);
	return writer.view().slice();
}

/** A hello with this text as its address. */
function saying(text: string, version = -65_536n, serverId = 3n): Uint8Array {
	const bytes = Buffer.alloc(20 + text.length);
	bytes.writeBigInt64BE(version, 0);
	bytes.writeBigInt64BE(serverId, 8);
	bytes.writeInt32BE(text.length, 16);
	bytes.write(text, 20, 'latin1');
	return bytes;
}

describe('the hello on an election port', () => {
	it('has the version, the server id and the address', () => {
		expect(Buffer.from(encoded({ serverId: 3, addresses: [{ host: '10.0.0.1', port: 3888 }] })).toString('hex')).toBe(
			`ffffffffffff0000000000000000000300000 00d${Buffer.from('10.0.0.1:3888').toString('hex')}`.replace(' ', ''),
		);
	});

	it('takes the newer form for several addresses', () => {
		const addresses = [
			{ host: 'zk-1.local', port: 3888 },
			{ host: '2001:db8::1', port: 3889 },
		];
		const bytes = encoded({ serverId: 3, addresses });
		expect(Buffer.from(bytes).readBigInt64BE()).toBe(-65_535n);
		expect(Buffer.from(bytes).toString('latin1', 20)).toBe('zk-1.local:3888|[2001:db8::1]:3889');
		expect(readElectionHello(bytes)).toEqual({ hello: { serverId: 3, addresses }, length: bytes.length });
	});

	it('is complete with its last byte and not before, whatever follows', () => {
		const bytes = encoded({ serverId: 1, addresses: [{ host: '::1', port: 1 }] });
		for (let length = 0; length < bytes.length; length++)
			expect(readElectionHello(bytes.subarray(0, length))).toBeNull();
		expect(readElectionHello(Uint8Array.of(...bytes, 9, 9))?.length).toBe(bytes.length);
	});

	it('of ZooKeeper 3.4 is the server id alone', () => {
		expect(readElectionHello(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 2, 0, 0))).toEqual({
			hello: { serverId: 2, addresses: [] },
			length: 8,
		});
	});

	it.each([
		['a version that is not known', saying('a:1', -65_537n), /version -65537/],
		['a negative server id', saying('a:1', -65_536n, -1n), /server id -1/],
		['an observer without an id', saying('a:1', -65_536n, 2n ** 63n - 1n), /server id beyond/],
		['an observer without an id, of ZooKeeper 3.3', saying('', 2n ** 63n - 1n), /server id beyond/],
		['no address', saying(''), /claims 0 bytes/],
		['a long address', saying('a'.repeat(2049)), /claims 2049 bytes/],
		['an address without a port', saying('host'), /"host" is no election address of server 3/],
		['an address with port 0', saying('host:0'), /no election address/],
		['an address with two ports', saying('host:1:2'), /no election address/],
		['one bad address of two', saying('host:1|', -65_535n), /"" is no election address/],
		['a bracket that is not closed', saying('[::1:3888'), /no election address/],
	])('with %s is refused', (_, bytes, message) => {
		expect(() => readElectionHello(bytes)).toThrow(message);
	});

	it('that is none is refused or not complete', () => {
		fc.assert(
			fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
				try {
					readElectionHello(bytes);
				} catch (error) {
					expect(error).toBeInstanceOf(JuteError);
				}
			}),
		);
	});
});
