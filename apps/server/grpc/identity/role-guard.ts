/**
 * The one place where roles are asked for: every method goes through here on its way from Nest to grpc-js. A guard of Nest's would be in the way of each call, of those
 * too that take no role.
 */
import type { EventEmitter } from 'node:events';
import { RpcException } from '@nestjs/microservices';
import type { CallHead } from '../grpc-call.ts';
import type { Callers } from './callers.ts';
import { type Roles, roleOf } from './roles.ts';

export type GrpcMethod = (call: CallHead & EventEmitter, callback?: (error: unknown) => void) => unknown;

export class RoleGuard {
	constructor(
		private readonly callers: Callers,
		private readonly roles: Roles,
	) {}

	/**
	 * The method for those who have its role; the others get PERMISSION_DENIED, or are told what is wrong with their credentials. A method that takes no role stays what it is.
	 * @param path `/chronokeeper.v1.AdminService/Status`
	 */
	guarded(path: string, method: GrpcMethod): GrpcMethod {
		const role = roleOf(path);
		if (role === null) return method;
		return async (call, callback) => {
			try {
				const { identities } = await this.callers.of(call);
				this.roles.check(path, role, identities);
			} catch (error) {
				const told = error instanceof RpcException ? error.getError() : error;
				if (callback === undefined) call.emit('error', told);
				else callback(told);
				return;
			}
			await method(call, callback);
		};
	}
}
