/**
 * One record of the transaction log: Adler-32 of the body (8 bytes), length of the body (4), body, 0x42. The body is the
 * transaction's header, the transaction, the digest, and, in what Chronokeeper wrote, the audit context and the durable mark.
 *
 * The durable mark is the last thing in a body: "CKDM" and the zxid up to which records were acknowledged as durable when this one was handed to the
 * file. It proves, after a power cut that wrote the pages of one write out of order, that the records behind a hole were never
 * acknowledged (records-behind.ts). It belongs to this file, not to the transaction: each replica's log has its own.
 */
import { assert } from '#core/model/assert';
import { encodedContext, writeAuditContext } from '#core/model/audit-context';
import type { TxnRecord } from '#core/model/txn-record';
import type { Zxid } from '#core/model/zxid';
import { adler32 } from '#jute/adler32';
import { JuteError, type JuteReader, type JuteWriter } from '#jute/codec';
import { decodeTxn, encodeTxn } from '#jute/txn-codec';

/** Checksum and length. */
export const recordHeadBytes = 12;
/** Behind each record. */
export const endMark = 0x42;
/** Head, a transaction's header and the end mark: no record is shorter. */
export const minRecordBytes = recordHeadBytes + 32 + 1;

const markMagic = 0x434b_444d;
const markBytes = 12;

/** Appends the record as it goes to disk. Without a durable mark it is, byte for byte, what ZooKeeper writes. */
export function encodeRecord(writer: JuteWriter, record: TxnRecord, durable: Zxid | null): void {
	const start = writer.position;
	writer.ensure(recordHeadBytes);
	writer.position = start + recordHeadBytes;
	// ZooKeeper would take the context for the digest.
	assert(record.context === null || record.digest !== null, 'a record with an audit context has a digest');
	if (record.encoded === undefined) {
		encodeTxn(writer, record.header, record.txn, record.digest);
		if (record.context !== null) writeAuditContext(writer, record.context);
	} else {
		writer.writeRaw(record.encoded);
	}
	if (durable !== null && record.digest !== null) {
		writer.writeInt(markMagic);
		writer.writeZxid(durable);
	}
	const end = writer.position;
	writer.writeByte(endMark);
	writer.position = start;
	writer.writeInt(0);
	writer.writeUint32(adler32(writer.bytes, start + recordHeadBytes, end));
	writer.writeInt(end - start - recordHeadBytes);
	writer.position = end + 1;
}

export interface DecodedRecord {
	readonly record: TxnRecord;
	/** The durable mark, null where there is none (ZooKeeper's own records). */
	readonly durable: Zxid | null;
}

/**
 * Decodes a body (what lies between length and end mark). Data and context are views of the reader's bytes.
 * @throws JuteError
 */
export function decodeBody(reader: JuteReader): DecodedRecord {
	const { header, txn, digest } = decodeTxn(reader);
	if (digest === null) return { record: { header, txn, digest, context: null }, durable: null };
	let end = reader.end;
	let durable: Zxid | null = null;
	const { bytes, position } = reader;
	if (end - position >= markBytes) {
		reader.position = end - markBytes;
		if (reader.readInt() === markMagic) {
			durable = readMark(reader);
			if (durable !== null) end -= markBytes;
		}
	}
	reader.position = reader.end;
	return { record: { header, txn, digest, context: encodedContext(bytes, position, end) }, durable };
}

function readMark(reader: JuteReader): Zxid | null {
	try {
		return reader.readZxid();
	} catch (error) {
		// Not a mark then, but bytes of someone's context that look like one.
		if (error instanceof JuteError) return null;
		throw error;
	}
}
