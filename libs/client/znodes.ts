/** What can be done with nodes. A call of its own carries each operation, or the stream of a session carries them all. */
import type { Acl, Id, Stat } from '#proto/chronokeeper/v1/common';
import {
	Consistency,
	CreateMode,
	ExistsRequest,
	GetRequest,
	ListChildrenRequest,
	type MultiReadRequest_Op,
	type MultiReadResponse,
	type MultiRequest_Op,
	type MultiResponse,
} from '#proto/chronokeeper/v1/znode';
import type { RequestOf, ResponseOf, ZnodeOperationKind } from './operation.ts';

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

/** Of the reads that can set a watch. */
export interface WatchingReadOptions extends ReadOptions {
	/** Sets a one-shot watch in the same step. In a session only. */
	readonly watch?: boolean;
}

export interface PageOptions extends ReadOptions {
	/** Only names that begin with this. */
	readonly prefix?: string;
	/** Names on a page; 1,000 when absent. */
	readonly pageSize?: number;
}

/** What the server must have said besides its zxid. */
export interface NodeData {
	/** Null is not the same as empty. */
	readonly data: Uint8Array | null;
	readonly stat: Stat;
	readonly zxid: bigint;
}

export interface Children {
	/** Names, not paths, by code unit. */
	readonly names: string[];
	readonly stat: Stat;
	readonly zxid: bigint;
}

export interface Changed {
	readonly stat: Stat;
	/** The transaction's own zxid. */
	readonly zxid: bigint;
}

const any = -1;

export abstract class Znodes {
	/** @throws ClientError */
	protected abstract perform<K extends ZnodeOperationKind>(kind: K, request: RequestOf<K>): Promise<ResponseOf<K>>;

	async create(
		path: string,
		data: Uint8Array | null,
		options: CreateOptions = {},
	): Promise<Changed & { path: string }> {
		const response = await this.perform('create', {
			path,
			data: data ?? undefined,
			mode: options.mode ?? CreateMode.CREATE_MODE_PERSISTENT,
			acl: [...(options.acl ?? [])],
			ttlMs: BigInt(options.ttlMs ?? 0),
		});
		return { path: response.path, stat: present(response.stat), zxid: response.zxid };
	}

	async get(path: string, options: WatchingReadOptions = {}): Promise<NodeData> {
		const response = await this.perform('get', GetRequest.create({ path, ...asked(options) }));
		return { data: response.data ?? null, stat: present(response.stat), zxid: response.zxid };
	}

	/** Versions: -1, or none, is any. */
	async set(path: string, data: Uint8Array | null, version = any): Promise<Changed> {
		const response = await this.perform('set', { path, data: data ?? undefined, version });
		return { stat: present(response.stat), zxid: response.zxid };
	}

	async delete(path: string, version = any): Promise<bigint> {
		return (await this.perform('delete', { path, version })).zxid;
	}

	/** Undefined when there is no such node. */
	async exists(path: string, options: WatchingReadOptions = {}): Promise<Stat | undefined> {
		return (await this.perform('exists', ExistsRequest.create({ path, ...asked(options) }))).stat;
	}

	async children(path: string, options: WatchingReadOptions = {}): Promise<Children> {
		const response = await this.perform('listChildren', ListChildrenRequest.create({ path, ...asked(options) }));
		return { names: response.children.sort(), stat: present(response.stat), zxid: response.zxid };
	}

	/** The children in pages, in the order of their names. One that is there all the while is on exactly one page. */
	async *childPages(path: string, options: PageOptions = {}): AsyncGenerator<Children> {
		const { prefix = '', pageSize = 1000 } = options;
		let pageToken = '';
		do {
			const request = ListChildrenRequest.create({ path, prefix, pageSize, pageToken, ...asked(options) });
			const response = await this.perform('listChildren', request);
			yield { names: response.children, stat: present(response.stat), zxid: response.zxid };
			pageToken = response.nextPageToken;
		} while (pageToken !== '');
	}

	async getAcl(path: string, options: ReadOptions = {}): Promise<{ acl: Acl[]; stat: Stat }> {
		const response = await this.perform('getAcl', { path, ...asked(options) });
		return { acl: response.acl, stat: present(response.stat) };
	}

	async setAcl(path: string, acl: readonly Acl[], aversion = any): Promise<Changed> {
		const response = await this.perform('setAcl', { path, acl: [...acl], aversion });
		return { stat: present(response.stat), zxid: response.zxid };
	}

	/** All of them or none; the error names the operation that failed. */
	multi(ops: readonly MultiRequest_Op[]): Promise<MultiResponse> {
		return this.perform('multi', { ops: [...ops] });
	}

	/** Each succeeds or fails alone. */
	multiRead(ops: readonly MultiReadRequest_Op[], options: ReadOptions = {}): Promise<MultiReadResponse> {
		return this.perform('multiRead', { ops: [...ops], ...asked(options) });
	}

	/** Until the replica has applied all that was committed before; its zxid then. */
	async sync(path = '/'): Promise<bigint> {
		return (await this.perform('sync', { path })).zxid;
	}

	async whoAmI(): Promise<Id[]> {
		return (await this.perform('whoAmI', {})).identities;
	}

	/** Paths of the session's ephemeral nodes; none without a session. */
	async ephemerals(prefix = '', options: ReadOptions = {}): Promise<string[]> {
		return (await this.perform('getEphemerals', { prefix, ...asked(options) })).paths;
	}

	async allChildrenNumber(path: string, options: ReadOptions = {}): Promise<number> {
		return (await this.perform('getAllChildrenNumber', { path, ...asked(options) })).count;
	}
}

function asked({ watch = false, ...options }: WatchingReadOptions): { consistency?: Consistency; watch?: boolean } {
	return { ...consistency(options), ...(watch ? { watch } : {}) };
}

export function consistency({ linearizable = false }: ReadOptions): { consistency?: Consistency } {
	return linearizable ? { consistency: Consistency.CONSISTENCY_LINEARIZABLE } : {};
}

function present(stat: Stat | undefined): Stat {
	if (stat === undefined)
		throw new Error('the server answered without a Stat: it is not a Chronokeeper of this version');
	return stat;
}
