import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Zxid } from '#jute/scalars';
import { contentCrc, getLong, nodeDigest, setLong, TreeDigest } from './digest.ts';

const stat = {
	czxid: 0x5_0000_0012 as Zxid,
	mzxid: 0x5_0000_0013 as Zxid,
	pzxid: 0x5_0000_0014 as Zxid,
	ctime: 1_795_245_767_566,
	mtime: -1,
	version: -2,
	cversion: 3,
	aversion: -4,
	ephemeralOwner: 0xff00_0000_0000_1388n,
};

it('76: a node adds the CRC-32 of path, data and Stat', () => {
	const data = Uint8Array.of(1, 2, 3);
	const times = Buffer.alloc(16);
	times.writeBigInt64BE(1_795_245_767_566n, 0);
	times.writeBigInt64BE(-1n, 8);
	const zxids = Buffer.from('000000050000001200000005000000130000000500000014', 'hex');
	const versionsAndOwner = Buffer.from('fffffffe00000003fffffffcff00000000001388', 'hex');
	const expected = crc32(Buffer.concat([Buffer.from('/é/a'), data, zxids, times, versionsAndOwner]));
	expect(nodeDigest('/é/a', contentCrc('/é/a', data), stat)).toBe(expected);
});

it('76: the root counts as the empty path, null as empty data, and nothing below /zookeeper counts', () => {
	expect(contentCrc('/', null)).toBe(0);
	expect(contentCrc('/a', null)).toBe(contentCrc('/a', new Uint8Array(0)));
	expect(nodeDigest('/zookeeper/config', 1, stat)).toBe(0);
	expect(nodeDigest('/zookeeper', 1, stat)).not.toBe(0);
	expect(nodeDigest('/zookeeperx/a', 1, stat)).not.toBe(0);
});

it('76: paths are UTF-8 as Java makes it, however long', () => {
	const java = (text: string) => Buffer.from(text);
	for (const path of ['/a', '/é', '/名前', '/😀', `/${'x'.repeat(10_000)}`, `/${'名'.repeat(10_000)}é`]) {
		expect(contentCrc(path, null), path).toBe(crc32(java(path)));
	}
	expect(contentCrc('/\ud800', null)).toBe(crc32(java('/?')));
	expect(contentCrc('/\udc00\ud800a', null)).toBe(crc32(java('/??a')));
});

it('76: the tree digest is an exact sum modulo 2^64', () => {
	const steps = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 0xffff_ffff })), { maxLength: 50 });
	fc.assert(
		fc.property(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), steps, (start, changes) => {
			const digest = TreeDigest.of(start);
			let expected = start;
			for (const [isAdded, value] of changes) {
				if (isAdded) digest.add(value);
				else digest.remove(value);
				expected = BigInt.asUintN(64, expected + (isAdded ? BigInt(value) : -BigInt(value)));
				expect(digest.value()).toBe(expected);
			}
		}),
	);
});

it('keeps every safe integer in 64 bits', () => {
	const view = new DataView(new ArrayBuffer(16));
	fc.assert(
		fc.property(fc.maxSafeInteger(), (value) => {
			setLong(view, 3, value);
			expect(view.getBigInt64(3)).toBe(BigInt(value));
			expect(getLong(view, 3)).toBe(value);
		}),
	);
});
