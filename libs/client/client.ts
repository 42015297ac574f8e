/**
 * Chronokeeper's client: znodes, sessions, watches, history and the state of a replica, over gRPC. 64-bit values are bigint. A failed call
 * rejects with a ClientError that carries ZooKeeper's error code.
 */
import type { ChannelOptions } from '@grpc/grpc-js';
import {
	AdminServiceClient,
	type Connection,
	type GetConfigResponse,
	ReconfigRequest,
	type ReconfigResponse,
	type ShedLoadRequest,
	type StatusResponse,
	type TakeSnapshotResponse,
	type WatchStatusResponse,
} from '#proto/chronokeeper/v1/admin';
import type { Acl, Id, Stat } from '#proto/chronokeeper/v1/common';
import {
	type ChildrenAtResponse,
	type DiffResponse,
	type HistoryRequest,
	type HistoryResponse,
	HistoryServiceClient,
	type HistoryServiceWatchRequest,
	type HistoryServiceWatchResponse,
	type NodeChange,
	type TailTransactionsRequest,
	type TailTransactionsResponse,
	type TreeAtResponse,
	type ZnodeAtResponse,
} from '#proto/chronokeeper/v1/history';
import { SessionServiceClient, SessionServiceService } from '#proto/chronokeeper/v1/session';
import { WatchServiceClient } from '#proto/chronokeeper/v1/watch';
import {
	CreateMode,
	type MultiRequest_Op,
	type MultiResponse,
	StreamChildrenRequest,
	type StreamChildrenResponse_Child,
	ZnodeServiceClient,
} from '#proto/chronokeeper/v1/znode';
import { Calls, type ClientOptions, type Unary } from './channel.ts';
import { channelSecurity } from './channel-security.ts';
import type { RequestOf, ResponseOf, ZnodeOperationKind } from './operation.ts';
import type { OperateCall } from './operation-stream.ts';
import { Restores } from './restores.ts';
import { clientError } from './service-error.ts';
import { type Dialer, Session, type SessionOptions } from './session.ts';
import {
	type Tailed,
	type TailedTransaction,
	type TailSource,
	type TailTransactionsOptions,
	tailTransactions,
	type WatchChangesOptions,
	watchHistory,
} from './tail.ts';
import { type NodeEvent, nodeEvent, type WatchMode, watchKinds } from './watched-event.ts';
import { consistency, type ReadOptions, Znodes } from './znodes.ts';

export type { Session, SessionEvent, SessionOptions } from './session.ts';
export type { Tailed, TailedTransaction, TailTransactionsOptions, WatchChangesOptions } from './tail.ts';
export type { NodeEvent, NodeEventType, WatchMode } from './watched-event.ts';
export type * from './znodes.ts';
export type {
	Acl,
	ClientOptions,
	Connection,
	Id,
	MultiRequest_Op,
	MultiResponse,
	Stat,
	StatusResponse,
	WatchStatusResponse,
};
export { CreateMode };

/** A child as StreamChildren has it. */
export type Child = StreamChildrenResponse_Child;

export interface ListOptions extends ReadOptions {
	/** Only names that begin with this. */
	readonly prefix?: string;
	/** Data too; without READ on a child its data are left out. */
	readonly withData?: boolean;
}

export interface WatchTarget {
	readonly path: string;
	readonly mode: WatchMode;
}

export interface WatchOptions {
	/** Events have the node's data and Stat. */
	readonly withData?: boolean;
	/** The state that the caller has seen: what has changed since then fires at once. */
	readonly afterZxid?: bigint;
}

/** What a stream of watches says: the first, without events, that they are set and everything behind the zxid will be heard. */
export interface Watched {
	readonly events: readonly NodeEvent[];
	readonly zxid: bigint;
}

export class ChronokeeperClient extends Znodes implements TailSource {
	readonly address: string;
	readonly #calls: Calls;
	readonly #znodes: ZnodeServiceClient;
	readonly #sessions: SessionServiceClient;
	readonly #watches: WatchServiceClient;
	readonly #opened = new Set<Session>();
	readonly #history: HistoryServiceClient;
	readonly #admin: AdminServiceClient;
	/** Live restores. */
	readonly restores: Restores;

	/** Connects with the first call. */
	constructor(options: ClientOptions) {
		super();
		this.address = options.address;
		this.#calls = new Calls(options);
		const { credentials, options: tls } = channelSecurity(options.address, options.tls);
		// One connection for all services.
		const own: ChannelOptions = options.ownConnection === true ? { 'grpc.use_local_subchannel_pool': 1 } : {};
		this.#znodes = new ZnodeServiceClient(options.address, credentials, { ...channelOptions, ...own, ...tls });
		const channelOverride = this.#znodes.getChannel();
		this.#sessions = new SessionServiceClient(options.address, credentials, { channelOverride });
		this.#watches = new WatchServiceClient(options.address, credentials, { channelOverride });
		this.#history = new HistoryServiceClient(options.address, credentials, { channelOverride });
		this.#admin = new AdminServiceClient(options.address, credentials, { channelOverride });
		this.restores = new Restores(this.#calls, options.address, credentials, { channelOverride });
	}

	/** Calls under way fail; sessions that were not closed are left to their timeout. */
	close(): void {
		for (const session of this.#opened) session.abandon();
		this.#znodes.close();
	}

	/** The children with their Stats, however many they are, in no particular order. */
	async *streamChildren(path: string, options: ListOptions = {}, signal?: AbortSignal): AsyncGenerator<Child> {
		const { prefix = '', withData = false } = options;
		const request = StreamChildrenRequest.create({ path, prefix, withData, ...consistency(options) });
		const responses = this.#calls.stream(this.#znodes.streamChildren.bind(this.#znodes), request, signal);
		for await (const { children } of responses) yield* children;
	}

	/** Watches without a session, until the loop is left or the signal fires; of one-shot watches alone until all have fired. */
	async *watch(
		targets: readonly WatchTarget[],
		options: WatchOptions = {},
		signal?: AbortSignal,
	): AsyncGenerator<Watched> {
		const request = {
			targets: targets.map(({ path, mode }) => ({ path, kind: watchKinds[mode] })),
			withData: options.withData ?? false,
			afterZxid: options.afterZxid,
		};
		for await (const { events, zxid } of this.#calls.stream(this.#watches.watch.bind(this.#watches), request, signal)) {
			yield { events: events.flatMap((event) => nodeEvent(event) ?? []), zxid };
		}
	}

	/** Begins a session, for ephemeral nodes, watches and the fastest way to do many things. */
	async openSession(options: SessionOptions = {}): Promise<Session> {
		const dialer: Dialer = {
			dial: () => this.operate(),
			errorOf: (error) => clientError(error, this.address),
			timeoutMs: this.#calls.timeoutMs,
		};
		const session = await Session.open(dialer, options);
		for (const earlier of this.#opened) if (earlier.isOver) this.#opened.delete(earlier);
		this.#opened.add(session);
		return session;
	}

	/** A bare stream of a session. @internal */
	operate(): OperateCall {
		const { path } = SessionServiceService.operate;
		return this.#sessions.makeBidiStreamRequest(path, itself, itself, this.#calls.metadata());
	}

	history(request: Partial<HistoryRequest>, signal?: AbortSignal): AsyncGenerator<HistoryResponse> {
		const all: HistoryRequest = { path: '', recursive: false, type: '', limit: 0, follow: false, ...request };
		return this.#calls.stream(this.#history.history.bind(this.#history), all, signal);
	}

	/**
	 * What is committed, each transaction once and in order, until the loop is left or the signal fires. Streams that are lost are begun anew where they ended, at this replica; see
	 * tailTransactions() of tail.ts for several.
	 */
	tail(options: TailTransactionsOptions = {}, signal?: AbortSignal): AsyncGenerator<Tailed<TailedTransaction>, void> {
		return tailTransactions([this], options, signal);
	}

	/** What happens to a node, and below it, since a zxid: each change once and in order, like tail(). */
	watchChanges(
		path: string,
		options: WatchChangesOptions = {},
		signal?: AbortSignal,
	): AsyncGenerator<Tailed<NodeChange>, void> {
		return watchHistory([this], path, options, signal);
	}

	/** One stream, which is over when it is lost. */
	tailTransactions(request: TailTransactionsRequest, signal?: AbortSignal): AsyncGenerator<TailTransactionsResponse> {
		return this.#calls.stream(this.#history.tailTransactions.bind(this.#history), request, signal);
	}

	/** One stream, which is over when it is lost. */
	watchHistory(request: HistoryServiceWatchRequest, signal?: AbortSignal): AsyncGenerator<HistoryServiceWatchResponse> {
		return this.#calls.stream(this.#history.watch.bind(this.#history), request, signal);
	}

	/** At a zxid, or at a time in milliseconds since 1970; as it was mirrored last when both are absent. */
	znodeAt(path: string, zxid?: bigint, timeMs?: bigint): Promise<ZnodeAtResponse> {
		return this.#calls.unary(this.#history.znodeAt.bind(this.#history), { path, zxid, timeMs });
	}

	treeAt(zxid?: bigint, prefix = '', signal?: AbortSignal): AsyncGenerator<TreeAtResponse> {
		return this.#calls.stream(this.#history.treeAt.bind(this.#history), { zxid, timeMs: undefined, prefix }, signal);
	}

	/** The first response has the parent's Stat, if it was there, the others names. */
	childrenAt(path: string, zxid?: bigint, signal?: AbortSignal): AsyncGenerator<ChildrenAtResponse> {
		return this.#calls.stream(this.#history.childrenAt.bind(this.#history), { path, zxid, timeMs: undefined }, signal);
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

	/** The state and what happened since the message before, until the loop is left or the signal fires. The first has no rates yet. */
	watchStatus(intervalMs = 1000, signal?: AbortSignal): AsyncGenerator<WatchStatusResponse> {
		return this.#calls.stream(this.#admin.watchStatus.bind(this.#admin), { intervalMs }, signal);
	}

	async connections(): Promise<Connection[]> {
		return (await this.#calls.unary(this.#admin.listConnections.bind(this.#admin), {})).connections;
	}

	/** Closes connections by their numbers, or this share of all (0.25 is a quarter). @returns how many */
	async shedLoad(which: readonly bigint[] | number): Promise<number> {
		const request: ShedLoadRequest =
			typeof which === 'number'
				? { which: { $case: 'share', value: which } }
				: { which: { $case: 'connections', value: { ids: [...which] } } };
		return (await this.#calls.unary(this.#admin.shedLoad.bind(this.#admin), request)).closed;
	}

	getConfig(): Promise<GetConfigResponse> {
		return this.#calls.unary(this.#admin.getConfig.bind(this.#admin), {});
	}

	/** Either joining and leaving, or the new members as a whole. */
	reconfig(request: Partial<ReconfigRequest>): Promise<ReconfigResponse> {
		return this.#calls.unary(this.#admin.reconfig.bind(this.#admin), ReconfigRequest.create(request));
	}

	protected override perform<K extends ZnodeOperationKind>(kind: K, request: RequestOf<K>): Promise<ResponseOf<K>> {
		const method = this.#znodes[kind] as unknown as Unary<RequestOf<K>, ResponseOf<K>>;
		return this.#calls.unary(method.bind(this.#znodes), request);
	}
}

function itself(bytes: Buffer): Buffer {
	return bytes;
}

/**
 * Data of a node may be about a megabyte, a list of children more. A server that is gone without a word is noticed, and one that comes back is
 * found within a second.
 */
const channelOptions: ChannelOptions = {
	'grpc.max_receive_message_length': 64 << 20,
	'grpc.max_send_message_length': 64 << 20,
	'grpc.keepalive_time_ms': 10_000,
	'grpc.keepalive_timeout_ms': 5_000,
	'grpc.initial_reconnect_backoff_ms': 100,
	'grpc.max_reconnect_backoff_ms': 1000,
};
