import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JuteError, JuteReader, JuteWriter } from './codec.ts';
import { errorName, errorOf, errors } from './errors.ts';
import { opCode, opName } from './op-codes.ts';
import {
	type Acl,
	openAcl,
	readAcl,
	readStat,
	readStoredStat,
	type Stat,
	writeAcl,
	writeStat,
	writeStoredStat,
} from './records.ts';
import type { SessionId, Zxid } from './scalars.ts';
import type { SubTxn, Txn } from './txn.ts';
import { decodeTxn, encodeTxn, txnTypeCode, txnTypeName } from './txn-codec.ts';

const int = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const zxid = fc.maxSafeNat().map((value) => value as Zxid);
const long = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const path = fc.string({ maxLength: 40 });
const data = fc.option(fc.uint8Array({ maxLength: 40 }));
const acl: fc.Arbitrary<readonly Acl[]> = fc.oneof(
	fc.constant(openAcl),
	fc.array(fc.record({ perms: int, scheme: fc.string({ maxLength: 8 }), id: fc.string({ maxLength: 8 }) }), {
		maxLength: 3,
	}),
);

const subTxn: fc.Arbitrary<SubTxn> = fc.oneof(
	fc.record({
		kind: fc.constantFrom('create' as const, 'create2' as const),
		path,
		data,
		acl,
		ephemeral: fc.boolean(),
		parentCversion: int,
	}),
	fc.record({ kind: fc.constant('createContainer' as const), path, data, acl, parentCversion: int }),
	fc.record({
		kind: fc.constant('createTTL' as const),
		path,
		data,
		acl,
		parentCversion: int,
		ttlMs: fc.maxSafeInteger(),
	}),
	fc.record({ kind: fc.constantFrom('delete' as const, 'deleteContainer' as const), path }),
	fc.record({ kind: fc.constant('setData' as const), path, data, version: int }),
	fc.record({ kind: fc.constant('setACL' as const), path, acl, version: int }),
	fc.record({ kind: fc.constant('check' as const), path, version: int }),
	fc.record({ kind: fc.constant('error' as const), code: int }),
);
const relabelled: fc.Arbitrary<SubTxn> = fc
	.uint8Array({ maxLength: 30 })
	.filter((raw) => raw.length !== 4)
	.map((raw) => ({ kind: 'error', code: 0, raw }));
const txn: fc.Arbitrary<Txn> = fc.oneof(
	subTxn,
	fc.record({ kind: fc.constant('reconfig' as const), path, data, version: int }),
	fc.record({ kind: fc.constant('createSession' as const), timeoutMs: int }),
	fc.record({
		kind: fc.constant('closeSession' as const),
		paths: fc.array(fc.string({ minLength: 1, maxLength: 40 }), { maxLength: 4 }),
	}),
	fc.record({ kind: fc.constant('multi' as const), ops: fc.array(fc.oneof(subTxn, relabelled), { maxLength: 4 }) }),
);
const header = fc.record({ sessionId: long.map((id) => id as SessionId), cxid: int, zxid, time: fc.maxSafeInteger() });
const digest = fc.option(fc.record({ version: int, value: long }));

function encoded(...record: [Parameters<typeof encodeTxn>[1], Txn, Parameters<typeof encodeTxn>[3]]): Uint8Array {
	const writer = new JuteWriter(0);
	encodeTxn(writer, ...record);
	return writer.view().slice();
}

describe('transactions', () => {
	it('73: come back the same, of every kind', () => {
		fc.assert(
			fc.property(header, txn, digest, (head, body, sum) => {
				const reader = new JuteReader(encoded(head, body, sum));
				expect(decodeTxn(reader)).toEqual({ header: head, txn: body, digest: sum });
				expect(reader.remaining).toBe(0);
			}),
			{ numRuns: 500 },
		);
	});

	it('73: have ZooKeeper’s layout', () => {
		const head = {
			sessionId: 0x10000314cd30019n as SessionId,
			cxid: 7,
			zxid: 0x500000012 as Zxid,
			time: 1_700_000_000_000,
		};
		const bytes = encoded(
			head,
			{ kind: 'setData', path: '/a', data: Uint8Array.of(9), version: 3 },
			{ version: 2, value: 5n },
		);
		expect(Buffer.from(bytes).toString('hex')).toBe(
			'010000314cd30019 00000007 0000000500000012 0000018bcfe56800 00000005 00000002 2f61 00000001 09 00000003 00000002 0000000000000005'.replaceAll(
				' ',
				'',
			),
		);
	});

	it('73: a create of ZooKeeper 3.3 ends before parentCversion', () => {
		const head = { sessionId: 1n as SessionId, cxid: 1, zxid: 1 as Zxid, time: 0 };
		const now = encoded(
			head,
			{ kind: 'create', path: '/a', data: null, acl: openAcl, ephemeral: true, parentCversion: 5 },
			null,
		);
		const { txn: old } = decodeTxn(new JuteReader(now, 0, now.length - 4));
		expect(old).toMatchObject({ path: '/a', ephemeral: true, parentCversion: -1 });
	});

	it.each([null, { version: 2, value: 0xfedc_ba98_7654_3210n }])(
		'73: a closeSession may have no list of paths (digest %o)',
		(sum) => {
			const head = { sessionId: 1n as SessionId, cxid: 1, zxid: 1 as Zxid, time: 0 };
			const bytes = encoded(head, { kind: 'closeSession', paths: null }, sum);
			expect(bytes.length).toBe(sum === null ? 32 : 44);
			expect(decodeTxn(new JuteReader(bytes))).toEqual({
				header: head,
				txn: { kind: 'closeSession', paths: null },
				digest: sum,
			});
		},
	);

	it('leave what stands behind the digest to the caller', () => {
		const head = { sessionId: 1n as SessionId, cxid: 1, zxid: 1 as Zxid, time: 0 };
		const bytes = encoded(head, { kind: 'error', code: -101 }, { version: 2, value: 1n });
		const reader = new JuteReader(Uint8Array.of(...bytes, 1, 2, 3));
		decodeTxn(reader);
		expect(reader.remaining).toBe(3);
	});

	it('of a type that none has are refused by name', () => {
		const bytes = encoded(
			{ sessionId: 0n as SessionId, cxid: 0, zxid: 1 as Zxid, time: 0 },
			{ kind: 'error', code: 0 },
			null,
		);
		bytes[31] = 99;
		bytes[28] = bytes[29] = bytes[30] = 0;
		expect(() => decodeTxn(new JuteReader(bytes))).toThrow('type 99 (unknown(99)), which none has at offset 28');
		bytes[31] = opCode.getData;
		expect(() => decodeTxn(new JuteReader(bytes))).toThrow('type 4 (getData)');
	});

	it('an operation of a multi must use up its bytes and cannot be a multi', () => {
		const head = { sessionId: 0n as SessionId, cxid: 0, zxid: 1 as Zxid, time: 0 };
		const bytes = encoded(head, { kind: 'multi', ops: [{ kind: 'error', code: 0, raw: new Uint8Array(9) }] }, null);
		const type = new DataView(bytes.buffer);
		type.setInt32(36, opCode.delete);
		expect(() => decodeTxn(new JuteReader(bytes))).toThrow('5 bytes are left behind an operation of a multi (delete)');
		type.setInt32(36, opCode.multi);
		expect(() => decodeTxn(new JuteReader(bytes))).toThrow('type 14 (multi)');
		type.setInt32(36, opCode.error);
		type.setInt32(40, -1);
		expect(() => decodeTxn(new JuteReader(bytes))).toThrow('has no content');
	});

	it('that are cut or random are refused with a JuteError and nothing else', () => {
		const attempt = (bytes: Uint8Array) => {
			try {
				decodeTxn(new JuteReader(bytes));
			} catch (error) {
				if (!(error instanceof JuteError)) throw error;
			}
		};
		const types = Object.values(opCode).filter((code) => code < 23);
		fc.assert(
			fc.property(header, txn, digest, fc.nat(), fc.nat(255), (head, body, sum, at, value) => {
				const bytes = encoded(head, body, sum);
				attempt(bytes.subarray(0, at % bytes.length));
				bytes[at % bytes.length] = value;
				attempt(bytes);
			}),
			{ numRuns: 1000 },
		);
		fc.assert(
			fc.property(fc.constantFrom(...types), fc.uint8Array({ maxLength: 80 }), (type, tail) => {
				const bytes = new Uint8Array(32 + tail.length);
				new DataView(bytes.buffer).setInt32(28, type);
				bytes.set(tail, 32);
				attempt(bytes);
			}),
			{ numRuns: 2000 },
		);
	});

	it('have the codes of the op codes', () => {
		expect(txnTypeCode({ kind: 'closeSession', paths: [] })).toBe(-11);
		expect(txnTypeName(-11)).toBe('closeSession');
		expect(txnTypeName(5)).toBe('setData');
	});
});

describe('shared records', () => {
	const stored = {
		czxid: zxid,
		mzxid: zxid,
		ctime: fc.maxSafeInteger(),
		mtime: fc.maxSafeInteger(),
		version: int,
		cversion: int,
		aversion: int,
		ephemeralOwner: long,
		pzxid: zxid,
	};

	it('the two Stats come back the same, 60 and 68 bytes long', () => {
		const stat: fc.Arbitrary<Stat> = fc.record({ ...stored, dataLength: int, numChildren: int });
		fc.assert(
			fc.property(stat, (value) => {
				const writer = new JuteWriter();
				writeStat(writer, value);
				expect(writer.position).toBe(68);
				writeStoredStat(writer, value);
				expect(writer.position).toBe(128);
				const reader = new JuteReader(writer.view());
				expect(readStat(reader)).toEqual(value);
				const { dataLength: _, numChildren: __, ...persisted } = value;
				expect(readStoredStat(reader)).toEqual(persisted);
			}),
		);
	});

	it('34: the open ACL is the same object whenever it is read, and written as any list is', () => {
		const writer = new JuteWriter();
		writeAcl(writer, openAcl);
		const length = writer.position;
		writeAcl(writer, [{ perms: 31, scheme: 'world', id: 'anyone' }]);
		const bytes = writer.view();
		expect(bytes.subarray(0, length)).toEqual(bytes.subarray(length));
		expect(readAcl(new JuteReader(bytes))).toBe(openAcl);
	});

	it('35: a null ACL list is read as an empty one', () => {
		expect(readAcl(new JuteReader(Uint8Array.of(255, 255, 255, 255)))).toEqual([]);
	});

	it('34: a null id is an empty one, as Kazoo sends it for auth, and malformed where the scheme takes it apart', () => {
		const withNullId = (scheme: string | null): JuteReader => {
			const writer = new JuteWriter();
			for (const number of [1, 31]) writer.writeInt(number);
			for (const text of [scheme, null]) writer.writeString(text);
			return new JuteReader(writer.view());
		};
		expect(readAcl(withNullId('auth'))).toEqual([{ perms: 31, scheme: 'auth', id: '' }]);
		expect(readAcl(withNullId('sasl'))).toEqual([{ perms: 31, scheme: 'sasl', id: '' }]);
		expect(readAcl(withNullId(null))).toEqual([{ perms: 31, scheme: '', id: '' }]);
		for (const scheme of ['world', 'digest', 'ip']) expect(() => readAcl(withNullId(scheme))).toThrow(JuteError);
	});
});

describe('catalogues', () => {
	it('have each code once', () => {
		const codes = Object.values(errors).map((entry) => entry.code);
		expect(new Set(codes).size).toBe(codes.length);
		expect(new Set(Object.values(opCode)).size).toBe(Object.keys(opCode).length);
	});

	it('name codes, also those they do not have', () => {
		expect(errorName(-101)).toBe('NoNode');
		expect(errorOf(-125)).toBe(errors.quotaExceeded);
		expect(errorOf(-126).message).toContain('-126');
		expect(opName(107)).toBe('whoAmI');
		expect(opName(10)).toBeUndefined();
	});
});
