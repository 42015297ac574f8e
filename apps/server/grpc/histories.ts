/** HistoryService on the mirror's database. */
import { status } from '@grpc/grpc-js';
import { RpcException } from '@nestjs/microservices';
import type { History, HistoryNode } from '#audit/history';
import type { SessionId } from '#jute/scalars';
import type {
	ChildrenAtRequest,
	ChildrenAtResponse,
	DiffRequest,
	DiffResponse,
	HistoryRequest,
	HistoryResponse,
	TreeAtRequest,
	TreeAtResponse,
	ZnodeAtRequest,
	ZnodeAtResponse,
} from '#proto/chronokeeper/v1/history';
import type { MirrorService } from '../mirror/mirror-service.ts';
import type { GrpcCall } from './grpc-call.ts';
import { grpcError } from './grpc-error.ts';
import { differenceMessage, gapMessage, nodeMessage, txnMessage, type Viewer } from './history-messages.ts';
import { momentOf, rangeOf, statesOf } from './history-moments.ts';
import type { Callers } from './identity/callers.ts';
import { messageBytes, nodeOverheadBytes } from './message-size.ts';
import { type RefusalReason, refusal } from './refusals.ts';
import { stat } from './znode-responses.ts';

export class Histories {
	#history: { readonly url: string; readonly queries: History } | undefined;

	constructor(
		private readonly mirror: MirrorService | undefined,
		private readonly callers: Callers,
		private readonly skipAcl: boolean,
	) {}

	async *history(request: HistoryRequest, call: GrpcCall, signal: AbortSignal): AsyncGenerator<HistoryResponse> {
		const viewer = await this.#viewer(call);
		const queries = await this.open();
		const range = await rangeOf(queries, request).catch(rethrow);
		const filter = {
			...range,
			path: request.path === '' ? undefined : request.path,
			recursive: request.recursive,
			session: request.sessionId as SessionId | undefined,
			type: request.type === '' ? undefined : request.type,
			limit: request.limit === 0 ? undefined : request.limit,
		};
		for await (const page of this.#pages((queries) => queries.txns(filter, request.follow, signal))) {
			for (const entry of page) yield 'afterZxid' in entry ? gapMessage(entry) : txnMessage(entry, viewer);
		}
	}

	async znodeAt(request: ZnodeAtRequest, call: GrpcCall): Promise<ZnodeAtResponse> {
		const viewer = await this.#viewer(call);
		const queries = await this.open();
		try {
			const zxid = await momentOf(queries, request.zxid, request.timeMs);
			const node = await queries.nodeAt(request.path, zxid);
			return { znode: node === undefined ? undefined : nodeMessage(node, viewer), zxid: BigInt(zxid) };
		} catch (error) {
			throw queryError(error);
		}
	}

	async *treeAt(request: TreeAtRequest, call: GrpcCall): AsyncGenerator<TreeAtResponse> {
		const viewer = await this.#viewer(call);
		const zxid = await momentOf(await this.open(), request.zxid, request.timeMs).catch(rethrow);
		const prefix = request.prefix === '' ? '/' : request.prefix;
		for await (const page of this.#pages((queries) => queries.treeAt(zxid, prefix))) {
			for (const nodes of ofMessageSize(page, nodeBytes)) {
				yield { znodes: nodes.map((node) => nodeMessage(node, viewer)), zxid: BigInt(zxid) };
			}
		}
	}

	async *childrenAt({ path, ...request }: ChildrenAtRequest): AsyncGenerator<ChildrenAtResponse> {
		const queries = await this.open();
		try {
			const zxid = await momentOf(queries, request.zxid, request.timeMs);
			const parent = await queries.nodeAt(path, zxid);
			yield { children: [], stat: parent && stat(parent.stat), zxid: BigInt(zxid) };
			for await (const page of queries.childPathsAt(path, zxid)) {
				for (const paths of ofMessageSize(page, ({ length }) => length)) {
					const children = paths.map((child) => child.slice(child.lastIndexOf('/') + 1));
					yield { children, stat: undefined, zxid: BigInt(zxid) };
				}
			}
		} catch (error) {
			throw queryError(error);
		}
	}

	async *diff(request: DiffRequest, call: GrpcCall): AsyncGenerator<DiffResponse> {
		const viewer = await this.#viewer(call);
		const [from, to] = await statesOf(await this.open(), request).catch(rethrow);
		const prefix = request.prefix === '' ? '/' : request.prefix;
		for await (const page of this.#pages((queries) => queries.diff(from, to, prefix))) {
			for (const difference of page) yield differenceMessage(difference, viewer);
		}
	}

	async close(): Promise<void> {
		const history = this.#history;
		this.#history = undefined;
		await history?.queries.close();
	}

	async #viewer(call: GrpcCall): Promise<Viewer> {
		const { identities } = await this.callers.of(call);
		return { identities, skipAcl: this.skipAcl };
	}

	async *#pages<T>(run: (queries: History) => AsyncIterable<T>): AsyncGenerator<T> {
		const queries = await this.open();
		try {
			yield* run(queries);
		} catch (error) {
			throw queryError(error);
		}
	}

	/** Of the mirror's database. @throws RpcException when there is no mirror, or it has no database yet. */
	async open(): Promise<History> {
		if (this.mirror === undefined) {
			throw refusal('NO_HISTORY', 'there is no history here: the replica runs with audit.mode=off');
		}
		const { url } = this.mirror;
		if (url === undefined) {
			const { lastError } = this.mirror.health();
			const why = lastError === null ? 'it is starting' : lastError;
			throw mirrorAway(why);
		}
		if (this.#history?.url !== url) {
			await this.close();
			const { History } = await import('#audit/history');
			this.#history = { url, queries: new History(url) };
		}
		return this.#history.queries;
	}
}

function* ofMessageSize<T>(items: readonly T[], bytesOf: (item: T) => number): Generator<T[]> {
	let some: T[] = [];
	let bytes = 0;
	for (const item of items) {
		const size = bytesOf(item);
		if (some.length > 0 && bytes + size > messageBytes) {
			yield some;
			some = [];
			bytes = 0;
		}
		some.push(item);
		bytes += size;
	}
	if (some.length > 0) yield some;
}

function nodeBytes({ path, data }: HistoryNode): number {
	return (data?.length ?? 0) + path.length + nodeOverheadBytes;
}

function rethrow(error: unknown): never {
	throw queryError(error);
}

/** What the functions of the schema raise: `invalid_parameter_value` for a zxid ahead of the mirror, `no_data_found` for one in a gap. */
const reasonOfSqlState: Readonly<Record<string, RefusalReason>> = {
	'22023': 'AHEAD_OF_MIRROR',
	P0002: 'HISTORY_GAP',
};

/** There is no such schema, table, column or function: the server that asks is newer than the database, which is being migrated, step by step. */
const missing: ReadonlySet<string> = new Set(['3F000', '42P01', '42703', '42883']);

/** What the history could not answer, as a status. */
export function queryError(error: unknown): RpcException {
	if (error instanceof RpcException) return error;
	const { code = '', message } = error as Error & { code?: string };
	const known = reasonOfSqlState[code];
	if (known !== undefined) return refusal(known, message);
	if (missing.has(code)) {
		return refusal('MIRROR_AWAY', `the history cannot be asked, its database is not migrated yet: ${message}`);
	}
	// A SQLSTATE of the server's own means a bug; everything else is a connection that is not there.
	const isServers = /^[0-9A-Z]{5}$/.test(code) && !/^(08|53|57)/.test(code);
	if (isServers) return grpcError(status.INTERNAL, `the history cannot be asked: ${message}`);
	return mirrorAway(message || code);
}

function mirrorAway(why: string): RpcException {
	return refusal('MIRROR_AWAY', `the history cannot be asked, PostgreSQL is away: ${why}`);
}
