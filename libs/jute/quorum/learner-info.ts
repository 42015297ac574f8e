/** What is inside the packets of discovery. Bytes behind what a record has are ignored, as ZooKeeper does. */
import { JuteReader, JuteWriter } from '../codec.ts';

/** ZAB 1.0, the only version that releases since 3.4 speak. */
export const protocolVersion = 0x1_0000;

/** Behind ZooKeeper's record, where its leader does not look: the learner is a Chronokeeper, and its requests end in an audit context. */
const mark = 0x434b_4c31;
/** Behind the protocol's version, where ZooKeeper's learners do not look: the leader is a Chronokeeper, and its snapshots are the state at one zxid, or fuzzy. */
const exactMark = 0x434b_5331;
const fuzzyMark = 0x434b_4631;

/** The data of FOLLOWERINFO and OBSERVERINFO. */
export interface LearnerInfo {
	readonly serverId: number;
	readonly protocolVersion: number;
	/** The zxid of the reconfiguration that the learner knows of last. */
	readonly configVersion: number;
	/** Whether a Chronokeeper sent it. */
	readonly isMarked: boolean;
}

export function writeLearnerInfo(info: LearnerInfo): Uint8Array {
	const writer = new JuteWriter(24);
	writer.writeSafeLong(info.serverId);
	writer.writeInt(info.protocolVersion);
	writer.writeSafeLong(info.configVersion);
	if (info.isMarked) writer.writeInt(mark);
	return writer.view();
}

/** @throws JuteError when it is shorter than the record, as those of releases before 3.4 are */
export function readLearnerInfo(data: Uint8Array): LearnerInfo {
	const reader = new JuteReader(data);
	return {
		serverId: reader.readSafeLong(),
		protocolVersion: reader.readInt(),
		configVersion: reader.readSafeLong(),
		isMarked: reader.remaining >= 4 && reader.readInt() === mark,
	};
}

/** The data of LEADERINFO. */
export interface LeaderInfo {
	readonly protocolVersion: number;
	/** Whether the snapshots that it sends are the state at one zxid. Those of ZooKeeper's leaders may have some of what follows them. */
	readonly isExact: boolean;
	/** Whether a Chronokeeper sent it. */
	readonly isMarked: boolean;
}

export function writeLeaderInfo(info: LeaderInfo): Uint8Array {
	const writer = new JuteWriter(8);
	writer.writeInt(info.protocolVersion);
	if (info.isMarked) writer.writeInt(info.isExact ? exactMark : fuzzyMark);
	return writer.view();
}

/** @throws JuteError when there are fewer than four bytes */
export function readLeaderInfo(data: Uint8Array): LeaderInfo {
	const reader = new JuteReader(data);
	const version = reader.readInt();
	const found = reader.remaining >= 4 ? reader.readInt() : 0;
	const isExact = found === exactMark;
	return { protocolVersion: version, isExact, isMarked: isExact || found === fuzzyMark };
}

/** The data of ACKEPOCH: the current epoch, -1 when it is no promise. */
export function writeIntData(value: number): Uint8Array {
	const writer = new JuteWriter(4);
	writer.writeInt(value);
	return writer.view();
}

/** @throws JuteError when there are fewer than four bytes */
export function readIntData(data: Uint8Array): number {
	return new JuteReader(data).readInt();
}
