import { describe, expect, it } from 'vitest';
import {
	protocolVersion,
	readLeaderInfo,
	readLearnerInfo,
	writeLeaderInfo,
	writeLearnerInfo,
} from '#jute/quorum/learner-info';
import {
	readRevalidated,
	readRevalidation,
	readTouches,
	writeRevalidated,
	writeRevalidation,
	writeTouches,
} from '#jute/quorum/session-data';
import type { SessionId } from '#jute/scalars';
import { txnRecord } from '#test/sim/scripted-peer';
import { type AuditContext, readAuditContext } from '../model/audit-context.ts';
import { makeZxid } from '../model/zxid.ts';
import {
	type ForwardedRequest,
	packet,
	proposal,
	recordOf,
	requestOf,
	requestPacket,
	syncRequest,
} from './messages.ts';

const context: AuditContext = {
	traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
	identities: [{ scheme: 'digest', id: 'ada:x' }],
	address: '192.0.2.7',
	door: 'grpc',
	requestId: 'r1',
};
const sessionId = 0xf000_0000_0000_0001n as SessionId;

describe('what is inside packets', () => {
	it('a learner introduces itself with ZooKeeper’s 20 bytes, and a mark behind them that ZooKeeper does not read', () => {
		const info = { serverId: 3, protocolVersion, configVersion: makeZxid(1, 2), isMarked: true };
		const bytes = writeLearnerInfo(info);
		expect([...bytes.subarray(0, 20)]).toEqual([0, 0, 0, 0, 0, 0, 0, 3, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2]);
		expect(readLearnerInfo(bytes)).toEqual(info);
		expect(readLearnerInfo(bytes.subarray(0, 20))).toEqual({ ...info, isMarked: false });
		expect(() => readLearnerInfo(bytes.subarray(0, 12))).toThrow('needs 8 bytes');
	});

	it('78: a leader says its version in four bytes, and behind them that its snapshots are exact', () => {
		const bytes = writeLeaderInfo({ protocolVersion, isExact: true, isMarked: true });
		expect([...bytes.subarray(0, 4)]).toEqual([0, 1, 0, 0]);
		expect(readLeaderInfo(bytes)).toEqual({ protocolVersion, isExact: true, isMarked: true });
		expect([...writeLeaderInfo({ protocolVersion, isExact: false, isMarked: false })]).toEqual([0, 1, 0, 0]);
		expect(readLeaderInfo(Uint8Array.of(0, 1, 0, 0))).toEqual({ protocolVersion, isExact: false, isMarked: false });
		expect(readLeaderInfo(Uint8Array.of(0, 1, 0, 0, 1, 2, 3, 4))).toEqual({
			protocolVersion,
			isExact: false,
			isMarked: false,
		});
	});

	it('62: touches, and 58, 65: revalidation', () => {
		const touches = new Map([[sessionId, 4000]]);
		expect(readTouches(writeTouches(touches))).toEqual(touches);
		expect([...writeTouches(touches)]).toEqual([0xf0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0x0f, 0xa0]);
		expect(() => readTouches(new Uint8Array(13))).toThrow('needs 8 bytes');
		expect(readRevalidation(writeRevalidation(sessionId, 4000))).toEqual({ sessionId, timeoutMs: 4000 });
		expect(readRevalidated(writeRevalidated(sessionId, true))).toEqual({ sessionId, isValid: true });
		expect(writeRevalidated(sessionId, true)).toHaveLength(9);
	});

	it('a proposal carries the transaction, its digest and the audit context', () => {
		const record = { ...txnRecord(makeZxid(2, 1)), context };
		const read = recordOf(proposal(record));
		expect({ ...read, context: readAuditContext(read.context) }).toEqual(record);
		expect(() => recordOf({ ...proposal(record), zxid: makeZxid(2, 2) })).toThrow(
			'carries the transaction 0x200000001',
		);
		expect(() => recordOf(packet(2, 1))).toThrow('carries no data');
	});

	it('39: a forwarded request has identities and context, and its body where ZooKeeper’s leader looks for it', () => {
		const request: ForwardedRequest = {
			sessionId,
			cxid: 9,
			type: 5,
			body: Uint8Array.of(1, 2, 3),
			identities: context.identities,
			context,
		};
		const sent = requestPacket(request);
		expect(sent.zxid).toBe(-1);
		expect([...sent.data!.subarray(0, 19)]).toEqual([0xf0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 9, 0, 0, 0, 5, 1, 2, 3]);
		expect(requestOf(sent, true)).toEqual(request);
		expect(requestOf(requestPacket({ ...request, context: null }), true)).toEqual({ ...request, context: null });
	});

	it('39: a client behind a ZooKeeper server cannot say who it is', () => {
		const forged = requestPacket({ ...syncRequest(sessionId, 1, '/a'), context });
		const request = requestOf(forged, false);
		expect(request.context).toBeNull();
		expect(request.identities).toEqual([]);
	});

	it('a context that claims more bytes than there are is malformed', () => {
		const data = requestPacket(syncRequest(sessionId, 1, '/a')).data!.slice();
		data.set([0x7f, 0, 0, 0], data.length - 4);
		expect(() => requestOf(packet(1, -1, data), true)).toThrow('length of the audit context');
		expect(() => requestOf(packet(1, -1, data.subarray(0, 17)), true)).toThrow('needs 4 bytes');
	});
});
