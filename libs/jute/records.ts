/** Record types that several record families share, with ZooKeeper's field names. */
import type { JuteReader, JuteWriter } from './codec.ts';
import type { SessionId, Zxid } from './scalars.ts';

export { type Acl, type Id, openAcl, readAcl, readId, writeAcl, writeId } from './acl.ts';

/**
 * `StatPersisted`: the Stat as the tree, the snapshot and the digest have it. `cversion` counts creations of children only
 * (semantics 23); `ephemeralOwner` is raw: containers and TTL nodes have their marks there (semantics 22).
 */
export interface StoredStat {
	readonly czxid: Zxid;
	readonly mzxid: Zxid;
	/** Milliseconds since 1970, from the header of the transaction that created the node. */
	readonly ctime: number;
	readonly mtime: number;
	readonly version: number;
	readonly cversion: number;
	readonly aversion: number;
	/** Unsigned 64 bits. */
	readonly ephemeralOwner: bigint;
	readonly pzxid: Zxid;
}

/** `Stat`: what a client sees. `cversion` is 2 * stored - numChildren, `ephemeralOwner` is 0 for containers and TTL nodes. */
export interface Stat extends StoredStat {
	readonly dataLength: number;
	readonly numChildren: number;
}

/** `TxnHeader` without its type, which the transaction's kind says. */
export interface TxnHeader {
	readonly sessionId: SessionId;
	readonly cxid: number;
	readonly zxid: Zxid;
	/** Milliseconds since 1970, the leader's clock when the transaction was prepared. */
	readonly time: number;
}

/** `TxnDigest`: the tree's digest right after the transaction, unsigned 64 bits. Version 2 is ZooKeeper 3.8's. */
export interface TxnDigest {
	readonly version: number;
	readonly value: bigint;
}

/** The order of `StatPersisted`, 60 bytes. */
export function readStoredStat(reader: JuteReader): StoredStat {
	return {
		czxid: reader.readZxid(),
		mzxid: reader.readZxid(),
		ctime: reader.readSafeLong(),
		mtime: reader.readSafeLong(),
		version: reader.readInt(),
		cversion: reader.readInt(),
		aversion: reader.readInt(),
		ephemeralOwner: reader.readLong(),
		pzxid: reader.readZxid(),
	};
}

export function writeStoredStat(writer: JuteWriter, stat: StoredStat): void {
	writer.ensure(60);
	writer.writeZxid(stat.czxid);
	writer.writeZxid(stat.mzxid);
	writer.writeSafeLong(stat.ctime);
	writer.writeSafeLong(stat.mtime);
	writer.writeInt(stat.version);
	writer.writeInt(stat.cversion);
	writer.writeInt(stat.aversion);
	writer.writeLong(stat.ephemeralOwner);
	writer.writeZxid(stat.pzxid);
}

/** The order of `Stat`, 68 bytes: pzxid is last. */
export function readStat(reader: JuteReader): Stat {
	return {
		czxid: reader.readZxid(),
		mzxid: reader.readZxid(),
		ctime: reader.readSafeLong(),
		mtime: reader.readSafeLong(),
		version: reader.readInt(),
		cversion: reader.readInt(),
		aversion: reader.readInt(),
		ephemeralOwner: reader.readLong(),
		dataLength: reader.readInt(),
		numChildren: reader.readInt(),
		pzxid: reader.readZxid(),
	};
}

export function writeStat(writer: JuteWriter, stat: Stat): void {
	writer.ensure(68);
	writer.writeZxid(stat.czxid);
	writer.writeZxid(stat.mzxid);
	writer.writeSafeLong(stat.ctime);
	writer.writeSafeLong(stat.mtime);
	writer.writeInt(stat.version);
	writer.writeInt(stat.cversion);
	writer.writeInt(stat.aversion);
	writer.writeLong(stat.ephemeralOwner);
	writer.writeInt(stat.dataLength);
	writer.writeInt(stat.numChildren);
	writer.writeZxid(stat.pzxid);
}
