/**
 * Chronokeeper's client: znodes, history and the state of a replica, over gRPC. 64-bit values are bigint. A failed call rejects with a
 * ClientError that carries ZooKeeper's error code.
 */
import { credentials } from '@grpc/grpc-js';
import { AdminServiceClient, type StatusResponse, type TakeSnapshotResponse } from '#proto/chronokeeper/v1/admin';
import type { Acl, Id, Stat } from '#proto/chronokeeper/v1/common';
import {
	type DiffResponse,
	type HistoryRequest,
	type HistoryResponse,
	HistoryServiceClient,
	type TreeAtResponse,
	type ZnodeAtResponse,
} from '#proto/chronokeeper/v1/history';
import {
	Consistency,
	CreateMode,
	type CreateResponse,
	ExistsRequest,
	GetRequest,
	type GetResponse,
	ListChildrenRequest,
	type ListChildrenResponse,
	type MultiReadRequest_Op,
	type MultiReadResponse,
	type MultiRequest_Op,
	type MultiResponse,
	ZnodeServiceClient,
} from '#proto/chronokeeper/v1/znode';
import { Calls, type ClientOptions } from './channel.ts';

export type { Acl, ClientOptions, Id, Stat };
export { CreateMode };

export interface CreateOptions {
	/** Persistent when absent. */
	readonly mode?: CreateMode;
	/** Open to everybody when absent. */
	readonly acl?: readonly Acl[];
	/** For the TTL modes. */
	readonly ttlMs?: number;
}

export interface ReadOptions {
	/** What is read is at least as new as anything that was acknowledged to anybody before: the replica asks a quorum first. */
	readonly linearizable?: boolean;
}

/** What the server must have said besides its zxid. */
export interface NodeData {
	/** Null is not the same as empty. */
	readonly data: Uint8Array | null;
	readonly stat: Stat;
	readonly zxid: bigint;
}

export interface Changed {
	readonly stat: Stat;
	/** The transaction's own zxid. */
	readonly zxid: bigint;
}

const any = -1;

export class ChronokeeperClient {
	readonly address: string;
	readonly #calls: Calls;
	readonly #znodes: ZnodeServiceClient;
	readonly #history: HistoryServiceClient;
	readonly #admin: AdminServiceClient;

	/** Connects with the first call. */
	constructor(options: ClientOptions) {
		this.address = options.address;
		this.#calls = new Calls(options);
		const plain = credentials.createInsecure();
		// One connection for all three services.
		this.#znodes = new ZnodeServiceClient(options.address, plain, channelOptions);
		const channelOverride = this.#znodes.getChannel();
		this.#history = new HistoryServiceClient(options.address, plain, { channelOverride });
		this.#admin = new AdminServiceClient(options.address, plain, { channelOverride });
	}

	/** Calls under way fail. */
	close(): void {
		this.#znodes.close();
	}

	async create(
		path: string,
		data: Uint8Array | null,
		options: CreateOptions = {},
	): Promise<Changed & { path: string }> {
		const response: CreateResponse = await this.#calls.unary(this.#znodes.create.bind(this.#znodes), {
			path,
			data: data ?? undefined,
			mode: options.mode ?? CreateMode.CREATE_MODE_PERSISTENT,
			acl: [...(options.acl ?? [])],
			ttlMs: BigInt(options.ttlMs ?? 0),
		});
		return { path: response.path, stat: present(response.stat), zxid: response.zxid };
	}

	async get(path: string, options: ReadOptions = {}): Promise<NodeData> {
		const request = GetRequest.create({ path, ...consistency(options) });
		const response: GetResponse = await this.#calls.unary(this.#znodes.get.bind(this.#znodes), request);
		return { data: response.data ?? null, stat: present(response.stat), zxid: response.zxid };
	}

	/** Versions: -1, or none, is any. */
	async set(path: string, data: Uint8Array | null, version = any): Promise<Changed> {
		const request = { path, data: data ?? undefined, version };
		const response = await this.#calls.unary(this.#znodes.set.bind(this.#znodes), request);
		return { stat: present(response.stat), zxid: response.zxid };
	}

	async delete(path: string, version = any): Promise<bigint> {
		const response = await this.#calls.unary(this.#znodes.delete.bind(this.#znodes), { path, version });
		return response.zxid;
	}

	/** Undefined when there is no such node. */
	async exists(path: string, options: ReadOptions = {}): Promise<Stat | undefined> {
		const request = ExistsRequest.create({ path, ...consistency(options) });
		const response = await this.#calls.unary(this.#znodes.exists.bind(this.#znodes), request);
		return response.stat;
	}

	/** Names, not paths, by code unit. */
	async children(path: string, options: ReadOptions = {}): Promise<{ names: string[]; stat: Stat; zxid: bigint }> {
		const request = ListChildrenRequest.create({ path, ...consistency(options) });
		const response: ListChildrenResponse = await this.#calls.unary(
			this.#znodes.listChildren.bind(this.#znodes),
			request,
		);
		return { names: response.children.sort(), stat: present(response.stat), zxid: response.zxid };
	}

	async getAcl(path: string, options: ReadOptions = {}): Promise<{ acl: Acl[]; stat: Stat }> {
		const request = { path, ...consistency(options) };
		const response = await this.#calls.unary(this.#znodes.getAcl.bind(this.#znodes), request);
		return { acl: response.acl, stat: present(response.stat) };
	}

	async setAcl(path: string, acl: readonly Acl[], aversion = any): Promise<Changed> {
		const request = { path, acl: [...acl], aversion };
		const response = await this.#calls.unary(this.#znodes.setAcl.bind(this.#znodes), request);
		return { stat: present(response.stat), zxid: response.zxid };
	}

	/** All of them or none; the error names the operation that failed. */
	multi(ops: readonly MultiRequest_Op[]): Promise<MultiResponse> {
		return this.#calls.unary(this.#znodes.multi.bind(this.#znodes), { ops: [...ops] });
	}

	/** Each succeeds or fails alone. */
	multiRead(ops: readonly MultiReadRequest_Op[], options: ReadOptions = {}): Promise<MultiReadResponse> {
		const request = { ops: [...ops], ...consistency(options) };
		return this.#calls.unary(this.#znodes.multiRead.bind(this.#znodes), request);
	}

	/** Until the replica has applied all that was committed before; its zxid then. */
	async sync(path = '/'): Promise<bigint> {
		const response = await this.#calls.unary(this.#znodes.sync.bind(this.#znodes), { path });
		return response.zxid;
	}

	async whoAmI(): Promise<Id[]> {
		const response = await this.#calls.unary(this.#znodes.whoAmI.bind(this.#znodes), {});
		return response.identities;
	}

	async allChildrenNumber(path: string, options: ReadOptions = {}): Promise<number> {
		const request = { path, ...consistency(options) };
		const response = await this.#calls.unary(this.#znodes.getAllChildrenNumber.bind(this.#znodes), request);
		return response.count;
	}

	history(request: Partial<HistoryRequest>, signal?: AbortSignal): AsyncGenerator<HistoryResponse> {
		const all: HistoryRequest = { path: '', recursive: false, type: '', limit: 0, follow: false, ...request };
		return this.#calls.stream(this.#history.history.bind(this.#history), all, signal);
	}

	znodeAt(path: string, zxid?: bigint): Promise<ZnodeAtResponse> {
		return this.#calls.unary(this.#history.znodeAt.bind(this.#history), { path, zxid });
	}

	treeAt(zxid?: bigint, prefix = '', signal?: AbortSignal): AsyncGenerator<TreeAtResponse> {
		return this.#calls.stream(this.#history.treeAt.bind(this.#history), { zxid, prefix }, signal);
	}

	diff(fromZxid: bigint, toZxid: bigint, prefix = '', signal?: AbortSignal): AsyncGenerator<DiffResponse> {
		return this.#calls.stream(this.#history.diff.bind(this.#history), { fromZxid, toZxid, prefix }, signal);
	}

	status(): Promise<StatusResponse> {
		return this.#calls.unary(this.#admin.status.bind(this.#admin), {});
	}

	/** Waits until it is on disk, which takes a while for a large tree. */
	takeSnapshot(timeoutMs = 600_000): Promise<TakeSnapshotResponse> {
		return this.#calls.unary(this.#admin.takeSnapshot.bind(this.#admin), {}, timeoutMs);
	}
}

/** Data of a node may be about a megabyte, a list of children more. */
const channelOptions = { 'grpc.max_receive_message_length': 64 << 20, 'grpc.max_send_message_length': 64 << 20 };

function consistency({ linearizable = false }: ReadOptions): { consistency?: Consistency } {
	return linearizable ? { consistency: Consistency.CONSISTENCY_LINEARIZABLE } : {};
}

function present(stat: Stat | undefined): Stat {
	if (stat === undefined)
		throw new Error('the server answered without a Stat: it is not a Chronokeeper of this version');
	return stat;
}
