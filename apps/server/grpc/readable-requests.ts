/**
 * Requests that cannot be read: grpc-js would answer INTERNAL and say nothing of why. Here the decoder gives what is to be said in the request's place, and the handlers of unary
 * calls and response streams are only called with what could be read. Streams of requests look themselves.
 */
import {
	Server,
	type ServerUnaryCall,
	type ServiceDefinition,
	type sendUnaryData,
	type UntypedHandleCall,
	type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { RpcException } from '@nestjs/microservices';
import { zeroZxid } from '#core/model/zxid';
import { errors } from '#jute/errors';
import { ZooKeeperError } from './grpc-error.ts';
import { refusal } from './refusals.ts';

class Unreadable {
	readonly error: RpcException;

	constructor(error: RpcException) {
		this.error = error;
	}
}

type Method = ServiceDefinition[string];

/**
 * @param maxBytes of a message
 * @param maxBuffer `jute.maxbuffer`, which that is from
 */
export function withReadableRequests(
	services: Readonly<Record<string, object>>,
	maxBytes: number,
	maxBuffer: number,
): Record<string, object> {
	const readable = (method: Method): Method => {
		if (method.requestStream) return method;
		const { path, requestDeserialize } = method;
		const decode = (bytes: Buffer): unknown => {
			if (bytes.length > maxBytes) return new Unreadable(tooLarge(bytes.length, maxBytes, maxBuffer));
			try {
				return requestDeserialize(bytes);
			} catch (error) {
				return new Unreadable(undecodable(path, error as Error));
			}
		};
		return { ...method, requestDeserialize: decode };
	};
	return mapped(services, (service) => mapped(service as ServiceDefinition, readable));
}

/** Answers in place of the handlers what cannot be read. */
export class ReadableServer extends Server {
	override addService(service: ServiceDefinition, implementation: UntypedServiceImplementation): void {
		super.addService(service, mapped(implementation, ofReadable) as UntypedServiceImplementation);
	}
}

function ofReadable(handle: UntypedHandleCall): UntypedHandleCall {
	const handler = handle as (call: ServerUnaryCall<unknown, unknown>, answer?: sendUnaryData<unknown>) => void;
	const handleReadable: typeof handler = (call, answer) => {
		const { request } = call;
		if (!(request instanceof Unreadable)) {
			handler(call, answer);
			return;
		}
		const error = request.error.getError() as Parameters<sendUnaryData<unknown>>[0];
		if (answer === undefined) call.emit('error', error);
		else answer(error);
	};
	return handleReadable as UntypedHandleCall;
}

function mapped<K extends string, V, R>(record: Readonly<Record<K, V>>, change: (value: V) => R): Record<K, R> {
	const entries = Object.entries<V>(record).map(([name, value]) => [name, change(value)]);
	return Object.fromEntries(entries) as Record<K, R>;
}

function tooLarge(bytes: number, maxBytes: number, maxBuffer: number): RpcException {
	const message = `the request has ${bytes} bytes, and with jute.maxbuffer=${maxBuffer} it may have ${maxBytes}`;
	return refusal('MESSAGE_TOO_LARGE', message);
}

function undecodable(method: string, error: Error): RpcException {
	const message = `the request of ${method} cannot be decoded: ${error.message}`;
	return new ZooKeeperError({ code: errors.marshallingError.code, path: '', zxid: zeroZxid, message });
}
