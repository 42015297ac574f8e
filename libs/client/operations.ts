/** What can be done with nodes, as users of the client ask for it: modes as words, data as bytes or text, and a limit to patience everywhere. */
import type { Acl, Id, Stat } from '#proto/chronokeeper/v1/common';
import { Consistency, CreateMode, GetRequest, ListChildrenRequest } from '#proto/chronokeeper/v1/znode';
import type { Chroot } from './chroot.ts';
import { NodeExistsError, NoNodeError, NotEmptyError } from './errors.ts';
import { type NodeEvent, shownEvent } from './node-event.ts';
import type { RequestOf, ResponseOf, ZnodeOperationKind } from './operation.ts';
import type { NodeListener, Patience } from './submission.ts';

/** Text is UTF-8. Null is not the same as empty. */
export type NodeData = Uint8Array | string | null;

/** How a node lives and how it is named. `container`: the server deletes it some time after its last child went. `ttl`: when it has no children and was not changed for its `ttlMs`. */
export type NodeMode =
	| 'persistent'
	| 'persistentSequential'
	| 'ephemeral'
	| 'ephemeralSequential'
	| 'container'
	| 'ttl'
	| 'ttlSequential';

/** How long the caller waits. What has not been sent when patience ends is taken back; what has been sent goes on at the server, and the error says which it was. */
export interface OperationOptions extends Patience {
	/** Aborted: the operation fails with an OperationAbortedError. */
	readonly signal?: AbortSignal | undefined;
	/** Milliseconds, from now; then it fails with an OperationTimeoutError. The client's `operationTimeoutMs` when absent. */
	readonly timeoutMs?: number | undefined;
}

export interface CreateOptions extends OperationOptions {
	/** Persistent when absent. */
	readonly mode?: NodeMode | undefined;
	/** Open to everybody when absent. */
	readonly acl?: readonly Acl[] | undefined;
	/** For the TTL modes. */
	readonly ttlMs?: number | undefined;
	/** Missing parents are created, persistent. */
	readonly parents?: boolean | undefined;
	/** Of missing parents. Open to everybody when absent. */
	readonly parentsAcl?: readonly Acl[] | undefined;
}

export interface ReadOptions extends OperationOptions {
	/** What is read is at least as new as anything that was acknowledged to anybody before: the replica asks a quorum first. */
	readonly linearizable?: boolean | undefined;
}

export interface WatchingReadOptions extends ReadOptions {
	/** Sets a one-shot watch in the same step, and is called once, at the next change. Never called when the session is lost before: `session.signal` tells that. */
	readonly watch?: ((event: NodeEvent) => void) | undefined;
}

export interface PageOptions extends WatchingReadOptions {
	/** Only names that begin with this. */
	readonly prefix?: string | undefined;
	/** Names on a page; 1,000 when absent. */
	readonly pageSize?: number | undefined;
	/** The `nextPageToken` of the page before; the first page when absent, or empty. */
	readonly pageToken?: string | undefined;
}

export interface SetOptions extends OperationOptions {
	/** The version that the data must have; any when absent, or -1. */
	readonly version?: number | undefined;
}

export interface DeleteOptions extends SetOptions {
	/** No error when there is no such node; the zxid is 0n then. */
	readonly ifExists?: boolean | undefined;
}

export interface EnsurePathOptions extends OperationOptions {
	/** Of the nodes that are missing; persistent when absent. */
	readonly mode?: 'persistent' | 'container' | undefined;
	/** Of the nodes that are missing. Open to everybody when absent. */
	readonly acl?: readonly Acl[] | undefined;
}

/** A node that was written. */
export interface Written {
	/** Right after it. */
	readonly stat: Stat;
	/** The transaction's own zxid. */
	readonly zxid: bigint;
}

export interface Created extends Written {
	/** With its digits, when it is sequential. */
	readonly path: string;
}

/** A node that was read. */
export interface ReadNode {
	readonly data: Uint8Array | null;
	readonly stat: Stat;
	/** The last that the replica had applied. */
	readonly zxid: bigint;
}

export interface Children {
	/** Names, not paths, by code unit. */
	readonly names: string[];
	readonly stat: Stat;
	/** The last that the replica had applied. */
	readonly zxid: bigint;
}

export interface ChildPage extends Children {
	/** Where the next page begins; empty when this is the last. */
	readonly nextPageToken: string;
}

/** One read of several. */
export type Read =
	| { readonly kind: 'get'; readonly path: string }
	| { readonly kind: 'children'; readonly path: string };

/** What one read of several gave. */
export type ReadResult =
	| { readonly kind: 'get'; readonly data: Uint8Array | null; readonly stat: Stat }
	| { readonly kind: 'children'; readonly names: string[]; readonly stat: Stat }
	| { readonly kind: 'error'; readonly error: Error };

/** Of versions: any. */
const any = -1;
const noTtlMs = 0n;
const noOptions = {};

/** @internal */
export const createModes: Readonly<Record<NodeMode, CreateMode>> = {
	persistent: CreateMode.CREATE_MODE_PERSISTENT,
	persistentSequential: CreateMode.CREATE_MODE_PERSISTENT_SEQUENTIAL,
	ephemeral: CreateMode.CREATE_MODE_EPHEMERAL,
	ephemeralSequential: CreateMode.CREATE_MODE_EPHEMERAL_SEQUENTIAL,
	container: CreateMode.CREATE_MODE_CONTAINER,
	ttl: CreateMode.CREATE_MODE_TTL,
	ttlSequential: CreateMode.CREATE_MODE_TTL_SEQUENTIAL,
};

const utf8 = new TextEncoder();

/** As messages have it. @internal */
export function bytesOf(data: NodeData | undefined): Uint8Array | undefined {
	return typeof data === 'string' ? utf8.encode(data) : (data ?? undefined);
}

export abstract class Operations {
	/** @internal */
	protected readonly chroot: Chroot;
	readonly #created = ({ path, stat, zxid }: ResponseOf<'create'>): Created => ({
		path: this.chroot.shown(path),
		stat: stat!,
		zxid,
	});

	/** @internal */
	protected constructor(chroot: Chroot) {
		this.chroot = chroot;
	}

	/** @internal */
	protected abstract perform<K extends ZnodeOperationKind>(
		kind: K,
		request: RequestOf<K>,
		patience: Patience,
		listener?: NodeListener,
	): Promise<ResponseOf<K>>;

	/** As perform(), without a step in between. @param made what the caller gets of the answer @internal */
	protected abstract performAs<K extends ZnodeOperationKind, Result>(
		kind: K,
		request: RequestOf<K>,
		patience: Patience,
		made: (response: ResponseOf<K>) => Result,
		listener?: NodeListener,
	): Promise<Result>;

	/** @internal */
	protected abstract errorOf(detail: ReadError): Error;

	/**
	 * Creates a node.
	 *
	 * @throws NodeExistsError when there is one already (sequential ones have names of their own); NoNodeError without the parent, unless `parents`
	 */
	create(path: string, data: NodeData = null, options: CreateOptions = noOptions): Promise<Created> {
		const { mode = 'persistent', acl, ttlMs } = options;
		const request = {
			path: this.chroot.whole(path),
			data: bytesOf(data),
			mode: createModes[mode],
			acl: acl === undefined ? [] : [...acl],
			ttlMs: ttlMs === undefined ? noTtlMs : BigInt(Math.round(ttlMs)),
		};
		if (options.parents === true) return this.#createWithParents(request, options);
		return this.performAs('create', request, options, this.#created);
	}

	async #createWithParents(request: RequestOf<'create'>, options: CreateOptions): Promise<Created> {
		for (;;) {
			try {
				return await this.performAs('create', request, options, this.#created);
			} catch (error) {
				if (!(error instanceof NoNodeError)) throw error;
			}
			await this.#ensure(parentOf(request.path), { ...patienceOf(options), acl: options.parentsAcl });
		}
	}

	/** @throws NoNodeError */
	get(path: string, options: WatchingReadOptions = noOptions): Promise<ReadNode> {
		const { watch } = options;
		const request = { path: this.chroot.whole(path), consistency: consistencyOf(options), watch: watch !== undefined };
		return this.performAs('get', request, options, readNode, watch && this.#listener(watch));
	}

	/** Undefined when there is no such node; a watch then waits for its creation. */
	exists(path: string, options: WatchingReadOptions = noOptions): Promise<Stat | undefined> {
		const { watch } = options;
		const request = { path: this.chroot.whole(path), consistency: consistencyOf(options), watch: watch !== undefined };
		return this.performAs('exists', request, options, statOf, watch && this.#listener(watch));
	}

	/** @throws NoNodeError */
	async children(path: string, options: WatchingReadOptions = noOptions): Promise<Children> {
		const { names, stat, zxid } = await this.#list(path, { ...options, pageSize: 0 });
		return { names: names.sort(), stat, zxid };
	}

	/**
	 * Some of the children, in the order of their names, for lists that are too long to come at once. A child that is there all the while is on exactly one page. A watch is one of all children.
	 *
	 * @throws NoNodeError
	 */
	childPage(path: string, options: PageOptions = noOptions): Promise<ChildPage> {
		return this.#list(path, options);
	}

	/** @throws NoNodeError, BadVersionError */
	set(path: string, data: NodeData, options: SetOptions = noOptions): Promise<Written> {
		const request = { path: this.chroot.whole(path), data: bytesOf(data), version: demanded(options) };
		return this.performAs('set', request, options, written);
	}

	/** @returns the transaction's zxid @throws NoNodeError, BadVersionError, NotEmptyError */
	delete(path: string, options: DeleteOptions = noOptions): Promise<bigint> {
		const request = { path: this.chroot.whole(path), version: demanded(options) };
		const deleted = this.performAs('delete', request, options, zxidOf);
		return options.ifExists === true ? deleted.catch(unlessMissing) : deleted;
	}

	/** The node and everything below it, node by node from the leaves: others see what is between. No error when there is no such node. */
	async deleteTree(path: string, options: OperationOptions = noOptions): Promise<void> {
		for (;;) {
			try {
				await this.delete(path, { ...patienceOf(options), ifExists: true });
				return;
			} catch (error) {
				if (!(error instanceof NotEmptyError)) throw error;
			}
			const names = await this.#childNames(path, options);
			await inGroups(names, (name) => this.deleteTree(joined(path, name), options));
		}
	}

	/** Creates what is missing of the path, and leaves alone what is there. `/` is the chroot itself. */
	async ensurePath(path: string, options: EnsurePathOptions = noOptions): Promise<void> {
		await this.#ensure(this.chroot.whole(path), options);
	}

	async #ensure(path: string, options: EnsurePathOptions): Promise<void> {
		if (path === '/') return;
		const { mode = 'persistent', acl = [] } = options;
		const exists = { path, consistency: undefined, watch: false };
		if ((await this.perform('exists', exists, options)).stat !== undefined) return;
		try {
			const request = { path, data: undefined, mode: createModes[mode], acl: [...acl], ttlMs: 0n };
			await this.perform('create', request, options);
		} catch (error) {
			if (error instanceof NodeExistsError) return;
			if (!(error instanceof NoNodeError)) throw error;
			await this.#ensure(parentOf(path), options);
			await this.#ensure(path, options);
		}
	}

	/** The access control list. Without ADMIN on the node, hashes of digest entries are shown as `x`. @throws NoNodeError */
	async getAcl(path: string, options: ReadOptions = noOptions): Promise<{ acl: Acl[]; stat: Stat }> {
		const request = { path: this.chroot.whole(path), consistency: consistencyOf(options) };
		const response = await this.perform('getAcl', request, options);
		return { acl: response.acl, stat: response.stat! };
	}

	/** `version` is that of the list: `stat.aversion`. @throws NoNodeError, BadVersionError, InvalidAclError */
	setAcl(path: string, acl: readonly Acl[], options: SetOptions = noOptions): Promise<Written> {
		const request = { path: this.chroot.whole(path), acl: [...acl], aversion: demanded(options) };
		return this.performAs('setAcl', request, options, written);
	}

	/** Several reads of one state, in one round trip; each succeeds or fails alone. */
	async multiRead(
		reads: readonly Read[],
		options: ReadOptions = noOptions,
	): Promise<{ results: ReadResult[]; zxid: bigint }> {
		const ops = reads.map(({ kind, path }) => {
			const whole = this.chroot.whole(path);
			return kind === 'get'
				? { op: { $case: 'get' as const, value: GetRequest.create({ path: whole }) } }
				: { op: { $case: 'listChildren' as const, value: ListChildrenRequest.create({ path: whole }) } };
		});
		const response = await this.perform('multiRead', { ops, consistency: consistencyOf(options) }, options);
		const results = response.results.map(({ result }): ReadResult => {
			if (result?.$case === 'get') return { kind: 'get', data: result.value.data ?? null, stat: result.value.stat! };
			if (result?.$case === 'listChildren')
				return { kind: 'children', names: result.value.children.sort(), stat: result.value.stat! };
			return { kind: 'error', error: this.errorOf(result!.value) };
		});
		return { results, zxid: response.zxid };
	}

	/** Until the replica has applied all that was committed before. @returns its zxid then */
	async sync(path = '/', options: OperationOptions = noOptions): Promise<bigint> {
		return (await this.perform('sync', { path: this.chroot.whole(path) }, options)).zxid;
	}

	/** The identities that the server sees in this client. */
	async whoAmI(options: OperationOptions = noOptions): Promise<Id[]> {
		return (await this.perform('whoAmI', {}, options)).identities;
	}

	/** Paths of the session's ephemeral nodes. */
	async ephemerals(prefix = '/', options: ReadOptions = noOptions): Promise<string[]> {
		const request = { prefix: this.chroot.whole(prefix), consistency: consistencyOf(options) };
		const { paths } = await this.perform('getEphemerals', request, options);
		return paths.map((path) => this.chroot.shown(path));
	}

	/** How many nodes lie below a path. */
	async allChildrenNumber(path: string, options: ReadOptions = noOptions): Promise<number> {
		const request = { path: this.chroot.whole(path), consistency: consistencyOf(options) };
		return (await this.perform('getAllChildrenNumber', request, options)).count;
	}

	async #list(path: string, options: PageOptions): Promise<ChildPage> {
		const { watch, prefix = '', pageSize = 1000, pageToken = '' } = options;
		const request = {
			path: this.chroot.whole(path),
			consistency: consistencyOf(options),
			prefix,
			pageSize,
			pageToken,
			watch: watch !== undefined,
		};
		const response = await this.perform('listChildren', request, options, watch && this.#listener(watch));
		return {
			names: response.children,
			stat: response.stat!,
			zxid: response.zxid,
			nextPageToken: response.nextPageToken,
		};
	}

	#listener(watch: (event: NodeEvent) => void): NodeListener {
		return (event) => watch(shownEvent(event, this.chroot.shown(event.path)));
	}

	async #childNames(path: string, options: OperationOptions): Promise<string[]> {
		try {
			return (await this.children(path, patienceOf(options))).names;
		} catch (error) {
			if (error instanceof NoNodeError) return [];
			throw error;
		}
	}
}

type ReadError = Parameters<typeof import('./errors.ts').errorOf>[0];

function readNode({ data, stat, zxid }: ResponseOf<'get'>): ReadNode {
	return { data: data ?? null, stat: stat!, zxid };
}

function statOf({ stat }: ResponseOf<'exists'>): Stat | undefined {
	return stat;
}

function written({ stat, zxid }: ResponseOf<'set' | 'setAcl'>): Written {
	return { stat: stat!, zxid };
}

function zxidOf({ zxid }: ResponseOf<'delete'>): bigint {
	return zxid;
}

function unlessMissing(error: unknown): bigint {
	if (error instanceof NoNodeError) return 0n;
	throw error;
}

/** Absent is any, in fewer bytes. */
function demanded({ version }: SetOptions): number | undefined {
	return version === any ? undefined : version;
}

function consistencyOf({ linearizable = false }: ReadOptions): Consistency | undefined {
	return linearizable ? Consistency.CONSISTENCY_LINEARIZABLE : undefined;
}

function patienceOf({ signal, timeoutMs }: OperationOptions): OperationOptions {
	return { signal, timeoutMs };
}

function parentOf(path: string): string {
	return path.slice(0, path.lastIndexOf('/')) || '/';
}

function joined(path: string, name: string): string {
	return path === '/' ? `/${name}` : `${path}/${name}`;
}

/** So many at a time. */
async function inGroups<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
	for (let i = 0; i < items.length; i += 256) await Promise.all(items.slice(i, i + 256).map(act));
}
