/** Requests of ZnodeService as the chain's operations. */
import type {
	CheckOp,
	CreateMode as CoreCreateMode,
	CreateOp,
	DeleteOp,
	ExistsOp,
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
	type ExistsRequest,
	type GetRequest,
	type ListChildrenRequest,
	type MultiReadRequest,
	type MultiRequest,
	type SetAclRequest,
	type SetRequest,
} from '#proto/chronokeeper/v1/znode';
import { invalidField, ZooKeeperError } from './grpc-error.ts';
import { checkPage } from './lists/children-page.ts';
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

/** Where a request stands. */
export interface RequestPlace {
	/** Whether it is made inside a session. */
	readonly hasSession: boolean;
	/** Whether events of watches can be told there: on a session's stream. */
	readonly canWatch: boolean;
	/** In front of the names of its fields, for who has to look for what is wrong: `ops[2].create.`. */
	readonly at: string;
}

const alone: RequestPlace = { hasSession: false, canWatch: false, at: '' };

export class ZnodeRequests {
	/** @param maxBytes the largest data of a node: jute.maxbuffer */
	constructor(private readonly maxBytes: number) {}

	create(request: CreateRequest, { hasSession, at }: RequestPlace = alone): CreateOp {
		const { path, ttlMs } = request;
		const mode = modes[request.mode] as CoreCreateMode | undefined;
		if (mode === undefined) throw invalidField(`${at}mode`, `${request.mode} is not a CreateMode`);
		if (!hasSession && (mode === 'ephemeral' || mode === 'ephemeralSequential')) {
			throw new ZooKeeperError({
				code: errors.badArguments.code,
				path,
				zxid: zeroZxid,
				message: `${path}: an ephemeral node needs a session: name one in the metadata ck-session-id, see session.proto`,
				field: `${at}mode`,
			});
		}
		const isTtl = mode === 'ttl' || mode === 'ttlSequential';
		if (!isTtl && ttlMs !== 0n) {
			throw invalidField(`${at}ttl_ms`, `${path}: ttl_ms is for the two TTL modes only`);
		}
		if (ttlMs > BigInt(Number.MAX_SAFE_INTEGER)) throw invalidField(`${at}ttl_ms`, `${path}: ttl_ms is too large`);
		return {
			kind: 'create',
			path,
			data: this.#data(path, request.data, at),
			acl: request.acl.length === 0 ? openAcl : request.acl.map(acl),
			mode,
			...(isTtl ? { ttlMs: Number(ttlMs) } : {}),
			// The answer has the Stat all the same; so the history says `create`, not `create2`.
			withStat: false,
		};
	}

	set({ path, data, version = anyVersion }: SetRequest, { at }: RequestPlace = alone): SetDataOp {
		return { kind: 'setData', path, data: this.#data(path, data, at), version };
	}

	delete({ path, version = anyVersion }: DeleteRequest): DeleteOp {
		return { kind: 'delete', path, version };
	}

	check({ path, version = anyVersion }: CheckRequest): CheckOp {
		return { kind: 'check', path, version };
	}

	get({ path, watch }: GetRequest, place: RequestPlace = alone): GetDataOp {
		return { kind: 'getData', path, watch: watchable(watch, place) };
	}

	exists({ path, watch }: ExistsRequest, place: RequestPlace = alone): ExistsOp {
		return { kind: 'exists', path, watch: watchable(watch, place) };
	}

	/** The page is cut out of the answer: childrenPage(). */
	listChildren(request: ListChildrenRequest, place: RequestPlace = alone): GetChildrenOp {
		checkPage(request, place.at);
		return { kind: 'getChildren', path: request.path, watch: watchable(request.watch, place) };
	}

	setAcl({ path, acl: entries, aversion = anyVersion }: SetAclRequest): SetAclOp {
		return { kind: 'setACL', path, acl: entries.map(acl), version: aversion };
	}

	multi(request: MultiRequest, { hasSession, at }: RequestPlace = alone): MultiOp {
		const ops = request.ops.map(({ op }, index): MultiOp['ops'][number] => {
			const field = `${at}ops[${index}]`;
			switch (op?.$case) {
				case 'create':
					return this.create(op.value, { hasSession, canWatch: false, at: `${field}.create.` });
				case 'set':
					return this.set(op.value, { hasSession, canWatch: false, at: `${field}.set.` });
				case 'delete':
					return this.delete(op.value);
				case 'check':
					return this.check(op.value);
				default:
					throw invalidField(
						field,
						`operation ${index} of the multi is empty: it must be create, set, delete or check`,
					);
			}
		});
		return { kind: 'multi', ops };
	}

	multiRead(request: MultiReadRequest, { hasSession, canWatch, at }: RequestPlace = alone): MultiReadOp {
		const ops = request.ops.map(({ op }, index): MultiReadOp['ops'][number] => {
			const field = `${at}ops[${index}]`;
			switch (op?.$case) {
				case 'get':
					return this.get(op.value, { hasSession, canWatch, at: `${field}.get.` });
				case 'listChildren':
					return this.listChildren(op.value, { hasSession, canWatch, at: `${field}.list_children.` });
				default:
					throw invalidField(field, `read ${index} is empty: it must be get or list_children`);
			}
		});
		return { kind: 'multiRead', ops };
	}

	consistency({ consistency = Consistency.CONSISTENCY_UNSPECIFIED }: ReadRequest): ReadConsistency {
		const known = consistencies[consistency] as ReadConsistency | undefined;
		if (known === undefined) throw invalidField('consistency', `${consistency} is not a Consistency`);
		return known;
	}

	/** All reads are of one state: that of one is that of all. */
	multiReadConsistency(request: MultiReadRequest): ReadConsistency {
		const all = [request, ...request.ops.map(({ op }) => op?.value ?? {})].map((each) => this.consistency(each));
		return all.includes('linearizable') ? 'linearizable' : 'local';
	}

	#data(path: string, data: Uint8Array | undefined, at: string): Uint8Array | null {
		if (data === undefined) return null;
		if (data.length > this.maxBytes) {
			const message = `${path}: ${data.length} bytes of data are more than jute.maxbuffer allows (${this.maxBytes})`;
			throw invalidField(`${at}data`, message);
		}
		return data;
	}
}

function watchable(watch: boolean, { canWatch, at }: RequestPlace): boolean {
	if (!watch || canWatch) return watch;
	const message = 'a watch needs a stream that its event can come on: use WatchService.Watch or SessionService.Operate';
	throw invalidField(`${at}watch`, message);
}

function acl(entry: ProtoAcl): Acl {
	return { perms: entry.perms, scheme: entry.id?.scheme ?? '', id: entry.id?.id ?? '' };
}
