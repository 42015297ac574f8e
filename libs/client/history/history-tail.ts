/** What is committed, as it comes. */
import { isBelow } from '../cache/paths.ts';
import { type TailedTransaction, tailTransactions } from '../tail.ts';
import type { ChangedBy } from './node-history.ts';
import type { HistoryGround } from './replicas.ts';

/** One change of a committed transaction. */
export interface CommittedChange {
	readonly path: string;
	/** ZooKeeper's word: `create`, `setData`, `setACL`, `delete`. */
	readonly type: string;
	/** Of the data after the change (aversion for `setACL`); undefined for a deletion. */
	readonly version: number | undefined;
	/** With `withData`: what it set. Null is not the same as empty; undefined when it set none, or the caller may not see it. */
	readonly data: Uint8Array | null | undefined;
}

/** A transaction that is committed. */
export interface CommittedTransaction {
	readonly zxid: bigint;
	/** When the leader prepared it. */
	readonly time: Date;
	/** ZooKeeper's word: `create`, `setData`, `delete`, `multi`, `closeSession`, `error`. */
	readonly type: string;
	/** That asked for it; 0n for calls outside sessions and for the server itself. */
	readonly sessionId: bigint;
	/** ZooKeeper's code of why it failed; 0 for those that did something. */
	readonly error: number;
	/** Those below the chroot that the caller may see, in order. */
	readonly changes: readonly CommittedChange[];
	/** Undefined without the role `history`, and for what came through an Apache ZooKeeper server. */
	readonly by: ChangedBy | undefined;
}

export interface TailOptions {
	/** What the caller has seen: behind this zxid. 0n: from the beginning; absent: from now on. */
	readonly from?: bigint | undefined;
	/** Only transactions that change one of these, or with `recursive` something below; absent: all. */
	readonly paths?: readonly { readonly path: string; readonly recursive?: boolean | undefined }[] | undefined;
	/** Only of these types, in ZooKeeper's words. */
	readonly types?: readonly string[] | undefined;
	/** Changes have their data. */
	readonly withData?: boolean | undefined;
	/** Ends the loop. */
	readonly signal?: AbortSignal | undefined;
}

const setsData: ReadonlySet<string> = new Set(['create', 'create2', 'createContainer', 'createTTL', 'setData']);

/** @internal */
export async function* tailHistory(
	ground: HistoryGround,
	{ from, paths, types, withData = false, signal }: TailOptions,
): AsyncGenerator<CommittedTransaction, void> {
	const { root } = ground;
	const asked = paths?.map(({ path, recursive = false }) => ({ path: ground.whole(path), recursive }));
	const options = {
		fromZxid: from,
		withData,
		...(types === undefined ? {} : { types }),
		...(asked === undefined && root === '' ? {} : { paths: asked ?? [{ path: root, recursive: true }] }),
	};
	for await (const { items } of tailTransactions(ground.replicas(), options, signal))
		for (const transaction of items) yield committed(ground, transaction, withData);
}

function committed(
	{ root, shown }: HistoryGround,
	{ zxid, timeMs, type, sessionId, error, changes, context }: TailedTransaction,
	withData: boolean,
): CommittedTransaction {
	return {
		zxid,
		time: new Date(Number(timeMs)),
		type,
		sessionId,
		error,
		changes: changes
			.filter(({ path }) => root === '' || path === root || isBelow(path, root))
			.map((change) => ({
				path: shown(change.path),
				type: change.type,
				version: change.version,
				data: withData && setsData.has(change.type) && !change.dataWithheld ? (change.data ?? null) : undefined,
			})),
		by: context,
	};
}
