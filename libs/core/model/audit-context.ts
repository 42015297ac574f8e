/**
 * Who did it: what Chronokeeper logs behind the digest of a transaction, inside the record's checksum. ZooKeeper's reader stops
 * after the digest and never sees it. It never changes what a transaction does.
 *
 * Bytes: "CKAC", version 1 (1 byte), traceparent, identities (count in 16 bits, then scheme and id each), address, door, request id;
 * strings are a 16-bit length and UTF-8. Bytes of later versions are kept as they are and passed on.
 */
import { JuteError, JuteReader, type JuteWriter } from '#jute/codec';
import type { Id } from '#jute/records';
import { readUtf8, utf8Length, writeUtf8 } from '#jute/utf8';
import type { Door } from './op.ts';

export interface AuditContext {
	/** W3C traceparent, or empty when the request was not sampled. */
	readonly traceparent: string;
	readonly identities: readonly Id[];
	readonly address: string;
	readonly door: Door;
	readonly requestId: string;
}

/** As it came from a log or another replica: few ever look into it, and all pass it on. */
export type EncodedContext = Uint8Array;

const magic = [0x43, 0x4b, 0x41, 0x43] as const;
const version = 1;
/** Magic and version. */
const headBytes = 5;
const doors: ReadonlySet<string> = new Set<Door>(['grpc', 'zookeeper', 'http', 'system']);
/** What 16 bits can say. A longer string is cut and more identities are left out: a context must never hold up a transaction. */
const longest = 0xffff;

export function writeAuditContext(writer: JuteWriter, context: AuditContext | EncodedContext): void {
	if (context instanceof Uint8Array) {
		writer.writeRaw(context);
		return;
	}
	writer.ensure(headBytes);
	for (const byte of magic) writer.bytes[writer.position++] = byte;
	writer.bytes[writer.position++] = version;
	writeShortString(writer, context.traceparent);
	const identities = Math.min(context.identities.length, longest);
	writeShort(writer, identities);
	for (let i = 0; i < identities; i++) {
		writeShortString(writer, context.identities[i]!.scheme);
		writeShortString(writer, context.identities[i]!.id);
	}
	writeShortString(writer, context.address);
	writeShortString(writer, context.door);
	writeShortString(writer, context.requestId);
}

/** What stands behind a record's digest, if anything does: a view. */
export function encodedContext(bytes: Uint8Array, start: number, end: number = bytes.length): EncodedContext | null {
	return start >= end ? null : bytes.subarray(start, end);
}

/** What the bytes say; the bytes themselves when they are not version 1's. Never throws. */
export function readAuditContext(context: AuditContext | EncodedContext): AuditContext | EncodedContext;
export function readAuditContext(context: AuditContext | EncodedContext | null): AuditContext | EncodedContext | null;
export function readAuditContext(context: AuditContext | EncodedContext | null): AuditContext | EncodedContext | null {
	return context instanceof Uint8Array ? (readVersion1(new JuteReader(context)) ?? context) : context;
}

/** Empty when the request was not sampled, or when the bytes are not version 1's. Looks at no more of them than it has to. */
export function traceparentOf(context: AuditContext | EncodedContext | null): string {
	if (context instanceof Uint8Array && context[headBytes] === 0 && context[headBytes + 1] === 0) return '';
	const read = readAuditContext(context);
	return read === null || read instanceof Uint8Array ? '' : read.traceparent;
}

function readVersion1(reader: JuteReader): AuditContext | null {
	try {
		for (const byte of magic) if (reader.readByte() !== byte) return null;
		if (reader.readByte() !== version) return null;
		const traceparent = readShortString(reader);
		const count = readShort(reader);
		const identities: Id[] = [];
		for (let i = 0; i < count; i++) identities.push({ scheme: readShortString(reader), id: readShortString(reader) });
		const address = readShortString(reader);
		const door = readShortString(reader);
		const requestId = readShortString(reader);
		// More than version 1 has, or a door it does not know: not ours to interpret, and not ours to lose.
		if (reader.remaining > 0 || !doors.has(door)) return null;
		return { traceparent, identities, address, door: door as Door, requestId };
	} catch (error) {
		if (error instanceof JuteError) return null;
		throw error;
	}
}

function writeShort(writer: JuteWriter, value: number): void {
	writer.ensure(2);
	writer.bytes[writer.position++] = value >>> 8;
	writer.bytes[writer.position++] = value;
}

function writeShortString(writer: JuteWriter, value: string): void {
	const length = value.length;
	if (length > longest / 3) {
		writeLongString(writer, value);
		return;
	}
	writer.ensure(2 + length);
	const to = writer.bytes;
	const at = writer.position;
	for (let i = 0; i < length; i++) {
		const unit = value.charCodeAt(i);
		if (unit >= 0x80) {
			writeLongString(writer, value);
			return;
		}
		to[at + 2 + i] = unit;
	}
	to[at] = length >>> 8;
	to[at + 1] = length;
	writer.position = at + 2 + length;
}

function writeLongString(writer: JuteWriter, value: string): void {
	let text = value;
	// A third of it fits whatever it holds; where it is ASCII, so does all that 16 bits can say.
	if (text.length > longest) text = text.slice(0, longest);
	if (utf8Length(text) > longest) text = text.slice(0, longest / 3);
	const length = utf8Length(text);
	writeShort(writer, length);
	writer.ensure(length);
	writeUtf8(text, writer.bytes, writer.position);
	writer.position += length;
}

function readShort(reader: JuteReader): number {
	return (reader.readByte() << 8) | reader.readByte();
}

function readShortString(reader: JuteReader): string {
	const length = readShort(reader);
	const at = reader.position;
	reader.skip(length);
	return readUtf8(reader.bytes, at, at + length);
}
