import type { ErrorDetail } from '#proto/chronokeeper/v1/common';

/** What the server, or the way to it, answered instead of a result. */
export class ClientError extends Error {
	/** The gRPC status: `NOT_FOUND`, `UNAVAILABLE`. `OK` for an operation on a session's stream, which fails without the stream. */
	readonly status: string;
	/** ZooKeeper's error code; undefined when the failure is not one of ZooKeeper's. */
	readonly code: number | undefined;
	/** ZooKeeper's name of it: `NoNode`; empty without a code. */
	readonly codeName: string;
	/** The path of the operation that failed; empty when the server named none. */
	readonly path: string;
	/** The zxid that the failed write consumed; 0n when it consumed none. */
	readonly zxid: bigint;
	/** In a multi: the index of the operation that failed. */
	readonly op: number | undefined;
	/** In a multi: ZooKeeper's code of each operation. */
	readonly opCodes: readonly number[];
	/** What can be done about it, where the server has something to say. */
	readonly advice: string;

	/** @internal */
	constructor(message: string, grpcStatus: string, detail: ErrorDetail | undefined, cause: unknown) {
		super(message, { cause });
		this.name = new.target.name;
		this.status = grpcStatus;
		this.code = detail?.code;
		this.codeName = detail?.name ?? '';
		this.path = detail?.path ?? '';
		this.zxid = detail?.zxid ?? 0n;
		this.op = detail?.op;
		this.opCodes = detail?.opCodes ?? [];
		this.advice = detail?.advice ?? '';
	}
}
