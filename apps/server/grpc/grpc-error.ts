/** A failed call: the status, and in `grpc-status-details-bin` ZooKeeper's code, the path and the zxid, so that nobody has to read the message. */
import { Metadata, type status } from '@grpc/grpc-js';
import { RpcException } from '@nestjs/microservices';
import { formatZxid, type Zxid } from '#core/model/zxid';
import { errorOf } from '#jute/errors';
import { ErrorDetail } from '#proto/chronokeeper/v1/common';
import { ErrorInfo } from '#proto/google/rpc/error_details';
import { Status } from '#proto/google/rpc/status';
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
}

export class ZooKeeperError extends RpcException {
	constructor(readonly failure: ZooKeeperFailure) {
		super(statusObject(failure));
	}
}

function statusObject(failure: ZooKeeperFailure): object {
	const { name, message } = errorOf(failure.code);
	const where = failure.op === undefined ? '' : `operation ${failure.op} of the multi: `;
	const what = failure.message ?? (failure.path === '' ? message : `${failure.path}: ${message}`);
	const detail: ErrorDetail = {
		code: failure.code,
		name,
		path: failure.path,
		zxid: BigInt(failure.zxid),
		op: failure.op,
		opCodes: [...(failure.opCodes ?? [])],
		advice: '',
	};
	const code = grpcStatus(failure.code);
	const metadata = new Metadata();
	metadata.set('grpc-status-details-bin', Buffer.from(richStatus(code, `${where}${what}`, detail)));
	return { code, message: `${where}${what}`, metadata };
}

/** A failure that is not ZooKeeper's. */
export function grpcError(code: status, message: string): RpcException {
	return new RpcException({ code, message });
}

function richStatus(code: status, message: string, detail: ErrorDetail): Uint8Array {
	const info: ErrorInfo = {
		reason: upperSnake(detail.name),
		domain: 'chronokeeper',
		metadata: {
			code: String(detail.code),
			zxid: formatZxid(Number(detail.zxid) as Zxid),
			...(detail.path === '' ? {} : { path: detail.path }),
			...(detail.op === undefined ? {} : { op: String(detail.op) }),
		},
	};
	return Status.encode({
		code,
		message,
		details: [
			{ typeUrl: 'type.googleapis.com/google.rpc.ErrorInfo', value: ErrorInfo.encode(info).finish() },
			{ typeUrl: 'type.googleapis.com/chronokeeper.v1.ErrorDetail', value: ErrorDetail.encode(detail).finish() },
		],
	}).finish();
}

/** `NoChildrenForEphemerals` → `NO_CHILDREN_FOR_EPHEMERALS`, `InvalidACL` → `INVALID_ACL`. */
function upperSnake(name: string): string {
	return name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase();
}
