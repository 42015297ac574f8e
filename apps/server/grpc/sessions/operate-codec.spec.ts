/** The codec of the stream is the generated one's equal: what either writes the other reads as the same. */
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { WatchEvent } from '#core/model/op';
import type { SessionId, Zxid } from '#core/model/zxid';
import type { DataTree } from '#core/tree/data-tree';
import type { Stat } from '#jute/records';
import {
	OperateRequest,
	OperateResponse,
	type OperateResponse_Item,
	Operation,
	type Reply,
} from '#proto/chronokeeper/v1/session';
import { stat as statMessage } from '../znode-responses.ts';
import { OperateFrame } from './operation-decoder.ts';
import { ProtoError, ProtoReader } from './proto-reader.ts';
import { ProtoWriter } from './proto-writer.ts';
import * as encoder from './response-encoder.ts';

const uint32 = fc.oneof(fc.constantFrom(0, 1, 127, 128, 2 ** 32 - 1), fc.integer({ min: 0, max: 2 ** 32 - 1 }));
const int32 = fc.oneof(fc.constantFrom(0, 1, -1, -(2 ** 31), 2 ** 31 - 1), fc.integer());
const text = fc.oneof(fc.string(), fc.string({ unit: 'grapheme', maxLength: 300 }));
const path = fc.oneof(text, fc.constantFrom('/a', '/a/b'));
const bytes = fc.uint8Array({ maxLength: 400 });
const data = fc.option(bytes, { nil: undefined });
const version = fc.option(int32, { nil: undefined });
const consistency = fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined });
const acl = fc.array(fc.record({ perms: uint32, id: fc.record({ scheme: text, id: text }) }), { maxLength: 2 });
const ttlMs = fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }));
const read = { path, consistency, watch: fc.boolean() };
const list = { ...read, prefix: text, pageSize: uint32, pageToken: text };

const values = {
	create: fc.record({ path, data, mode: fc.integer({ min: 0, max: 9 }), acl, ttlMs }),
	get: fc.record(read),
	set: fc.record({ path, data, version }),
	delete: fc.record({ path, version }),
	exists: fc.record(read),
	listChildren: fc.record(list),
	sync: fc.record({ path }),
	addWatch: fc.record({ path, kind: fc.integer({ min: 0, max: 5 }), withData: fc.boolean() }),
	removeWatches: fc.record({ path, type: fc.integer({ min: 0, max: 6 }), checkOnly: fc.boolean() }),
	keepAlive: fc.record({}),
	getAcl: fc.record({ path, consistency }),
	setAcl: fc.record({ path, acl, aversion: version }),
	whoAmI: fc.record({}),
	getEphemerals: fc.record({ prefix: text, consistency }),
	getAllChildrenNumber: fc.record({ path, consistency }),
	authenticate: fc.record({ scheme: text, credentials: bytes }),
	closeSession: fc.record({}),
} as const;

const operation = fc
	.oneof(
		...Object.entries(values).map(([$case, value]) =>
			fc.record({
				id: uint32,
				op: fc.record({ $case: fc.constant($case), value }),
				traceparent: text,
				sentAtZxid: fc.option(ttlMs, { nil: undefined }),
			}),
		),
		fc.record({
			id: uint32,
			op: fc.constant(undefined),
			traceparent: text,
			sentAtZxid: fc.option(ttlMs, { nil: undefined }),
		}),
	)
	.map((one) => one as unknown as Operation);

/** As the generated code reads it, with plain arrays of bytes. */
function plain(value: unknown): unknown {
	return JSON.parse(
		JSON.stringify(value, (_, one: unknown) => {
			if (typeof one === 'bigint') return `${one}n`;
			return one instanceof Uint8Array ? [...one] : one;
		}) ?? 'null',
	);
}

function decoded(frame: Uint8Array): { begin: OperateRequest['begin']; operations: Operation[] } {
	const decoder = new OperateFrame(frame);
	const operations: Operation[] = [];
	for (let next = decoder.next(); next !== undefined; next = decoder.next()) operations.push(next);
	return { begin: decoder.begin, operations };
}

describe('an OperateRequest', () => {
	it('is read as the generated code reads it', () => {
		const begin = fc.oneof(
			fc.constant(undefined),
			fc.record({
				$case: fc.constant('open' as const),
				value: fc.record({ timeoutMs: uint32, repeatable: fc.boolean() }),
			}),
			fc.record({
				$case: fc.constant('attach' as const),
				value: fc.record({
					sessionId: ttlMs,
					password: bytes,
					timeoutMs: uint32,
					lastZxidSeen: ttlMs,
					repeatable: fc.boolean(),
				}),
			}),
		);
		fc.assert(
			fc.property(begin, fc.array(operation, { maxLength: 8 }), (first, operations) => {
				const frame = OperateRequest.encode({ begin: first, operations }).finish();
				const expected = OperateRequest.decode(frame);
				expect(plain(decoded(frame))).toEqual(plain(expected));
			}),
			{ numRuns: 500 },
		);
	});

	it('may have fields that nobody knows, in any place', () => {
		const unknown = fc.oneof(
			fc.record({ tag: fc.constant((900 << 3) | 0), write: fc.constant((w: BinaryWriter) => w.uint64(2n ** 63n)) }),
			fc.record({ tag: fc.constant((900 << 3) | 1), write: fc.constant((w: BinaryWriter) => w.fixed64(7n)) }),
			fc.record({ tag: fc.constant((900 << 3) | 2), write: fc.constant((w: BinaryWriter) => w.string('unknown')) }),
			fc.record({ tag: fc.constant((900 << 3) | 5), write: fc.constant((w: BinaryWriter) => w.fixed32(7)) }),
			fc.record({
				tag: fc.constant((900 << 3) | 3),
				write: fc.constant((w: BinaryWriter) =>
					w
						.uint32((1 << 3) | 0)
						.uint32(5)
						.uint32((900 << 3) | 4),
				),
			}),
		);
		fc.assert(
			fc.property(operation, unknown, unknown, (one, before, behind) => {
				const inner = new BinaryWriter();
				before.write(inner.uint32(before.tag));
				Operation.encode(one, inner);
				behind.write(inner.uint32(behind.tag));
				const writer = new BinaryWriter();
				behind.write(writer.uint32(behind.tag));
				writer.uint32((3 << 3) | 2).bytes(inner.finish());
				before.write(writer.uint32(before.tag));
				const frame = writer.finish();
				const known = OperateRequest.encode({ begin: undefined, operations: [one] }).finish();
				expect(plain(decoded(frame))).toEqual(plain(decoded(known)));
			}),
		);
	});

	it('that is random or mutated bytes is read or refused, never read beyond its end', () => {
		fc.assert(
			fc.property(
				fc.array(operation, { maxLength: 4 }),
				fc.nat(),
				fc.nat({ max: 255 }),
				fc.nat(),
				(ops, at, byte, cut) => {
					const frame = OperateRequest.encode({ begin: undefined, operations: ops }).finish();
					const mutated = frame.slice(0, frame.length - (cut % (frame.length + 1) > 8 ? 0 : cut % (frame.length + 1)));
					if (mutated.length > 0) mutated[at % mutated.length] = byte;
					try {
						decoded(mutated);
					} catch (error) {
						expect(error).toBeInstanceOf(ProtoError);
					}
				},
			),
			{ numRuns: 2000 },
		);
	});

	it.each([
		['a length beyond its end', [0x1a, 0x05, 0x08]],
		['a number that is cut off', [0x1a, 0x02, 0x08, 0x80]],
		['a number of eleven bytes', [0x20, ...Array<number>(10).fill(0xff), 1]],
		['a field with the number 0', [0x00, 0x01]],
		['a wire type that there is not', [0x1f]],
		['the end of a group that never began', [0x24]],
		['a group without an end', [0x23, 0x08, 0x01]],
	])('with %s is refused', (_, wrong) => {
		expect(() => decoded(Uint8Array.from(wrong))).toThrow(ProtoError);
	});
});

const zxid = fc
	.oneof(fc.constantFrom(0, 1, 2 ** 32, 2 ** 53 - 1), fc.integer({ min: 0, max: 2 ** 53 - 1 }))
	.map((value) => value as Zxid);
const time = fc.oneof(fc.integer({ min: -(2 ** 53), max: 2 ** 53 - 1 }), fc.constant(1_800_000_000_000));
const stat: fc.Arbitrary<Stat> = fc.record({
	czxid: zxid,
	mzxid: zxid,
	pzxid: zxid,
	ctime: time,
	mtime: time,
	version: int32,
	cversion: int32,
	aversion: int32,
	ephemeralOwner: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((value) => value as SessionId),
	dataLength: fc.nat(),
	numChildren: fc.nat(),
});

describe('an item', () => {
	/** What the generated code reads, and that it would write the same message. */
	function items(write: (writer: ProtoWriter) => void): OperateResponse_Item['item'][] {
		// Small: it has to grow.
		const writer = new ProtoWriter(16);
		write(writer);
		return OperateResponse.decode(Uint8Array.from(writer.view())).items.map(({ item }) => item);
	}
	const reply = (id: number, result: unknown, traceparent: string) => ({
		$case: 'reply',
		value: { id, result, traceparent },
	});

	it('is read by the generated code as what was written, whatever stands in front of it', () => {
		const children = fc.array(text, { maxLength: 40 });
		fc.assert(
			fc.property(
				fc.record({ id: uint32, name: text, data, of: stat, zxid, traceparent: text, children, count: fc.nat() }),
				({ id, name, data: some, of, zxid: at, traceparent, children: names, count }) => {
					const [whole, last] = [statMessage(of), BigInt(at)];
					const found = items((writer) => {
						encoder.writeCreated(writer, id, name, of, at, traceparent);
						encoder.writeGot(writer, id, some ?? null, of, at, traceparent);
						encoder.writeStatReply(writer, id, 'set', of, at, traceparent);
						encoder.writeStatReply(writer, id, 'exists', undefined, at, traceparent);
						encoder.writeStatReply(writer, id, 'setAcl', of, at, traceparent);
						encoder.writeZxid(writer, id, 'delete', at, traceparent);
						encoder.writeZxid(writer, id, 'closeSession', at, traceparent);
						encoder.writeSynced(writer, id, name, at, traceparent);
						encoder.writeCount(writer, id, count, at, traceparent);
						encoder.writeChildren(writer, id, names, name, of, at, traceparent);
						encoder.writeEncoded(writer, id, 'getEphemerals', { paths: names, zxid: last }, traceparent);
					});
					const expected = [
						{ $case: 'create', value: { path: name, stat: whole, zxid: last } },
						{ $case: 'get', value: { data: some, stat: whole, zxid: last } },
						{ $case: 'set', value: { stat: whole, zxid: last } },
						{ $case: 'exists', value: { stat: undefined, zxid: last } },
						{ $case: 'setAcl', value: { stat: whole, zxid: last } },
						{ $case: 'delete', value: { zxid: last } },
						{ $case: 'closeSession', value: { zxid: last } },
						{ $case: 'sync', value: { path: name, zxid: last } },
						{ $case: 'getAllChildrenNumber', value: { count, zxid: last } },
						{ $case: 'listChildren', value: { children: names, stat: whole, zxid: last, nextPageToken: name } },
						{ $case: 'getEphemerals', value: { paths: names, zxid: last } },
					].map((result) => reply(id, result, traceparent));
					expect(plain(found)).toEqual(plain(expected));
				},
			),
			{ numRuns: 500 },
		);
	});

	it('that is an event is read by the generated code as what happened', () => {
		fc.assert(
			fc.property(path, stat, data, fc.oneof(fc.constant(-1), zxid), (where, of, some, at) => {
				const event: WatchEvent = { type: 'nodeDataChanged', path: where, zxid: at };
				const tree = { stat: () => of, data: () => some ?? null } as unknown as DataTree;
				const found = items((writer) => {
					encoder.writeEvent(writer, event, undefined);
					encoder.writeEvent(writer, event, tree);
				});
				const told = { type: 3, path: where, zxid: at < 0 ? undefined : BigInt(at) };
				expect(plain(found)).toEqual(
					plain([
						{ $case: 'event', value: { ...told, stat: undefined, data: undefined } },
						{ $case: 'event', value: { ...told, stat: statMessage(of), data: some } },
					]),
				);
			}),
		);
	});

	it.each([0, 100, 127, 128, 16_383, 16_384, 70_000, 3_000_000])('may have %d bytes of data', (length) => {
		const some = new Uint8Array(length).fill(7);
		const of = { czxid: 0, mzxid: 0, pzxid: 0, ctime: 0, mtime: 0, version: 0, cversion: 0, aversion: 0 };
		const whole = { ...of, ephemeralOwner: 0n, dataLength: length, numChildren: 0 } as unknown as Stat;
		const [item] = items((writer) => encoder.writeGot(writer, 7, some, whole, 1 as Zxid, ''));
		const { result } = (item as { value: Reply }).value;
		expect(result?.$case === 'get' && Buffer.compare(result.value.data!, some)).toBe(0);
	});
});

describe('a number', () => {
	it('of ten bytes is read as its lowest 32 bits', () => {
		fc.assert(
			fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (value) => {
				const reader = new ProtoReader();
				reader.reset(new BinaryWriter().uint64(value).finish());
				expect(reader.uint32()).toBe(Number(value & 0xffff_ffffn));
				reader.position = 0;
				expect(reader.bool()).toBe(value !== 0n);
			}),
		);
	});
});
