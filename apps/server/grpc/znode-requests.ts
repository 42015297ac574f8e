/** Requests of ZnodeService as the chain's operations. */
import { status } from '@grpc/grpc-js';
import type {
	CheckOp,
	CreateMode as CoreCreateMode,
	CreateOp,
	DeleteOp,
	GetChildrenOp,
	GetDataOp,
	MultiOp,
	MultiReadOp,
	SetAclOp,
	SetDataOp,
} from '#core/model/op';
import { zeroZxid } from '#core/model/zxid';
import { openAcl } from '#jute/acl';
import { errors } from '#jute/errors';
import type { Acl } from '#jute/records';
import type { Acl as ProtoAcl } from '#proto/chronokeeper/v1/common';
import {
	type CheckRequest,
	Consistency,
	CreateMode,
	type CreateRequest,
	type DeleteRequest,
	type GetRequest,
	type ListChildrenRequest,
	type MultiReadRequest,
	type MultiRequest,
	type SetAclRequest,
	type SetRequest,
} from '#proto/chronokeeper/v1/znode';
import { grpcError, ZooKeeperError } from './grpc-error.ts';
import type { Consistency as ReadConsistency } from './submission.ts';

const modes: Readonly<Record<CreateMode, CoreCreateMode>> = {
	[CreateMode.CREATE_MODE_UNSPECIFIED]: 'persistent',
	[CreateMode.CREATE_MODE_PERSISTENT]: 'persistent',
	[CreateMode.CREATE_MODE_EPHEMERAL]: 'ephemeral',
	[CreateMode.CREATE_MODE_PERSISTENT_SEQUENTIAL]: 'persistentSequential',
	[CreateMode.CREATE_MODE_EPHEMERAL_SEQUENTIAL]: 'ephemeralSequential',
	[CreateMode.CREATE_MODE_CONTAINER]: 'container',
	[CreateMode.CREATE_MODE_TTL]: 'ttl',
	[CreateMode.CREATE_MODE_TTL_SEQUENTIAL]: 'ttlSequential',
};
const anyVersion = -1;

const consistencies: Readonly<Record<Consistency, ReadConsistency>> = {
	[Consistency.CONSISTENCY_UNSPECIFIED]: 'local',
	[Consistency.CONSISTENCY_LOCAL]: 'local',
	[Consistency.CONSISTENCY_LINEARIZABLE]: 'linearizable',
};

export interface ReadRequest {
	readonly consistency?: Consistency | undefined;
}

export class ZnodeRequests {
	/** @param maxBytes the largest data of a node: jute.maxbuffer */
	constructor(private readonly maxBytes: number) {}

	create(request: CreateRequest): CreateOp {
		const mode = modes[request.mode] as CoreCreateMode | undefined;
		if (mode === undefined) throw invalid(`${request.mode} is not a CreateMode`);
		if (mode === 'ephemeral' || mode === 'ephemeralSequential') {
			throw new ZooKeeperError({
				code: errors.badArguments.code,
				path: request.path,
				zxid: zeroZxid,
				message: `${request.path}: an ephemeral node needs a session, and sessions over gRPC are not there yet`,
			});
		}
		const isTtl = mode === 'ttl' || mode === 'ttlSequential';
		if (!isTtl && request.ttlMs !== 0n) throw invalid(`${request.path}: ttl_ms is for the two TTL modes only`);
		if (request.ttlMs > BigInt(Number.MAX_SAFE_INTEGER)) throw invalid(`${request.path}: ttl_ms is too large`);
		return {
			kind: 'create',
			path: request.path,
			data: this.#data(request.path, request.data),
			acl: request.acl.length === 0 ? openAcl : request.acl.map(acl),
			mode,
			...(isTtl ? { ttlMs: Number(request.ttlMs) } : {}),
			// The answer has the Stat all the same; so the history says `create`, not `create2`.
			withStat: false,
		};
	}

	set(request: SetRequest): SetDataOp {
		const { path } = request;
		return { kind: 'setData', path, data: this.#data(path, request.data), version: request.version ?? anyVersion };
	}

	delete({ path, version = anyVersion }: DeleteRequest): DeleteOp {
		return { kind: 'delete', path, version };
	}

	check({ path, version = anyVersion }: CheckRequest): CheckOp {
		return { kind: 'check', path, version };
	}

	get({ path }: GetRequest): GetDataOp {
		return { kind: 'getData', path, watch: false };
	}

	listChildren({ path }: ListChildrenRequest): GetChildrenOp {
		return { kind: 'getChildren', path, watch: false };
	}

	setAcl({ path, acl: entries, aversion = anyVersion }: SetAclRequest): SetAclOp {
		return { kind: 'setACL', path, acl: entries.map(acl), version: aversion };
	}

	multi(request: MultiRequest): MultiOp {
		const ops = request.ops.map(({ op }, index): MultiOp['ops'][number] => {
			switch (op?.$case) {
				case 'create':
					return this.create(op.value);
				case 'set':
					return this.set(op.value);
				case 'delete':
					return this.delete(op.value);
				case 'check':
					return this.check(op.value);
				default:
					throw invalid(`operation ${index} of the multi is empty: it must be create, set, delete or check`);
			}
		});
		return { kind: 'multi', ops };
	}

	multiRead(request: MultiReadRequest): MultiReadOp {
		const ops = request.ops.map(({ op }, index): MultiReadOp['ops'][number] => {
			switch (op?.$case) {
				case 'get':
					return this.get(op.value);
				case 'listChildren':
					return this.listChildren(op.value);
				default:
					throw invalid(`read ${index} is empty: it must be get or list_children`);
			}
		});
		return { kind: 'multiRead', ops };
	}

	consistency({ consistency = Consistency.CONSISTENCY_UNSPECIFIED }: ReadRequest): ReadConsistency {
		const known = consistencies[consistency] as ReadConsistency | undefined;
		if (known === undefined) throw invalid(`${consistency} is not a Consistency`);
		return known;
	}

	/** All reads are of one state: that of one is that of all. */
	multiReadConsistency(request: MultiReadRequest): ReadConsistency {
		const all = [request, ...request.ops.map(({ op }) => op?.value ?? {})].map((each) => this.consistency(each));
		return all.includes('linearizable') ? 'linearizable' : 'local';
	}

	#data(path: string, data: Uint8Array | undefined): Uint8Array | null {
		if (data === undefined) return null;
		if (data.length > this.maxBytes) {
			throw invalid(`${path}: ${data.length} bytes of data are more than jute.maxbuffer allows (${this.maxBytes})`);
		}
		return data;
	}
}

function acl(entry: ProtoAcl): Acl {
	return { perms: entry.perms, scheme: entry.id?.scheme ?? '', id: entry.id?.id ?? '' };
}

function invalid(message: string) {
	return grpcError(status.INVALID_ARGUMENT, message);
}
