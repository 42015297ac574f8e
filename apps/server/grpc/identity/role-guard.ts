/** The one place where roles are asked for: in front of every method of every service. */
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import type { GrpcCall } from '../grpc-call.ts';
import type { Callers } from './callers.ts';
import { type Roles, roleOf } from './roles.ts';

type NamedCall = GrpcCall & { getPath(): string };

export class RoleGuard implements CanActivate {
	constructor(
		private readonly callers: Callers,
		private readonly roles: Roles,
	) {}

	/** @throws RpcException PERMISSION_DENIED, or what is wrong with the caller's credentials */
	canActivate(context: ExecutionContext): boolean | Promise<boolean> {
		const call = callOf(context);
		const method = call.getPath();
		const role = roleOf(method);
		if (role === null) return true;
		const check = ({ identities }: { readonly identities: Parameters<Roles['check']>[2] }) => {
			this.roles.check(method, role, identities);
			return true;
		};
		const caller = this.callers.of(call);
		return caller instanceof Promise ? caller.then(check) : check(caller);
	}
}

/** grpc-js' call is among what the method is given, wherever Nest puts it. */
function callOf(context: ExecutionContext): NamedCall {
	const call = context.getArgs<unknown[]>().find(isCall);
	if (call === undefined) throw new Error('a method of gRPC was called without a call');
	return call;
}

function isCall(argument: unknown): argument is NamedCall {
	return typeof argument === 'object' && argument !== null && 'getPath' in argument && 'getPeer' in argument;
}
