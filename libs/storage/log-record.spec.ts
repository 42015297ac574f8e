import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AuditContext, readAuditContext } from '#core/model/audit-context';
import type { TxnRecord } from '#core/model/txn-record';
import type { SessionId, Zxid } from '#core/model/zxid';
import { proposal, recordOf } from '#core/zab/messages';
import { JuteReader, JuteWriter } from '#jute/codec';
import { sampleRecord } from '#test/contract/txn-log.contract';
import { decodeBody, encodeRecord, recordHeadBytes } from './log-record.ts';

function roundTrip(written: TxnRecord, mark: Zxid | null) {
	const writer = new JuteWriter();
	encodeRecord(writer, written, mark);
	const { record, durable } = decodeBody(new JuteReader(writer.bytes, recordHeadBytes, writer.position - 1));
	return { record: { ...record, context: readAuditContext(record.context) }, durable };
}

const contexts: fc.Arbitrary<AuditContext> = fc.record({
	traceparent: fc.string(),
	identities: fc.array(fc.record({ scheme: fc.string(), id: fc.string({ unit: 'grapheme' }) }), { maxLength: 4 }),
	address: fc.string(),
	door: fc.constantFrom('grpc' as const, 'zookeeper' as const, 'http' as const, 'system' as const),
	requestId: fc.string({ unit: 'grapheme' }),
});

describe('a record of the log', () => {
	it('comes back with its context and its durable mark', () => {
		fc.assert(
			fc.property(contexts, fc.option(fc.maxSafeNat()), (context, durable) => {
				const record = { ...sampleRecord(7), context };
				expect(roundTrip(record, durable as Zxid | null)).toEqual({ record, durable });
			}),
		);
	});

	it('of a later version keeps its context as bytes, with and without a mark', () => {
		fc.assert(
			fc.property(fc.uint8Array({ minLength: 1, maxLength: 60 }), fc.option(fc.maxSafeNat()), (rest, durable) => {
				const context = Uint8Array.of(0x43, 0x4b, 0x41, 0x43, 2, ...rest);
				const record = { ...sampleRecord(7), context };
				expect(roundTrip(record, durable as Zxid | null)).toEqual({ record, durable });
			}),
		);
	});

	it('of ZooKeeper has neither, and an error of its has no digest', () => {
		const record = { ...sampleRecord(7), context: null };
		expect(roundTrip(record, null)).toEqual({ record, durable: null });
		const header = { sessionId: 5n as SessionId, cxid: 1, zxid: 9 as Zxid, time: 3 };
		const error: TxnRecord = { header, txn: { kind: 'error', code: -101 }, digest: null, context: null };
		expect(roundTrip(error, 8 as Zxid)).toEqual({ record: error, durable: null });
	});

	it('with a context and no digest is never written: ZooKeeper would take the one for the other', () => {
		const record = { ...sampleRecord(7), digest: null };
		expect(() => encodeRecord(new JuteWriter(), record, null)).toThrow(/has a digest/);
	});

	it('has the bytes that it came with from another replica, which are those it would be given here', () => {
		fc.assert(
			fc.property(contexts, fc.nat({ max: 5 }), fc.option(fc.maxSafeNat()), (context, at, durable) => {
				const record = { ...sampleRecord(at + 1), context };
				const [here, received] = [new JuteWriter(), new JuteWriter()];
				encodeRecord(here, record, durable as Zxid | null);
				encodeRecord(received, recordOf(proposal(record)), durable as Zxid | null);
				expect(received.view()).toEqual(here.view());
			}),
		);
		const other = recordOf(proposal(sampleRecord(2)));
		expect(roundTrip({ ...sampleRecord(1), encoded: other.encoded }, null).record.header).toEqual(other.header);
	});

	it('of an error carries digest and context too', () => {
		const record: TxnRecord = { ...sampleRecord(7), txn: { kind: 'error', code: -110 } };
		expect(roundTrip(record, 6 as Zxid)).toEqual({ record, durable: 6 });
	});
});
