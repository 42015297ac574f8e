/** What leader and learners say to each other on the quorum port: one record type for all of it (ZooKeeper's QuorumPacket). */
import type { JuteReader, JuteWriter } from '../codec.ts';
import { type Id, readId, writeId } from '../records.ts';

export const packetType = {
	request: 1,
	proposal: 2,
	ack: 3,
	commit: 4,
	ping: 5,
	revalidate: 6,
	sync: 7,
	inform: 8,
	commitAndActivate: 9,
	newLeader: 10,
	followerInfo: 11,
	upToDate: 12,
	diff: 13,
	trunc: 14,
	snap: 15,
	observerInfo: 16,
	leaderInfo: 17,
	ackEpoch: 18,
	informAndActivate: 19,
} as const;

export interface QuorumPacket {
	/** One of packetType; another number in a packet that is not understood. */
	readonly type: number;
	/** Mostly a zxid; -1 where there is none. Always a safe integer, otherwise the packet is malformed. */
	readonly zxid: number;
	readonly data: Uint8Array | null;
	/** The identities behind a forwarded request. */
	readonly authinfo: readonly Id[] | null;
}

/** @throws RangeError when the zxid is not a safe integer */
export function writeQuorumPacket(writer: JuteWriter, packet: QuorumPacket): void {
	const { type, zxid, data, authinfo } = packet;
	writer.writeInt(type);
	writer.writeSafeLong(zxid);
	writer.writeBuffer(data);
	if (authinfo === null) {
		writer.writeInt(-1);
		return;
	}
	writer.writeInt(authinfo.length);
	for (const id of authinfo) writeId(writer, id);
}

/**
 * The data are a view of the reader's bytes.
 * @throws JuteError
 */
export function readQuorumPacket(reader: JuteReader): QuorumPacket {
	return {
		type: reader.readInt(),
		zxid: reader.readSafeLong(),
		data: reader.readBuffer(),
		authinfo: readAuthinfo(reader),
	};
}

function readAuthinfo(reader: JuteReader): readonly Id[] | null {
	const count = reader.readCount(8);
	if (count === -1) return null;
	const authinfo: Id[] = [];
	for (let i = 0; i < count; i++) authinfo.push(readId(reader));
	return authinfo;
}
