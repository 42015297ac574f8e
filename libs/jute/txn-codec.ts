/** A transaction as ZooKeeper logs and replicates it: header, body, and behind them the tree's digest. */
import { JuteError, type JuteReader, type JuteWriter } from './codec.ts';
import { opCode, opName } from './op-codes.ts';
import { readAcl, type TxnDigest, type TxnHeader, writeAcl } from './records.ts';
import type { CreateTxn, ErrorTxn, MultiTxn, SubTxn, Txn } from './txn.ts';

export interface DecodedTxn {
	readonly header: TxnHeader;
	readonly txn: Txn;
	/** Null where the record ends behind the body, as ZooKeeper's error transactions do. */
	readonly digest: TxnDigest | null;
}

const digestBytes = 12;
const digestVersion = 2;
/** The least a multi's operation takes: its type and the length of its body. */
const minOpBytes = 8;

/** The type in the transaction's header. */
export function txnTypeCode(txn: Txn): number {
	return opCode[txn.kind];
}

/** `setData` for 5; `unknown(99)` for a type that no transaction has. */
export function txnTypeName(code: number): string {
	return opName(code) ?? `unknown(${code})`;
}

export function encodeTxn(writer: JuteWriter, header: TxnHeader, txn: Txn, digest: TxnDigest | null = null): void {
	writer.ensure(32);
	writer.writeSessionId(header.sessionId);
	writer.writeInt(header.cxid);
	writer.writeZxid(header.zxid);
	writer.writeSafeLong(header.time);
	writer.writeInt(opCode[txn.kind]);
	writeTxnBody(writer, txn);
	if (digest !== null) writeTxnDigest(writer, digest);
}

export function writeTxnDigest(writer: JuteWriter, digest: TxnDigest): void {
	writer.writeInt(digest.version);
	writer.writeLong(digest.value);
}

/**
 * Decodes one record from the reader's position. Data are views of the reader's bytes. What stands behind the digest (the audit
 * context) is left to the caller, and so are fewer bytes than a digest has, as ZooKeeper does.
 */
export function decodeTxn(reader: JuteReader): DecodedTxn {
	const sessionId = reader.readSessionId();
	const cxid = reader.readInt();
	const zxid = reader.readZxid();
	const time = reader.readSafeLong();
	const type = reader.readInt();
	const txn = type === opCode.closeSession ? readCloseSession(reader) : readTxnBody(reader, type);
	const digest = reader.remaining >= digestBytes ? { version: reader.readInt(), value: reader.readLong() } : null;
	return { header: { sessionId, cxid, zxid, time }, txn, digest };
}

function writeTxnBody(writer: JuteWriter, txn: Txn): void {
	switch (txn.kind) {
		case 'setData':
		case 'reconfig':
			writer.writeString(txn.path);
			writer.writeBuffer(txn.data);
			writer.writeInt(txn.version);
			return;
		case 'create':
		case 'create2':
			writer.writeString(txn.path);
			writer.writeBuffer(txn.data);
			writeAcl(writer, txn.acl);
			writer.writeBool(txn.ephemeral);
			writer.writeInt(txn.parentCversion);
			return;
		case 'createContainer':
			writer.writeString(txn.path);
			writer.writeBuffer(txn.data);
			writeAcl(writer, txn.acl);
			writer.writeInt(txn.parentCversion);
			return;
		case 'createTTL':
			writer.writeString(txn.path);
			writer.writeBuffer(txn.data);
			writeAcl(writer, txn.acl);
			writer.writeInt(txn.parentCversion);
			writer.writeSafeLong(txn.ttlMs);
			return;
		case 'delete':
		case 'deleteContainer':
			writer.writeString(txn.path);
			return;
		case 'setACL':
			writer.writeString(txn.path);
			writeAcl(writer, txn.acl);
			writer.writeInt(txn.version);
			return;
		case 'check':
			writer.writeString(txn.path);
			writer.writeInt(txn.version);
			return;
		case 'error':
			if (txn.raw === undefined) writer.writeInt(txn.code);
			else writer.writeRaw(txn.raw);
			return;
		case 'multi':
			writeMulti(writer, txn);
			return;
		case 'createSession':
			writer.writeInt(txn.timeoutMs);
			return;
		case 'closeSession':
			if (txn.paths === null) return;
			writer.writeInt(txn.paths.length);
			for (const path of txn.paths) writer.writeString(path);
			return;
		default:
			txn satisfies never;
	}
}

function writeMulti(writer: JuteWriter, txn: MultiTxn): void {
	writer.writeInt(txn.ops.length);
	for (const op of txn.ops) {
		writer.writeInt(opCode[op.kind]);
		const lengthAt = writer.position;
		writer.writeInt(0);
		writeTxnBody(writer, op);
		writer.patchInt(lengthAt, writer.position - lengthAt - 4);
	}
}

function readTxnBody(reader: JuteReader, type: number): Txn {
	switch (type) {
		case opCode.createSession:
			return { kind: 'createSession', timeoutMs: reader.readInt() };
		case opCode.error:
			return { kind: 'error', code: reader.readInt() };
		case opCode.multi:
			return readMulti(reader);
		case opCode.reconfig:
			return {
				kind: 'reconfig',
				path: reader.readRequiredString(),
				data: reader.readBuffer(),
				version: reader.readInt(),
			};
		default:
			return readSubTxn(reader, type);
	}
}

/** The transactions that can be operations of a multi, too; not the error, whose length there is not its own. */
function readSubTxn(reader: JuteReader, type: number): Exclude<SubTxn, ErrorTxn> {
	switch (type) {
		case opCode.setData:
			return {
				kind: 'setData',
				path: reader.readRequiredString(),
				data: reader.readBuffer(),
				version: reader.readInt(),
			};
		case opCode.create:
			return readCreate(reader, 'create');
		case opCode.create2:
			return readCreate(reader, 'create2');
		case opCode.createContainer:
			return {
				kind: 'createContainer',
				path: reader.readRequiredString(),
				data: reader.readBuffer(),
				acl: readAcl(reader),
				parentCversion: reader.readInt(),
			};
		case opCode.createTTL:
			return {
				kind: 'createTTL',
				path: reader.readRequiredString(),
				data: reader.readBuffer(),
				acl: readAcl(reader),
				parentCversion: reader.readInt(),
				ttlMs: reader.readSafeLong(),
			};
		case opCode.delete:
			return { kind: 'delete', path: reader.readRequiredString() };
		case opCode.deleteContainer:
			return { kind: 'deleteContainer', path: reader.readRequiredString() };
		case opCode.setACL:
			return { kind: 'setACL', path: reader.readRequiredString(), acl: readAcl(reader), version: reader.readInt() };
		case opCode.check:
			return { kind: 'check', path: reader.readRequiredString(), version: reader.readInt() };
		default:
			throw new JuteError(`a transaction has type ${type} (${txnTypeName(type)}), which none has`, reader.position - 4);
	}
}

/** Releases before 3.4 logged no parentCversion: the record ends before it, and -1 says that it is one more than it was. */
function readCreate(reader: JuteReader, kind: CreateTxn['kind']): CreateTxn {
	const path = reader.readRequiredString();
	const data = reader.readBuffer();
	const acl = readAcl(reader);
	const ephemeral = reader.readBool();
	const parentCversion = reader.remaining === 0 ? -1 : reader.readInt();
	return { kind, path, data, acl, ephemeral, parentCversion };
}

/**
 * Releases before 3.6, and later ones told to, log no list of paths: the record ends there, or only a digest is left. Twelve bytes
 * that begin with 2 are that digest: as a list they would be two empty paths.
 */
function readCloseSession(reader: JuteReader): Txn {
	const start = reader.position;
	if (reader.remaining === 0) return { kind: 'closeSession', paths: null };
	const onlyDigest = reader.remaining === digestBytes && reader.readInt() === digestVersion;
	reader.position = start;
	if (onlyDigest) return { kind: 'closeSession', paths: null };
	const count = reader.readCount(4);
	if (count === -1) return { kind: 'closeSession', paths: [] };
	const paths: string[] = [];
	for (let i = 0; i < count; i++) paths.push(reader.readRequiredString());
	return { kind: 'closeSession', paths };
}

function readMulti(reader: JuteReader): MultiTxn {
	const count = reader.readCount(minOpBytes);
	const ops: SubTxn[] = [];
	for (let i = 0; i < count; i++) ops.push(readMultiOp(reader));
	return { kind: 'multi', ops };
}

function readMultiOp(reader: JuteReader): SubTxn {
	const type = reader.readInt();
	const length = reader.readLength();
	if (length === -1)
		throw new JuteError(`an operation of a multi (${txnTypeName(type)}) has no content`, reader.position - 4);
	const outerEnd = reader.end;
	reader.end = reader.position + length;
	try {
		const op = type === opCode.error ? readMultiError(reader, length) : readSubTxn(reader, type);
		if (reader.remaining > 0) {
			throw new JuteError(
				`${reader.remaining} bytes are left behind an operation of a multi (${op.kind})`,
				reader.position,
			);
		}
		return op;
	} finally {
		reader.end = outerEnd;
	}
}

/**
 * ZooKeeper relabels the operations before the failing one as errors while it applies a failed multi, and sends them on with the
 * content of the original operation (recording c). Their code is 0, as it would be without that: they did not fail themselves.
 */
function readMultiError(reader: JuteReader, length: number): ErrorTxn {
	if (length === 4) return { kind: 'error', code: reader.readInt() };
	const at = reader.position;
	reader.skip(length);
	return { kind: 'error', code: 0, raw: reader.bytes.subarray(at, at + length) };
}
