/**
 * A failed call: the status, and in `grpc-status-details-bin` what a program needs to know, so that nobody has to read the message. Of ZooKeeper's errors that is an
 * ErrorDetail with the code, the path and the zxid; of every failure an ErrorInfo, and a Help, a RetryInfo or a BadRequest where there is something to say.
 *
 * Clients take 8 KiB of trailers, many not more: what callers chose the length of is cut.
 */
import { Metadata, status } from '@grpc/grpc-js';
import { RpcException } from '@nestjs/microservices';
import { formatZxid, type Zxid } from '#core/model/zxid';
import { errorOf } from '#jute/errors';
import { ErrorDetail } from '#proto/chronokeeper/v1/common';
import type { Any } from '#proto/google/protobuf/any';
import { BadRequest, ErrorInfo, Help, RetryInfo } from '#proto/google/rpc/error_details';
import { Status } from '#proto/google/rpc/status';
import { adviceFor } from './error-advice.ts';
import { grpcStatus } from './status-mapping.ts';

export interface ZooKeeperFailure {
	readonly code: number;
	readonly path: string;
	readonly zxid: Zxid;
	/** Of a multi. */
	readonly op?: number;
	readonly opCodes?: readonly number[];
	/** More exact than the catalogue's. */
	readonly message?: string;
	/** More exact than the name of the code, and then what the caller can do about it. */
	readonly reason?: string;
	readonly advice?: string;
	/** The field of the request that is wrong, where it is known: `path`. */
	readonly field?: string;
}

/** Of a failure that is not ZooKeeper's. */
export interface Refusal {
	/** Upper snake case, for programs; absent: the name of the status. */
	readonly reason?: string;
	/** What the caller can do about it. */
	readonly advice?: string;
	/** Milliseconds after which the same call may succeed; absent: a second for UNAVAILABLE, otherwise it would fail again. */
	readonly retryMs?: number;
	/** The field of the request that is wrong: `ops[2].create.ttl_ms`. */
	readonly field?: string;
	/** Further facts for programs. */
	readonly facts?: Readonly<Record<string, string>>;
}

/** Bytes of a path that leave in an error: message, ErrorDetail and ErrorInfo have it. */
const maxPathBytes = 300;
const maxMessageLength = 800;
/** Operations of a multi whose codes leave in an error: a negative number takes ten bytes. */
const maxOpCodes = 64;

export class ZooKeeperError extends RpcException {
	constructor(readonly failure: ZooKeeperFailure) {
		super(statusObject(failure));
	}
}

/** A failure that is not ZooKeeper's. */
export function grpcError(code: status, message: string, refusal: Refusal = {}): RpcException {
	const { advice = '', retryMs = code === status.UNAVAILABLE ? soonMs : undefined, field, facts = {} } = refusal;
	const info: ErrorInfo = { reason: refusal.reason ?? status[code]!, domain, metadata: { ...facts } };
	const details = [any('ErrorInfo', ErrorInfo.encode(info)), ...extras(advice, info.reason, retryMs)];
	const text = cut(message, maxMessageLength);
	if (field !== undefined) details.push(badRequest(field, text));
	return new RpcException(failedCall(code, text, details));
}

/** A field of the request is wrong. */
export function invalidField(field: string, message: string): RpcException {
	return grpcError(status.INVALID_ARGUMENT, message, { field });
}

/** As it stands in an ErrorDetail: the beginning of a path that is too long for one. */
export function detailOf({
	code,
	path,
	zxid,
	op,
	opCodes = [],
	advice = adviceFor(code).advice,
	reason = '',
}: ZooKeeperFailure): ErrorDetail {
	return {
		code,
		name: errorOf(code).name,
		path: cut(path, maxPathBytes),
		zxid: BigInt(zxid),
		op,
		opCodes: opCodes.length > maxOpCodes ? [] : [...opCodes],
		advice,
		reason,
	};
}

const domain = 'chronokeeper';
/** Until a server that is away is there again, or another one is found. */
const soonMs = 1000;

function statusObject(failure: ZooKeeperFailure): object {
	const detail = detailOf(failure);
	const { message } = errorOf(failure.code);
	const where = failure.op === undefined ? '' : `operation ${failure.op} of the multi: `;
	const what = failure.message ?? (detail.path === '' ? message : `${detail.path}: ${message}`);
	const text = cut(`${where}${what}`, maxMessageLength);
	const info: ErrorInfo = {
		reason: failure.reason ?? upperSnake(detail.name),
		domain,
		metadata: {
			code: String(detail.code),
			zxid: formatZxid(failure.zxid),
			...(detail.path === '' ? {} : { path: detail.path }),
			...(detail.op === undefined ? {} : { op: String(detail.op) }),
		},
	};
	const code = grpcStatus(failure.code);
	const details = [
		any('ErrorInfo', ErrorInfo.encode(info)),
		{ typeUrl: 'type.googleapis.com/chronokeeper.v1.ErrorDetail', value: ErrorDetail.encode(detail).finish() },
		...extras(detail.advice, failure.reason ?? detail.name, adviceFor(failure.code).retryMs),
	];
	if (code === status.INVALID_ARGUMENT && failure.field !== undefined) details.push(badRequest(failure.field, text));
	return failedCall(code, text, details);
}

/** What RpcException takes and grpc-js sends. */
function failedCall(code: status, message: string, details: Any[]): object {
	const metadata = new Metadata();
	metadata.set('grpc-status-details-bin', Buffer.from(Status.encode({ code, message, details }).finish()));
	return { code, message, metadata };
}

function extras(advice: string, name: string, retryMs: number | undefined): Any[] {
	const details: Any[] = [];
	if (advice !== '') {
		const links = [{ description: advice, url: `docs/grpc.md#${name.toLowerCase()}` }];
		details.push(any('Help', Help.encode({ links })));
	}
	if (retryMs !== undefined) {
		const retryDelay = { seconds: BigInt(Math.floor(retryMs / 1000)), nanos: (retryMs % 1000) * 1_000_000 };
		details.push(any('RetryInfo', RetryInfo.encode({ retryDelay })));
	}
	return details;
}

function badRequest(field: string, description: string): Any {
	return any('BadRequest', BadRequest.encode({ fieldViolations: [{ field, description }] }));
}

function any(name: string, message: { finish(): Uint8Array }): Any {
	return { typeUrl: `type.googleapis.com/google.rpc.${name}`, value: message.finish() };
}

/** Not more bytes of UTF-8 than that, whole characters. grpc-js throws for half of one. */
function cut(text: string, maxBytes: number): string {
	const whole = text.toWellFormed();
	if (whole.length * 3 <= maxBytes || Buffer.byteLength(whole) <= maxBytes) return whole;
	let bytes = 0;
	let end = 0;
	for (const character of whole) {
		bytes += Buffer.byteLength(character);
		if (bytes > maxBytes - 3) break;
		end += character.length;
	}
	return `${whole.slice(0, end)}…`;
}

/** `NoChildrenForEphemerals` → `NO_CHILDREN_FOR_EPHEMERALS`, `InvalidACL` → `INVALID_ACL`. */
function upperSnake(name: string): string {
	return name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase();
}
