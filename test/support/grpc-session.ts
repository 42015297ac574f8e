/** A caller of the gRPC door on the generated clients alone, for tests of sessions. */
import {
	type CallOptions,
	type Client,
	credentials,
	Metadata,
	type ServiceError,
	type UntypedHandleCall,
} from '@grpc/grpc-js';
import { ErrorDetail } from '#proto/chronokeeper/v1/common';
import { SessionServiceClient } from '#proto/chronokeeper/v1/session';
import { ZnodeServiceClient } from '#proto/chronokeeper/v1/znode';
import { Status } from '#proto/google/rpc/status';

export interface SessionProof {
	readonly sessionId: bigint;
	readonly password: Uint8Array;
}

/** What a call inside a session has in its metadata. */
export function inside(
	{ sessionId, password }: SessionProof,
	more: Readonly<Record<string, string>> = {},
	radix: 10 | 16 = 16,
): Metadata {
	const metadata = new Metadata();
	metadata.set('ck-session-id', radix === 16 ? `0x${sessionId.toString(16)}` : `${sessionId}`);
	metadata.set('ck-session-password-bin', Buffer.from(password));
	for (const [key, value] of Object.entries(more)) metadata.set(key, value);
	return metadata;
}

/** ZooKeeper's code of a failed call; undefined when it has none. */
export function zooKeeperCode(error: unknown): number | undefined {
	const [bytes] = (error as ServiceError).metadata?.get('grpc-status-details-bin') ?? [];
	if (bytes === undefined) return undefined;
	const detail = Status.decode(bytes as Buffer).details.find(({ typeUrl }) => typeUrl.endsWith('v1.ErrorDetail'));
	return detail && ErrorDetail.decode(detail.value).code;
}

type Method<Request, Response> = (
	request: Request,
	metadata: Metadata,
	options: Partial<CallOptions>,
	callback: (error: ServiceError | null, response: Response) => void,
) => unknown;

export class GrpcCaller {
	readonly sessions: SessionServiceClient;
	readonly znodes: ZnodeServiceClient;

	constructor(address: string) {
		const options = { 'grpc.use_local_subchannel_pool': 1 };
		this.sessions = new SessionServiceClient(address, credentials.createInsecure(), options);
		this.znodes = new ZnodeServiceClient(address, credentials.createInsecure(), options);
	}

	/** `caller.call(caller.znodes, 'get', { path }, metadata)`. */
	call<C extends Client, M extends keyof C & string>(
		client: C,
		method: M,
		request: object = {},
		metadata = new Metadata(),
	): Promise<C[M] extends Method<never, infer Response> ? Response : never> {
		const type = (client.constructor as unknown as { service: Record<string, UntypedHandleCall & Shape> }).service[
			method
		]!;
		return new Promise((resolve, reject) => {
			const full = type.requestDeserialize(type.requestSerialize({ ...emptyOf(type), ...request }));
			(client[method] as unknown as Method<unknown, never>).call(
				client,
				full,
				metadata,
				{ deadline: Date.now() + 20_000 },
				(error, response) => (error === null ? resolve(response) : reject(error)),
			);
		});
	}

	close(): void {
		this.sessions.close();
		this.znodes.close();
	}
}

interface Shape {
	requestSerialize(value: unknown): Buffer;
	requestDeserialize(bytes: Buffer): object;
}

/** A message without any field has all of its defaults. */
function emptyOf(type: Shape): object {
	return type.requestDeserialize(Buffer.alloc(0));
}
