/** Promises and async iterables over grpc-js: deadlines, identity, cancellation and errors in one place. */
import {
	type CallOptions,
	type ClientReadableStream,
	type ClientUnaryCall,
	type Metadata,
	type ServiceError,
} from '@grpc/grpc-js';
import { authorization, type SecurityOptions } from './channel-security.ts';
import { clientError } from './service-error.ts';

export interface ClientOptions extends SecurityOptions {
	/** `host:port`. */
	readonly address: string;
	/** How long a call may take before it fails; 10 s when absent. Streams have no limit. */
	readonly timeoutMs?: number;
	/** A connection of its own, which no other client of this process and address slows down. */
	readonly ownConnection?: boolean;
}

/** The part of a call that all unary methods of the generated clients share. */
export type Unary<Request, Response> = (
	request: Request,
	metadata: Metadata,
	options: Partial<CallOptions>,
	callback: (error: ServiceError | null, response: Response) => void,
) => ClientUnaryCall;
type Streaming<Request, Response> = (request: Request, metadata: Metadata) => ClientReadableStream<Response>;

export class Calls {
	readonly #address: string;
	readonly #security: SecurityOptions;
	/** Of a unary call. */
	readonly timeoutMs: number;

	constructor(options: ClientOptions) {
		this.#address = options.address;
		this.#security = options;
		this.timeoutMs = options.timeoutMs ?? 10_000;
	}

	unary<Request, Response>(
		method: Unary<Request, Response>,
		request: Request,
		timeoutMs = this.timeoutMs,
	): Promise<Response> {
		return new Promise((resolve, reject) => {
			const deadline = Date.now() + timeoutMs;
			method(request, this.metadata(), { deadline }, (error, response) => {
				if (error === null) resolve(response);
				else reject(clientError(error, this.#address));
			});
		});
	}

	/** Ends the call when the loop over it is left, or the signal fires: then without an error. */
	async *stream<Request, Response>(
		method: Streaming<Request, Response>,
		request: Request,
		signal?: AbortSignal,
	): AsyncGenerator<Response> {
		const call = method(request, this.metadata());
		const cancel = () => call.cancel();
		// The iterator reports errors; one that comes after it has ended must not become an uncaught one.
		call.on('error', () => {});
		signal?.addEventListener('abort', cancel, { once: true });
		if (signal?.aborted) cancel();
		try {
			for await (const response of call) yield response as Response;
		} catch (error) {
			if (!signal?.aborted) throw clientError(error, this.#address);
		} finally {
			signal?.removeEventListener('abort', cancel);
			call.cancel();
		}
	}

	/** Who calls. */
	metadata(): Metadata {
		return authorization(this.#security);
	}
}
