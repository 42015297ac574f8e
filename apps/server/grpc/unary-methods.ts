/**
 * Unary calls go from grpc-js straight to the methods of the controllers. What Nest puts around a handler (pipes, guards, interceptors, filters, observables: some twenty promises) costs each call some
 * microseconds, and nothing of it is used: roles are RoleGuard's; who calls, in which session, limits and traces are Submission's (docs/adr/0019-unary-calls-go-straight.md).
 */
import type { Metadata, sendUnaryData } from '@grpc/grpc-js';
import { RpcException } from '@nestjs/microservices';
import { PATTERN_METADATA } from '@nestjs/microservices/constants.js';
import type { GrpcCall } from './grpc-call.ts';

/** Of a controller. */
export type ControllerMethod = (request: unknown, metadata: Metadata, call: GrpcCall) => unknown;

/** What grpc-js calls. */
export type UnaryMethod = (
	call: GrpcCall & { readonly request: unknown },
	answer: sendUnaryData<unknown>,
) => Promise<void>;

interface Pattern {
	readonly service: string;
	readonly rpc: string;
}

/** By what @GrpcMethod says: `ZnodeService/get`. */
export function methodsOf(controllers: readonly object[]): ReadonlyMap<string, ControllerMethod> {
	const methods = new Map<string, ControllerMethod>();
	for (const controller of controllers) {
		const prototype = Object.getPrototypeOf(controller) as Record<string, ControllerMethod>;
		for (const name of Object.getOwnPropertyNames(prototype)) {
			const method = prototype[name]!;
			const patterns = Reflect.getMetadata(PATTERN_METADATA, method) as readonly Pattern[] | undefined;
			for (const { service, rpc } of patterns ?? []) methods.set(`${service}/${rpc}`, method.bind(controller));
		}
	}
	return methods;
}

/** @param report is told of what is no answer to the caller: a bug */
export function unaryMethod(method: ControllerMethod, report: (error: unknown) => void): UnaryMethod {
	return async (call, answer) => {
		let response: unknown;
		try {
			response = await method(call.request, call.metadata, call);
		} catch (error) {
			if (!(error instanceof RpcException)) report(error);
			answer(error instanceof RpcException ? (error.getError() as Error) : new Error('Internal server error'));
			return;
		}
		answer(null, response);
	};
}
