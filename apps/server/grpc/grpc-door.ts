/**
 * The gRPC port as a Nest transport. Nest's own forgets which port it got and either waits for open streams without end or cuts calls that are under way;
 * this one remembers, and waits for a while.
 */
import type { EventEmitter } from 'node:events';
import type { MethodDefinition, Server, ServerCredentials, ServerOptions } from '@grpc/grpc-js';
import { type GrpcOptions, type MessageHandler, ServerGrpc } from '@nestjs/microservices';
import type { GrpcMethod, RoleGuard } from './identity/role-guard.ts';
import { ReadableServer, withReadableRequests } from './readable-requests.ts';
import { type ControllerMethod, methodsOf, type UnaryMethod, unaryMethod } from './unary-methods.ts';

export interface GrpcDoorOptions {
	readonly address: string;
	readonly port: number;
	/** With TLS or without. */
	readonly credentials: ServerCredentials;
	/** In front of each method. */
	readonly guard: RoleGuard;
	readonly packageName: string;
	/** ts-proto's service definitions by full name. */
	readonly services: Readonly<Record<string, object>>;
	/** Of Nest's making, with a method for each RPC. */
	readonly controllers: readonly object[];
	readonly maxMessageBytes: number;
	/** `jute.maxbuffer`, which that is from. */
	readonly maxBuffer: number;
	/** Between the pings of a connection. */
	readonly keepAliveMs: number;
	/** Without an answer to a ping for so long the connection is closed. */
	readonly keepAliveTimeoutMs: number;
	/** How long a stop waits for calls under way. */
	readonly shutdownTimeoutMs: number;
	/** Adds what is not Nest's: health, reflection. */
	readonly onServer: (server: Server) => void;
}

export class GrpcDoor extends ServerGrpc {
	/** The port it listens on. */
	port = 0;
	#server: Server | undefined;
	readonly #methods: ReadonlyMap<string, ControllerMethod>;

	constructor(private readonly door: GrpcDoorOptions) {
		const options: GrpcOptions['options'] = {
			package: door.packageName,
			packageDefinition: withReadableRequests(door.services, door.maxMessageBytes, door.maxBuffer),
			onLoadPackageDefinition: (_, server: Server) => door.onServer(server),
		};
		super(options);
		this.#methods = methodsOf(door.controllers);
	}

	/** Streams have what Nest makes of the controller's method, unary calls the method itself. */
	override getMessageHandler(...wanted: Parameters<ServerGrpc['getMessageHandler']>) {
		const [service, name, , method] = wanted;
		const { requestStream, responseStream } = method as MethodDefinition<unknown, unknown>;
		if (requestStream || responseStream) return super.getMessageHandler(...wanted);
		return this.#methods.get(`${service}/${name}`) as MessageHandler;
	}

	override createUnaryServiceMethod(method: ControllerMethod): UnaryMethod {
		return unaryMethod(method, (error) => this.logger.error(error));
	}

	/** What may not be called by everybody asks first who calls. */
	override createServiceMethod(...handler: Parameters<ServerGrpc['createServiceMethod']>) {
		const [, { path }] = handler;
		return this.door.guard.guarded(path as string, super.createServiceMethod(...handler) as GrpcMethod);
	}

	/** Of a handler that throws Nest makes a rejection that nobody hears, which ends the process: here its caller is told. */
	override createStreamCallMethod(...handler: Parameters<ServerGrpc['createStreamCallMethod']>) {
		const method = super.createStreamCallMethod(...handler);
		return (...args: Parameters<typeof method>): Promise<void> =>
			method(...args).catch((error: unknown) => {
				const call: unknown = args[0];
				(call as EventEmitter).emit('error', error);
			});
	}

	override async createClient(): Promise<Server> {
		const { address, port, maxMessageBytes, keepAliveMs, keepAliveTimeoutMs } = this.door;
		const options: ServerOptions = {
			// Of what is larger, but not by far, the door itself says what is wrong.
			'grpc.max_receive_message_length': 4 * maxMessageBytes,
			// What is in the tree can always be read.
			'grpc.max_send_message_length': -1,
			'grpc.keepalive_time_ms': keepAliveMs,
			'grpc.keepalive_timeout_ms': keepAliveTimeoutMs,
		};
		const server = new ReadableServer(options);
		const host = address.includes(':') ? `[${address}]` : address;
		this.port = await new Promise<number>((resolve, reject) => {
			server.bindAsync(`${host}:${port}`, this.door.credentials, (error, bound) => {
				if (error === null) resolve(bound);
				else
					reject(
						new Error(`the gRPC port ${host}:${port} cannot be listened on (grpcPort, grpcAddress): ${error.message}`),
					);
			});
		});
		this.#server = server;
		return server;
	}

	override async close(): Promise<void> {
		const server = this.#server;
		this.#server = undefined;
		if (server === undefined) return;
		await new Promise<void>((resolve) => {
			const deadline = setTimeout(() => {
				server.forceShutdown();
				resolve();
			}, this.door.shutdownTimeoutMs);
			server.tryShutdown(() => {
				clearTimeout(deadline);
				resolve();
			});
		});
	}
}
