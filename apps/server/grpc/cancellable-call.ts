/** A call whose caller may go, or whose deadline may pass, and what it is refused with while it waits. */
import { status } from '@grpc/grpc-js';
import type { RpcException } from '@nestjs/microservices';
import { zeroZxid } from '#core/model/zxid';
import { errors } from '#jute/errors';
import { grpcError, ZooKeeperError } from './grpc-error.ts';

export interface CancellableCall {
	readonly cancelled: boolean;
	once(event: 'cancelled', listener: () => void): unknown;
	off(event: 'cancelled', listener: () => void): unknown;
}

/** Nobody hears it any more. */
export function gone(): RpcException {
	return grpcError(status.CANCELLED, 'the caller is gone');
}

/** Nothing of the call was done. */
export function tooMany(maxWaiting: number): ZooKeeperError {
	const message = `the server has too much to do, and ${maxWaiting} calls wait already (grpc.maxWaiting)`;
	return new ZooKeeperError({ code: errors.throttledOp.code, path: '', zxid: zeroZxid, message });
}
