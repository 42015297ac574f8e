/** What happened to nodes, and what differs between two moments. */
import type { Id } from '#proto/chronokeeper/v1/common';
import { DiffKind, type HistoryResponse, type HistoryResponse_Change } from '#proto/chronokeeper/v1/history';
import { isBelow } from '../cache/paths.ts';
import { type Moment, momentFields } from './moment.ts';
import { Past, type PastNode, pastNode } from './past.ts';
import { askReplicas, type HistoryGround, streamOfReplicas } from './replicas.ts';

/** Who did it, as it was logged with the transaction itself. */
export interface ChangedBy {
	readonly identities: readonly Id[];
	/** The client's address. */
	readonly address: string;
	/** `grpc`, `zookeeper`, `http` or `system`. */
	readonly door: string;
	/** The door's own number of the request. */
	readonly requestId: string;
	/** W3C; empty when the request was not sampled. */
	readonly traceId: string;
}

/** One change of one node. */
export interface NodeVersion {
	readonly kind: 'version';
	readonly path: string;
	/** ZooKeeper's word: `create`, `setData`, `setACL`, `delete`. */
	readonly type: string;
	/** The transaction's. */
	readonly zxid: bigint;
	/** When the leader prepared it. */
	readonly time: Date;
	/** Of the data after the change (aversion for `setACL`); undefined for a deletion. */
	readonly version: number | undefined;
	/** Bytes of data after it; undefined when the node is gone. */
	readonly dataLength: number | undefined;
	/** With `withData`: the data after it. Null is not the same as empty; undefined when the node is gone, when the caller may not read it, or data of that path are kept out of the history. */
	readonly data: Uint8Array | null | undefined;
	/** That asked for it; 0n for calls outside sessions and for the server itself. */
	readonly sessionId: bigint;
	/** Undefined for what came through an Apache ZooKeeper server, whose log does not say. */
	readonly by: ChangedBy | undefined;
}

/** Transactions that are not known. */
export interface HistoryGap {
	readonly kind: 'gap';
	/** The last known one before them. */
	readonly afterZxid: bigint;
	/** The last of them. */
	readonly throughZxid: bigint;
	/** A sentence. */
	readonly reason: string;
}

export interface HistoryOptions {
	/** What is below the path, too. */
	readonly recursive?: boolean | undefined;
	/** Not before this one. */
	readonly from?: Moment | undefined;
	/** Not behind this one. */
	readonly to?: Moment | undefined;
	/** Versions have their data: one call for each, eight under way. */
	readonly withData?: boolean | undefined;
	/** Ends the loop. */
	readonly signal?: AbortSignal | undefined;
}

/** A node that is not the same at two moments. */
export interface NodeDifference {
	readonly path: string;
	/** `changed`: it was set, or its access control list; also when it was deleted and created again. Children that come and go change their parent's Stat, which is no difference of its own. */
	readonly kind: 'created' | 'deleted' | 'changed';
	/** Undefined when it was not there. */
	readonly before: PastNode | undefined;
	/** Undefined when it is not there. */
	readonly after: PastNode | undefined;
}

const underWay = 8;

/** @internal */
export async function* nodeHistory(
	ground: HistoryGround,
	path: string,
	options: HistoryOptions,
): AsyncGenerator<NodeVersion | HistoryGap, void> {
	const { recursive = false, withData = false, signal } = options;
	const whole = ground.whole(path);
	const request = { path: whole, recursive, ...rangeOf(options) };
	const transactions = streamOfReplicas(ground, (replica, ended) => replica.history(request, ended), signal);
	// In order, while the data of those behind it are on their way.
	const waiting: Promise<NodeVersion | HistoryGap>[] = [];
	try {
		for await (const transaction of transactions) {
			for (const version of versionsOf(ground, transaction, whole, recursive)) {
				const made = withData && version.kind === 'version' ? withItsData(ground, version) : Promise.resolve(version);
				made.catch(() => {});
				waiting.push(made);
			}
			while (waiting.length > (withData ? underWay : 0)) yield await waiting.shift()!;
		}
		while (waiting.length > 0) yield await waiting.shift()!;
	} finally {
		waiting.length = 0;
	}
}

/** @internal */
export async function* differences(
	ground: HistoryGround,
	path: string,
	from: Moment,
	to: Moment,
	signal?: AbortSignal,
): AsyncGenerator<NodeDifference, void> {
	const [before, after] = await Promise.all([from, to].map((moment) => new Past(ground, moment).zxid()));
	const whole = ground.whole(path);
	const found = streamOfReplicas(
		ground,
		(replica, ended) => replica.diff(before!, after!, whole === '/' ? '' : whole, ended),
		signal,
	);
	for await (const difference of found) {
		yield {
			path: ground.shown(difference.path),
			kind: kinds[difference.kind] ?? 'changed',
			before: difference.before && pastNode(ground, difference.before),
			after: difference.after && pastNode(ground, difference.after),
		};
	}
}

const kinds: Readonly<Record<number, NodeDifference['kind']>> = {
	[DiffKind.DIFF_KIND_CREATED]: 'created',
	[DiffKind.DIFF_KIND_DELETED]: 'deleted',
	[DiffKind.DIFF_KIND_CHANGED]: 'changed',
};

function rangeOf({ from, to }: HistoryOptions) {
	const first = from === undefined ? undefined : momentFields(from);
	const last = to === undefined ? undefined : momentFields(to);
	return { fromZxid: first?.zxid, fromTimeMs: first?.timeMs, toZxid: last?.zxid, toTimeMs: last?.timeMs };
}

function versionsOf(
	ground: HistoryGround,
	transaction: HistoryResponse,
	whole: string,
	recursive: boolean,
): (NodeVersion | HistoryGap)[] {
	const { gap } = transaction;
	if (gap !== undefined) {
		const { afterZxid, throughZxid, reason } = gap;
		return [{ kind: 'gap', afterZxid, throughZxid, reason }];
	}
	const isMeant = ({ path }: HistoryResponse_Change) => path === whole || (recursive && isBelow(path, whole));
	return transaction.changes.filter(isMeant).map((change) => versionOf(ground, transaction, change));
}

function versionOf(
	{ shown }: HistoryGround,
	{ zxid, timeMs, sessionId, context }: HistoryResponse,
	{ type, path, version, dataLengthAfter }: HistoryResponse_Change,
): NodeVersion {
	return {
		kind: 'version',
		path: shown(path),
		type,
		zxid,
		time: new Date(Number(timeMs)),
		version,
		dataLength: dataLengthAfter,
		data: undefined,
		sessionId,
		by: context,
	};
}

async function withItsData(ground: HistoryGround, version: NodeVersion): Promise<NodeVersion> {
	if (version.dataLength === undefined) return version;
	const whole = ground.whole(version.path);
	const { znode } = await askReplicas(ground, (replica) => replica.znodeAt(whole, version.zxid));
	// One that the same transaction has changed again is shown by the last change.
	const isThis = znode !== undefined && (version.type === 'setACL' || znode.stat?.version === version.version);
	if (!isThis || znode.withheld || znode.redacted) return version;
	return { ...version, data: znode.data ?? null };
}
