/** What stands in front of every frame after the handshake, and the frame that no request asked for. */
import type { JuteReader, JuteWriter } from '../codec.ts';

export interface RequestHeader {
	/** The client's own counter, or one of specialXid. */
	readonly xid: number;
	/** An op code; see opName(). */
	readonly type: number;
}

export interface ReplyHeader {
	readonly xid: number;
	/** The server's last processed zxid, a write's own, or -1 with an event of setWatches (semantics 4, 47). */
	readonly zxid: number;
	readonly error: number;
}

/** The body of a notification. */
export interface WatcherEvent {
	/** One of eventType. */
	readonly type: number;
	/** One of keeperState. */
	readonly state: number;
	readonly path: string;
}

export function readRequestHeader(reader: JuteReader): RequestHeader {
	return { xid: reader.readInt(), type: reader.readInt() };
}

export function writeRequestHeader(writer: JuteWriter, header: RequestHeader): void {
	writer.writeInt(header.xid);
	writer.writeInt(header.type);
}

export function readReplyHeader(reader: JuteReader): ReplyHeader {
	return { xid: reader.readInt(), zxid: reader.readSafeLong(), error: reader.readInt() };
}

export function writeReplyHeader(writer: JuteWriter, header: ReplyHeader): void {
	writer.writeInt(header.xid);
	writer.writeSafeLong(header.zxid);
	writer.writeInt(header.error);
}

export function readWatcherEvent(reader: JuteReader): WatcherEvent {
	return { type: reader.readInt(), state: reader.readInt(), path: reader.readRequiredString() };
}

export function writeWatcherEvent(writer: JuteWriter, event: WatcherEvent): void {
	writer.writeInt(event.type);
	writer.writeInt(event.state);
	writer.writeString(event.path);
}
