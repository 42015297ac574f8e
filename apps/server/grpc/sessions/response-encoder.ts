/**
 * Items of OperateResponse, written straight from the chain's results into the buffer that is sent: nothing in between is made. The generated code reads them as it reads
 * its own; what is rare it writes itself.
 */
import type { BinaryWriter } from '@bufbuild/protobuf/wire';
import type { WatchEvent } from '#core/model/op';
import type { Zxid } from '#core/model/zxid';
import type { DataTree } from '#core/tree/data-tree';
import type { Stat } from '#jute/records';
import { ErrorDetail } from '#proto/chronokeeper/v1/common';
import {
	AttachSessionResponse,
	AuthenticateResponse,
	OpenSessionResponse,
	OperateResponse_GoingAway,
	type Operation,
	type Reply as ProtoReply,
} from '#proto/chronokeeper/v1/session';
import {
	GetAclResponse,
	GetEphemeralsResponse,
	MultiReadResponse,
	MultiResponse,
	WhoAmIResponse,
} from '#proto/chronokeeper/v1/znode';
import type { ProtoWriter } from './proto-writer.ts';

const message = (field: number): number => (field << 3) | 2;
const varint = (field: number): number => field << 3;

/** Of OperateResponse, and of its Item. */
const itemTag = message(1);
const itemTags = {
	reply: message(1),
	event: message(2),
	opened: message(3),
	attached: message(4),
	goingAway: message(5),
};
const tracedTag = message(15);

export type ReplyCase = NonNullable<ProtoReply['result']>['$case'];
export type OperationCase = NonNullable<Operation['op']>['$case'];

const resultTags: Readonly<Record<ReplyCase, number>> = {
	error: message(2),
	create: message(3),
	get: message(4),
	set: message(5),
	delete: message(6),
	exists: message(7),
	listChildren: message(8),
	multi: message(9),
	multiRead: message(10),
	sync: message(11),
	addWatch: message(12),
	removeWatches: message(13),
	keepAlive: message(14),
	getAcl: message(16),
	setAcl: message(17),
	whoAmI: message(18),
	getEphemerals: message(19),
	getAllChildrenNumber: message(20),
	authenticate: message(21),
	setWatches: message(22),
	closeSession: message(23),
};

const eventTypes = {
	nodeCreated: 1,
	nodeDeleted: 2,
	nodeDataChanged: 3,
	nodeChildrenChanged: 4,
} as const satisfies Record<WatchEvent['type'], number>;

/** What is more than this will need a length of two bytes, with a Stat beside it. */
const shortBytes = 40;

/** The generated code of a message. */
export interface Encoder<T> {
	encode(value: T): BinaryWriter;
}

export const encoders = {
	error: ErrorDetail,
	multi: MultiResponse,
	multiRead: MultiReadResponse,
	getAcl: GetAclResponse,
	whoAmI: WhoAmIResponse,
	getEphemerals: GetEphemeralsResponse,
	authenticate: AuthenticateResponse,
} as const;
type Encoders = typeof encoders;
type Encoded<C extends keyof Encoders> = Encoders[C] extends Encoder<infer T> ? T : never;

/** Where the three messages around a result began. One reply is written at a time. */
const begun = { item: 0, reply: 0, result: 0 };

/** @param bytes about as many as the result has */
function beginReply(writer: ProtoWriter, id: number, result: ReplyCase, bytes: number): void {
	const reserved = bytes > shortBytes ? 2 : 1;
	begun.item = writer.begin(itemTag, reserved);
	begun.reply = writer.begin(itemTags.reply, reserved);
	if (id !== 0) {
		writer.uint32(varint(1));
		writer.uint32(id);
	}
	begun.result = writer.begin(resultTags[result], reserved);
}

/** @param traceparent empty: it was not traced */
function endReply(writer: ProtoWriter, traceparent: string): void {
	writer.end(begun.result);
	writer.stringField(tracedTag, traceparent);
	writer.end(begun.reply);
	writer.end(begun.item);
}

/** By the generated code. */
export function writeEncoded<C extends keyof Encoders>(
	writer: ProtoWriter,
	id: number,
	result: C,
	value: Encoded<C>,
	traceparent: string,
): void {
	const bytes = (encoders[result] as Encoder<Encoded<C>>).encode(value).finish();
	beginReply(writer, id, result, bytes.length);
	writer.raw(bytes);
	endReply(writer, traceparent);
}

export function writeCreated(
	writer: ProtoWriter,
	id: number,
	path: string,
	stat: Stat,
	zxid: Zxid,
	traceparent: string,
): void {
	beginReply(writer, id, 'create', path.length + shortBytes);
	writer.stringField(message(1), path);
	writeStat(writer, message(2), stat);
	writer.int64Field(varint(3), zxid);
	endReply(writer, traceparent);
}

export function writeGot(
	writer: ProtoWriter,
	id: number,
	data: Uint8Array | null,
	stat: Stat,
	zxid: Zxid,
	traceparent: string,
): void {
	beginReply(writer, id, 'get', data?.length ?? 0);
	if (data !== null) writer.bytesField(message(1), data);
	writeStat(writer, message(2), stat);
	writer.int64Field(varint(3), zxid);
	endReply(writer, traceparent);
}

/** @param stat undefined: there is no such node */
export function writeStatReply(
	writer: ProtoWriter,
	id: number,
	result: 'set' | 'exists' | 'setAcl',
	stat: Stat | undefined,
	zxid: Zxid,
	traceparent: string,
): void {
	beginReply(writer, id, result, 0);
	if (stat !== undefined) writeStat(writer, message(1), stat);
	writer.int64Field(varint(2), zxid);
	endReply(writer, traceparent);
}

/** Of what has nothing else. */
export function writeZxid(
	writer: ProtoWriter,
	id: number,
	result: 'delete' | 'addWatch' | 'removeWatches' | 'keepAlive' | 'setWatches' | 'closeSession',
	zxid: Zxid,
	traceparent: string,
): void {
	beginReply(writer, id, result, 0);
	writer.int64Field(varint(1), zxid);
	endReply(writer, traceparent);
}

export function writeSynced(writer: ProtoWriter, id: number, path: string, zxid: Zxid, traceparent: string): void {
	beginReply(writer, id, 'sync', path.length);
	writer.stringField(message(1), path);
	writer.int64Field(varint(2), zxid);
	endReply(writer, traceparent);
}

export function writeCount(writer: ProtoWriter, id: number, count: number, zxid: Zxid, traceparent: string): void {
	beginReply(writer, id, 'getAllChildrenNumber', 0);
	writer.int64Field(varint(1), count);
	writer.int64Field(varint(2), zxid);
	endReply(writer, traceparent);
}

export function writeChildren(
	writer: ProtoWriter,
	id: number,
	names: readonly string[],
	nextPageToken: string,
	stat: Stat,
	zxid: Zxid,
	traceparent: string,
): void {
	beginReply(writer, id, 'listChildren', names.length * 8);
	for (const name of names) writer.string(message(1), name);
	writeStat(writer, message(2), stat);
	writer.int64Field(varint(3), zxid);
	writer.stringField(message(4), nextPageToken);
	endReply(writer, traceparent);
}

// --- what is no reply

export function writeOpened(writer: ProtoWriter, value: OpenSessionResponse): void {
	writeItem(writer, itemTags.opened, OpenSessionResponse.encode(value).finish());
}

export function writeAttached(writer: ProtoWriter, value: AttachSessionResponse): void {
	writeItem(writer, itemTags.attached, AttachSessionResponse.encode(value).finish());
}

export function writeGoingAway(writer: ProtoWriter, reason: string): void {
	writeItem(writer, itemTags.goingAway, OperateResponse_GoingAway.encode({ reason }).finish());
}

/** @param tree to show the node as it is now; undefined: without it */
export function writeEvent(writer: ProtoWriter, { type, path, zxid }: WatchEvent, tree: DataTree | undefined): void {
	const stat = tree?.stat(path);
	const data = stat === undefined ? undefined : tree?.data(path);
	const reserved = path.length + (data?.length ?? 0) > shortBytes ? 2 : 1;
	const item = writer.begin(itemTag, reserved);
	const event = writer.begin(itemTags.event, reserved);
	writer.uint32(varint(1));
	writer.uint32(eventTypes[type]);
	writer.stringField(message(2), path);
	// Absent and 0 are not the same here.
	if (zxid >= 0) {
		writer.uint32(varint(3));
		writer.int64(zxid);
	}
	if (stat !== undefined) writeStat(writer, message(4), stat);
	if (data !== undefined && data !== null) writer.bytesField(message(5), data);
	writer.end(event);
	writer.end(item);
}

function writeItem(writer: ProtoWriter, tag: number, bytes: Uint8Array): void {
	const item = writer.begin(itemTag, 1);
	writer.bytesField(tag, bytes);
	writer.end(item);
}

function writeStat(writer: ProtoWriter, tag: number, stat: Stat): void {
	const at = writer.begin(tag, 1);
	writer.int64Field(varint(1), stat.czxid);
	writer.int64Field(varint(2), stat.mzxid);
	writer.int64Field(varint(3), stat.pzxid);
	writer.int64Field(varint(4), stat.ctime);
	writer.int64Field(varint(5), stat.mtime);
	writer.int64Field(varint(6), stat.version);
	writer.int64Field(varint(7), stat.cversion);
	writer.int64Field(varint(8), stat.aversion);
	if (stat.ephemeralOwner !== 0n) {
		writer.uint32(ephemeralOwnerTag);
		writer.fixed64(stat.ephemeralOwner);
	}
	writer.int64Field(varint(10), stat.dataLength);
	writer.int64Field(varint(11), stat.numChildren);
	writer.end(at);
}

/** The ninth field, of eight bytes. */
const ephemeralOwnerTag = (9 << 3) | 1;
