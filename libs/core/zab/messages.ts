/** What leader and learners tell each other, as packets: their order is the business of the leader's and the learner's folders. */
import { JuteError, JuteReader, JuteWriter } from '#jute/codec';
import { opCode } from '#jute/op-codes';
import { packetType, type QuorumPacket } from '#jute/quorum/packets';
import type { Id } from '#jute/records';
import type { SessionId, Zxid } from '#jute/scalars';
import { Slab } from '#jute/slab';
import { decodeTxn, encodeTxn } from '#jute/txn-codec';
import { readUtf8, utf8Length, writeUtf8 } from '#jute/utf8';
import { type AuditContext, encodedContext, readAuditContext, writeAuditContext } from '../model/audit-context.ts';
import type { TxnRecord } from '../model/txn-record.ts';
import { makeZxid, maxEpoch } from '../model/zxid.ts';
import { parseQuorumConfig } from './parse-quorum-config.ts';
import type { QuorumConfig } from './quorum-config.ts';
import { QuorumError } from './quorum-error.ts';

/** A request that a learner's client made and that the leader is to perform. */
export interface ForwardedRequest {
	readonly sessionId: SessionId;
	readonly cxid: number;
	/** An operation's code. */
	readonly type: number;
	/** As the client protocol has it. */
	readonly body: Uint8Array;
	readonly identities: readonly Id[];
	/** Null when the learner is an Apache ZooKeeper server. */
	readonly context: AuditContext | null;
}

/** Where a packet has no zxid. */
const noZxid = -1;
const names = new Map<number, string>(Object.entries(packetType).map(([name, code]) => [code, name.toUpperCase()]));

/** `PROPOSAL 0x500000012`, for people. */
export function describePacket(packet: QuorumPacket): string {
	const name = names.get(packet.type) ?? `a packet of the unknown type ${packet.type}`;
	return packet.zxid < 0 ? name : `${name} 0x${packet.zxid.toString(16)}`;
}

export function packet(type: number, zxid: number = noZxid, data: Uint8Array | null = null): QuorumPacket {
	return { type, zxid, data, authinfo: null };
}

/** @throws QuorumError when the packet carries nothing */
/** @param isRefusing the leader takes no new writes at the moment: what it says of that in `data` a ZooKeeper does not look at */
export function ping(zxid: Zxid, isRefusing: boolean): QuorumPacket {
	return packet(packetType.ping, zxid, isRefusing ? Uint8Array.of(1) : null);
}

export function isRefusing({ data }: QuorumPacket): boolean {
	return data?.[0] === 1;
}

export function dataOf(packet: QuorumPacket): Uint8Array {
	if (packet.data === null) throw new QuorumError(`${describePacket(packet)} carries no data`);
	return packet.data;
}

/** @throws QuorumError when the packet's zxid is none */
export function zxidOf(packet: QuorumPacket): Zxid {
	if (packet.zxid < 0) throw new QuorumError(`${describePacket(packet)} has no zxid (${packet.zxid})`);
	return packet.zxid as Zxid;
}

/** The zxid that stands for an epoch as a whole: FOLLOWERINFO, LEADERINFO, NEWLEADER and its ack have it. */
export function epochZxid(epoch: number): Zxid {
	if (epoch > maxEpoch) throw new QuorumError(`epoch ${epoch} is more than this build can hold (${maxEpoch})`);
	return makeZxid(epoch, 0);
}

/** Text as it is, without a length. */
export function textData(text: string): Uint8Array {
	const data = new Uint8Array(utf8Length(text));
	writeUtf8(text, data, 0);
	return data;
}

export function textOf(data: Uint8Array): string {
	return readUtf8(data, 0, data.length);
}

const writer = new JuteWriter(4096);
/** Proposals live until they are applied, requests until they are sent. */
const slab = new Slab();

/** A transaction as it stands in the log: header, body, digest, and the audit context behind them. */
export function encodeRecord(record: TxnRecord, prefix: bigint | null = null): Uint8Array {
	writer.reset();
	if (prefix !== null) writer.writeLong(prefix);
	encodeTxn(writer, record.header, record.txn, record.digest);
	if (record.context !== null) writeAuditContext(writer, record.context);
	return slab.copy(writer.view());
}

/** The same without a prefix, encoded once for all who need it. */
export function encodedOf(record: TxnRecord): Uint8Array {
	return (record.encoded ??= encodeRecord(record));
}

export function proposal(record: TxnRecord): QuorumPacket {
	return packet(packetType.proposal, record.header.zxid, encodedOf(record));
}

/** The transaction of a PROPOSAL, an INFORM or (behind `start` bytes) an INFORMANDACTIVATE. Data are views of the packet's. */
export function recordOf(packet: QuorumPacket, start = 0): TxnRecord {
	const data = dataOf(packet);
	if (start > data.length) throw new QuorumError(`${describePacket(packet)} is cut short`);
	const record = decodeRecord(start === 0 ? data : data.subarray(start));
	const { zxid } = record.header;
	if (zxid !== packet.zxid) {
		throw new QuorumError(`${describePacket(packet)} carries the transaction 0x${zxid.toString(16)}`);
	}
	return record;
}

/** What encodeRecord() gave without a prefix. Data are views of the bytes. @throws JuteError */
export function decodeRecord(bytes: Uint8Array): TxnRecord {
	const reader = new JuteReader(bytes);
	const { header, txn, digest } = decodeTxn(reader);
	return { header, txn, digest, context: encodedContext(bytes, reader.position), encoded: bytes };
}

/** The configuration that a reconfiguration sets. @throws QuorumConfigError */
export function configOfRecord({ txn }: TxnRecord): QuorumConfig | null {
	return txn.kind === 'reconfig' && txn.data !== null ? configIn(txn.data) : null;
}

/** NEWLEADER carries one. @throws QuorumConfigError */
export function configIn(data: Uint8Array): QuorumConfig {
	return parseQuorumConfig(textOf(data));
}

/** COMMITANDACTIVATE and INFORMANDACTIVATE begin with the server that is to lead from then on. */
export function designatedLeaderOf(packet: QuorumPacket): number {
	return new JuteReader(dataOf(packet)).readSafeLong();
}

/** The body, the audit context and its length: ZooKeeper's leader reads as far as the body goes. */
export function requestPacket(request: ForwardedRequest): QuorumPacket {
	writer.reset();
	writer.writeSessionId(request.sessionId);
	writer.writeInt(request.cxid);
	writer.writeInt(request.type);
	writer.writeRaw(request.body);
	const contextAt = writer.position;
	if (request.context !== null) writeAuditContext(writer, request.context);
	writer.writeInt(writer.position - contextAt);
	return { type: packetType.request, zxid: noZxid, data: slab.copy(writer.view()), authinfo: request.identities };
}

/**
 * The body is a view of the packet's data.
 * @param hasContext whether a Chronokeeper sent it. Behind a request through a ZooKeeper server stands what its client chose to write there.
 */
export function requestOf(packet: QuorumPacket, hasContext: boolean): ForwardedRequest {
	const data = dataOf(packet);
	const reader = new JuteReader(data);
	const sessionId = reader.readSessionId();
	const cxid = reader.readInt();
	const type = reader.readInt();
	const start = reader.position;
	const identities = packet.authinfo ?? [];
	if (!hasContext) return { sessionId, cxid, type, body: data.subarray(start), identities, context: null };
	reader.position = Math.max(start, data.length - 4);
	const end = data.length - 4 - reader.readInt();
	if (end < start || end > data.length - 4)
		throw new JuteError('the length of the audit context is wrong', data.length - 4);
	const context = readAuditContext(encodedContext(data, end, data.length - 4));
	return {
		sessionId,
		cxid,
		type,
		body: data.subarray(start, end),
		identities,
		context: context instanceof Uint8Array ? null : context,
	};
}

export function syncRequest(sessionId: SessionId, cxid: number, path: string): ForwardedRequest {
	const body = new JuteWriter(path.length + 4);
	body.writeString(path);
	return { sessionId, cxid, type: opCode.sync, body: body.view(), identities: [], context: null };
}
