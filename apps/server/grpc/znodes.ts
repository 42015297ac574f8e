/** ZnodeService on the real chain: a request becomes an operation, its result the response. */
import type { Host } from '#core/host/host';
import { errors } from '#jute/errors';
import type {
	CreateRequest,
	CreateResponse,
	DeleteRequest,
	DeleteResponse,
	ExistsRequest,
	ExistsResponse,
	GetAclRequest,
	GetAclResponse,
	GetAllChildrenNumberRequest,
	GetAllChildrenNumberResponse,
	GetEphemeralsRequest,
	GetEphemeralsResponse,
	GetRequest,
	GetResponse,
	ListChildrenRequest,
	ListChildrenResponse,
	MultiReadRequest,
	MultiReadResponse,
	MultiRequest,
	MultiResponse,
	SetAclRequest,
	SetAclResponse,
	SetRequest,
	SetResponse,
	StreamChildrenRequest,
	StreamChildrenResponse,
	SyncRequest,
	SyncResponse,
	WhoAmIResponse,
} from '#proto/chronokeeper/v1/znode';
import type { GrpcCall } from './grpc-call.ts';
import { ZooKeeperError } from './grpc-error.ts';
import { type ChildrenOptions, childrenMessages } from './lists/children-stream.ts';
import type { Answer, Submission, Submittable } from './submission.ts';
import type { ReadRequest, RequestPlace, ZnodeRequests } from './znode-requests.ts';
import { acl, childrenResponse, multiReadResult, multiResult, stat } from './znode-responses.ts';

export class Znodes {
	constructor(
		private readonly submission: Submission,
		private readonly requests: ZnodeRequests,
		private readonly host: Host,
		private readonly options: ChildrenOptions,
	) {}

	async create(request: CreateRequest, call: GrpcCall): Promise<CreateResponse> {
		const { result, zxid } = await this.submission.submit(this.requests.create(request, placeOf(call)), call);
		return { path: result.path, stat: stat(result.stat), zxid: BigInt(zxid) };
	}

	async get(request: GetRequest, call: GrpcCall): Promise<GetResponse> {
		const { result, zxid } = await this.#read(this.requests.get(request), request, call);
		return { data: result.data ?? undefined, stat: stat(result.stat), zxid: BigInt(zxid) };
	}

	async set(request: SetRequest, call: GrpcCall): Promise<SetResponse> {
		const { result, zxid } = await this.submission.submit(this.requests.set(request), call);
		return { stat: stat(result.stat), zxid: BigInt(zxid) };
	}

	async delete(request: DeleteRequest, call: GrpcCall): Promise<DeleteResponse> {
		const { zxid } = await this.submission.submit(this.requests.delete(request), call);
		return { zxid: BigInt(zxid) };
	}

	/** A missing node is an answer here. */
	async exists(request: ExistsRequest, call: GrpcCall): Promise<ExistsResponse> {
		try {
			const { result, zxid } = await this.#read(this.requests.exists(request), request, call);
			return { stat: stat(result.stat), zxid: BigInt(zxid) };
		} catch (error) {
			if (!(error instanceof ZooKeeperError) || error.failure.code !== errors.noNode.code) throw error;
			return { stat: undefined, zxid: BigInt(error.failure.zxid) };
		}
	}

	async listChildren(request: ListChildrenRequest, call: GrpcCall): Promise<ListChildrenResponse> {
		const { result, zxid } = await this.#read(this.requests.listChildren(request), request, call);
		return childrenResponse(result, request, zxid);
	}

	async *streamChildren(
		request: StreamChildrenRequest,
		call: GrpcCall,
		signal: AbortSignal,
	): AsyncGenerator<StreamChildrenResponse> {
		const { path, prefix, withData } = request;
		const consistency = this.requests.consistency(request);
		const op = { kind: 'getChildren', path, watch: false } as const;
		const context = await this.submission.contextOf(call);
		const { result } = await this.submission.submitAs(context, op, call, consistency);
		const list = { op, names: result.children, prefix, withData, caller: context.caller, stat: stat(result.stat) };
		yield* childrenMessages(list, this.host, this.options, signal);
	}

	async getAcl(request: GetAclRequest, call: GrpcCall): Promise<GetAclResponse> {
		const { result, zxid } = await this.#read({ kind: 'getACL', path: request.path }, request, call);
		return { acl: result.acl.map(acl), stat: stat(result.stat), zxid: BigInt(zxid) };
	}

	async setAcl(request: SetAclRequest, call: GrpcCall): Promise<SetAclResponse> {
		const { result, zxid } = await this.submission.submit(this.requests.setAcl(request), call);
		return { stat: stat(result.stat), zxid: BigInt(zxid) };
	}

	async multi(request: MultiRequest, call: GrpcCall): Promise<MultiResponse> {
		const { result, zxid } = await this.submission.submit(this.requests.multi(request, placeOf(call)), call);
		return { results: result.results.map(multiResult), zxid: BigInt(zxid) };
	}

	async multiRead(request: MultiReadRequest, call: GrpcCall): Promise<MultiReadResponse> {
		const op = this.requests.multiRead(request);
		const { result, zxid } = await this.submission.submit(op, call, this.requests.multiReadConsistency(request));
		const results = result.results.map((one, index) => multiReadResult(one, request.ops[index]!, zxid));
		return { results, zxid: BigInt(zxid) };
	}

	async sync({ path }: SyncRequest, call: GrpcCall): Promise<SyncResponse> {
		const { result, zxid } = await this.submission.submit({ kind: 'sync', path: path === '' ? '/' : path }, call);
		return { path: result.path, zxid: BigInt(zxid) };
	}

	async whoAmI(call: GrpcCall): Promise<WhoAmIResponse> {
		const { result } = await this.submission.submit({ kind: 'whoAmI' }, call);
		return { identities: result.identities.map(({ scheme, id }) => ({ scheme, id })) };
	}

	async getEphemerals(request: GetEphemeralsRequest, call: GrpcCall): Promise<GetEphemeralsResponse> {
		const { result, zxid } = await this.#read({ kind: 'getEphemerals', prefix: request.prefix }, request, call);
		return { paths: [...result.paths], zxid: BigInt(zxid) };
	}

	async getAllChildrenNumber(
		request: GetAllChildrenNumberRequest,
		call: GrpcCall,
	): Promise<GetAllChildrenNumberResponse> {
		const { result, zxid } = await this.#read({ kind: 'getAllChildrenNumber', path: request.path }, request, call);
		return { count: result.count, zxid: BigInt(zxid) };
	}

	#read<O extends Submittable>(op: O, request: ReadRequest, call: GrpcCall): Promise<Answer<O['kind']>> {
		return this.submission.submit(op, call, this.requests.consistency(request));
	}
}

/** Unary: there is nowhere for events to go. */
function placeOf({ metadata }: GrpcCall): RequestPlace {
	return { hasSession: metadata.get('ck-session-id').length > 0, canWatch: false, at: '' };
}
