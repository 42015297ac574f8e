/**
 * The notification of ZooKeeper's leader election, as it goes over the election port behind the connection manager's length.
 *
 * Its age shows in its length: 28 bytes have no epoch of the candidate, 36 have it, 40 also a version, and from version 2 on the sender's
 * configuration follows with its length. Read are all of them, version 2 is written.
 */
import { JuteError, JuteReader, JuteWriter } from '../codec.ts';
import { readUtf8 } from '../utf8.ts';

/** Their order is their number on the wire. */
const states = ['looking', 'following', 'leading', 'observing'] as const;

const withoutPeerEpoch = 28;
const configVersion = 2;
const counters = 2 ** 32;
/** What an observer, which is no candidate, votes for. Exact as a double, though not a safe integer. */
const leastLong = -(2 ** 63);

export interface NotificationMessage {
	readonly state: (typeof states)[number];
	/** Server id of the candidate; -2^63 in an observer's own vote, and so are its zxid and peerEpoch. */
	readonly leader: number;
	readonly zxid: number;
	readonly electionEpoch: number;
	readonly peerEpoch: number;
	/** Null in messages older than version 2. */
	readonly config: string | null;
}

/** @throws JuteError when the bytes are no notification. Bytes of a later version behind what is known are ignored. */
export function readNotification(bytes: Uint8Array): NotificationMessage {
	const reader = new JuteReader(bytes);
	const number = reader.readInt();
	const state = states[number];
	if (state === undefined) throw new JuteError(`a notification has the state ${number}, which is none`, 0);
	const leader = readVote(reader);
	const zxid = readVote(reader);
	const electionEpoch = reader.readSafeLong();
	const peerEpoch = bytes.length === withoutPeerEpoch ? Math.floor(zxid / counters) : readVote(reader);
	const version = reader.remaining === 0 ? 0 : reader.readInt();
	return {
		state,
		leader,
		zxid,
		electionEpoch,
		peerEpoch,
		config: version < configVersion ? null : readConfig(reader),
	};
}

/** The whole message, version 2. */
export function writeNotification(notification: NotificationMessage): Uint8Array {
	const writer = new JuteWriter(512);
	writer.writeInt(states.indexOf(notification.state));
	writeVote(writer, notification.leader);
	writeVote(writer, notification.zxid);
	writer.writeSafeLong(notification.electionEpoch);
	writeVote(writer, notification.peerEpoch);
	writer.writeInt(configVersion);
	writer.writeString(notification.config ?? '');
	return writer.view();
}

function readConfig(reader: JuteReader): string {
	const at = reader.position;
	const length = reader.readLength();
	if (length < 0) throw new JuteError('the configuration in a notification has no length', at);
	const from = reader.position;
	reader.skip(length);
	return readUtf8(reader.bytes, from, reader.position);
}

/** A long that is a safe integer or the least one. */
function readVote(reader: JuteReader): number {
	const at = reader.position;
	const value = reader.readSignedLong();
	const number = Number(value);
	if (number !== leastLong && !Number.isSafeInteger(number)) {
		throw new JuteError(`a vote has ${value}, which this build cannot hold exactly`, at);
	}
	if (number === leastLong && value !== -(2n ** 63n)) throw new JuteError(`a vote has ${value}`, at);
	return number;
}

function writeVote(writer: JuteWriter, value: number): void {
	if (value === leastLong) writer.writeSignedLong(-(2n ** 63n));
	else writer.writeSafeLong(value);
}
