import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JuteWriter } from '#jute/codec';
import {
	type AuditContext,
	encodedContext,
	readAuditContext,
	traceparentOf,
	writeAuditContext,
} from './audit-context.ts';

const context: AuditContext = {
	traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
	identities: [
		{ scheme: 'ip', id: '203.0.113.7' },
		{ scheme: 'digest', id: 'zoë:Zm9v' },
	],
	address: '203.0.113.7:51234',
	door: 'zookeeper',
	requestId: 'r-1',
};

function bytesOf(value: AuditContext | Uint8Array): Uint8Array {
	const writer = new JuteWriter(1);
	writeAuditContext(writer, value);
	return writer.view();
}

describe('the audit context', () => {
	it('has the bytes that its description says', () => {
		const small: AuditContext = {
			traceparent: 't',
			identities: [{ scheme: 's', id: 'é' }],
			address: '',
			door: 'grpc',
			requestId: 'r',
		};
		const expected = [
			'434b4143',
			'01',
			'0001',
			'74',
			'0001',
			'0001',
			'73',
			'0002',
			'c3a9',
			'0000',
			'0004',
			'67727063',
			'0001',
			'72',
		];
		expect(Buffer.from(bytesOf(small)).toString('hex')).toBe(expected.join(''));
	});

	it('comes back as it was', () => {
		expect(readAuditContext(bytesOf(context))).toEqual(context);
	});

	it('is null where there are no bytes', () => {
		expect(readAuditContext(encodedContext(new Uint8Array(0), 0))).toBeNull();
		expect(encodedContext(bytesOf(context), 3, 3)).toBeNull();
		expect(encodedContext(bytesOf(context), 3, 5)).toEqual(bytesOf(context).subarray(3, 5));
	});

	it('of another version, or with more than this one has, is kept as bytes and written as they are', () => {
		const later = bytesOf(context).slice();
		later[4] = 2;
		const longer = Uint8Array.of(...bytesOf(context), 9);
		const otherDoor = bytesOf({ ...context, door: 'carrier pigeon' as 'grpc' }).slice();
		for (const raw of [later, longer, otherDoor, Uint8Array.of(1, 2, 3)]) {
			const kept = readAuditContext(raw);
			expect(kept).toEqual(raw);
			expect(bytesOf(kept as Uint8Array)).toEqual(raw);
		}
	});

	it('tells of its trace without being read', () => {
		const later = bytesOf(context).slice();
		later[4] = 2;
		expect(traceparentOf(context)).toBe(context.traceparent);
		expect(traceparentOf(bytesOf(context))).toBe(context.traceparent);
		for (const none of [null, bytesOf({ ...context, traceparent: '' }), later, Uint8Array.of(1)])
			expect(traceparentOf(none)).toBe('');
	});

	it('cut anywhere is bytes, never an exception', () => {
		const whole = bytesOf(context);
		for (let cut = 1; cut < whole.length; cut++)
			expect(readAuditContext(whole.subarray(0, cut))).toBeInstanceOf(Uint8Array);
	});

	it('reads anything without an exception, and writes back what it does not know', () => {
		fc.assert(
			fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), fc.boolean(), (bytes, withMagic) => {
				const raw = withMagic ? Uint8Array.of(0x43, 0x4b, 0x41, 0x43, 1, ...bytes) : bytes;
				const found = readAuditContext(raw);
				if (found instanceof Uint8Array) expect(bytesOf(found)).toEqual(raw);
			}),
		);
	});

	it('never holds up a transaction: what is longer than 16 bits can say is cut', () => {
		const ascii = readAuditContext(bytesOf({ ...context, requestId: 'x'.repeat(100_000) })) as AuditContext;
		expect(ascii.requestId).toBe('x'.repeat(65_535));
		const wide = readAuditContext(bytesOf({ ...context, requestId: '漢'.repeat(60_000) })) as AuditContext;
		expect(wide.requestId).toBe('漢'.repeat(21_845));
	});
});
