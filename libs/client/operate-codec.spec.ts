import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
	OperateRequest,
	OperateResponse,
	type OperateResponse_Item,
	type Operation,
} from '#proto/chronokeeper/v1/session';
import { type ItemListener, OperateDecoder } from './operate-decoder.ts';
import { OperateEncoder } from './operate-encoder.ts';

const bigUint64 = fc.oneof(
	fc.bigInt({ min: 0n, max: 300n }),
	fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
	fc.constantFrom(2n ** 28n - 1n, 2n ** 28n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n),
);
const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const optional = <T>(one: fc.Arbitrary<T>) => fc.option(one, { nil: undefined });
const path = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constant('/a/b'), fc.constant('x'.repeat(300)));
const data = fc.oneof(
	fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
	fc.constant(Buffer.alloc(70_000, 7)),
);

describe('requests', () => {
	const read = fc.record({ path, consistency: optional(fc.integer({ min: 0, max: 3 })), watch: fc.boolean() });
	const acl = fc.record({ perms: fc.nat(31), id: fc.constant({ scheme: 'world', id: 'anyone' }) });
	const create = fc.record({
		path,
		data: optional(data),
		mode: fc.integer({ min: 0, max: 8 }),
		acl: fc.array(acl, { maxLength: 2 }),
		ttlMs: fc.constantFrom(0n, 0n, 5n, 2n ** 63n),
	});
	const version = optional(int32);
	const op = fc.oneof(
		read.map((value) => ({ $case: 'get' as const, value })),
		read.map((value) => ({ $case: 'exists' as const, value })),
		create.map((value) => ({ $case: 'create' as const, value })),
		fc.record({ path, data: optional(data), version }).map((value) => ({ $case: 'set' as const, value })),
		fc.record({ path, version }).map((value) => ({ $case: 'delete' as const, value })),
		path.map((one) => ({ $case: 'sync' as const, value: { path: one } })),
		fc.constant(undefined),
	);
	const operation = fc.record({
		id: fc.integer({ min: 0, max: 2 ** 30 - 1 }),
		op,
		traceparent: fc.constantFrom('', '', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'),
		sentAtZxid: optional(bigUint64),
	});

	it('are what the generated code reads as what was meant, message behind message', () => {
		const encoder = new OperateEncoder();
		fc.assert(
			fc.property(fc.array(operation, { maxLength: 5 }), (sent) => {
				const operations = sent as Operation[];
				encoder.begin();
				for (const { id, op: one, traceparent, sentAtZxid } of operations)
					encoder.add(id, one, traceparent, sentAtZxid);
				const before = encoder.finish();
				const copy = Buffer.from(before);
				// What is written behind it does not change it.
				encoder.begin();
				for (const { id, op: one, traceparent, sentAtZxid } of operations)
					encoder.add(id, one, traceparent, sentAtZxid);
				expect(encoder.length).toBe(copy.length);
				expect(before).toEqual(copy);
				expect(OperateRequest.decode(before)).toEqual({ begin: undefined, operations });
			}),
		);
	});
});

describe('responses', () => {
	const stat = fc.record({
		czxid: bigUint64,
		mzxid: bigUint64,
		pzxid: bigUint64,
		ctimeMs: bigUint64.map((one) => BigInt.asIntN(64, one)),
		mtimeMs: bigUint64.map((one) => BigInt.asIntN(64, one)),
		version: int32,
		cversion: int32,
		aversion: int32,
		ephemeralOwner: bigUint64,
		dataLength: int32,
		numChildren: int32,
	});
	const zxid = bigUint64;
	const result = fc.oneof(
		fc.record({ data: optional(data), stat: optional(stat), zxid }).map((value) => ({ $case: 'get' as const, value })),
		fc.record({ path, stat: optional(stat), zxid }).map((value) => ({ $case: 'create' as const, value })),
		fc.record({ stat: optional(stat), zxid }).map((value) => ({ $case: 'set' as const, value })),
		fc.record({ stat: optional(stat), zxid }).map((value) => ({ $case: 'exists' as const, value })),
		fc.record({ zxid }).map((value) => ({ $case: 'delete' as const, value })),
		fc.record({ path, zxid }).map((value) => ({ $case: 'sync' as const, value })),
		fc.constant({ $case: 'whoAmI' as const, value: { identities: [] } }),
		fc.constant(undefined),
	);
	const reply = fc
		.record({ id: fc.nat(), result, traceparent: fc.constantFrom('', '', 'x') })
		.map((value) => ({ $case: 'reply' as const, value }));
	const other = fc.constantFrom(
		{ $case: 'goingAway' as const, value: { reason: 'for a reason' } },
		{ $case: 'attached' as const, value: { timeoutMs: 5, zxid: 6n } },
	);
	const items = fc.array(
		fc.oneof({ weight: 9, arbitrary: reply }, { weight: 1, arbitrary: other }).map((item) => ({ item })),
		{ maxLength: 6 },
	);

	function read(decoder: OperateDecoder, bytes: Buffer): OperateResponse_Item['item'][] {
		const told: OperateResponse_Item['item'][] = [];
		const listener: ItemListener = {
			reply: (id, answer) => told.push({ $case: 'reply', value: { id, result: answer, traceparent: '' } }),
			item: (item) => told.push(item),
			isDone: false,
		};
		decoder.decode(bytes, listener);
		return told;
	}

	it('are what the generated code makes of them', () => {
		const decoder = new OperateDecoder();
		fc.assert(
			fc.property(items, (sent) => {
				const bytes = Buffer.from(OperateResponse.encode({ items: sent as OperateResponse_Item[] }).finish());
				const expected = OperateResponse.decode(bytes).items.map(({ item }) =>
					item?.$case === 'reply' ? { $case: 'reply', value: { ...item.value, traceparent: '' } } : item,
				);
				expect(read(decoder, bytes)).toEqual(expected);
			}),
		);
	});

	it('that are cut off or damaged are an error, or something else; they end', () => {
		const decoder = new OperateDecoder();
		fc.assert(
			fc.property(items, fc.nat(), fc.nat(255), (sent, where, byte) => {
				const bytes = Buffer.from(OperateResponse.encode({ items: sent as OperateResponse_Item[] }).finish());
				if (bytes.length === 0) return;
				const damaged = Buffer.from(bytes);
				damaged[where % bytes.length] = byte;
				for (const one of [damaged, bytes.subarray(0, where % bytes.length)]) {
					try {
						read(decoder, one);
					} catch (error) {
						expect(error).toBeInstanceOf(Error);
					}
				}
			}),
		);
	});
});
