/**
 * The history as it comes, over lost streams: what is committed, each once and in order. Where a stream ended the next one goes on, here or at another replica; nothing but the zxid
 * of the last response is needed for that.
 */
import type {
	HistoryResponse,
	HistoryServiceWatchRequest,
	HistoryServiceWatchResponse,
	NodeChange,
	TailTransactionsRequest,
	TailTransactionsResponse,
} from '#proto/chronokeeper/v1/history';
import { ClientError } from './client-error.ts';

export interface TailOptions {
	/** What the caller has seen: behind this one. 0n: from the beginning; absent: from now on. */
	readonly fromZxid?: bigint | undefined;
	/** Changes have their data. */
	readonly withData?: boolean;
	/** A word on how far the tail is after so many milliseconds without anything; 1000 when absent. */
	readonly progressIntervalMs?: number;
	/** Told when a stream was lost and the next one is tried. */
	readonly retrying?: (error: Error) => void;
}

export interface TailTransactionsOptions extends TailOptions {
	/** Only transactions that change one of these; absent: all. */
	readonly paths?: readonly { readonly path: string; readonly recursive?: boolean }[];
	/** Only of these types, in ZooKeeper's words. */
	readonly types?: readonly string[];
}

export interface WatchChangesOptions extends TailOptions {
	/** What is below the path, too. */
	readonly recursive?: boolean;
	/** Only changes of these types. */
	readonly types?: readonly string[];
}

/** One step of a tail. */
export interface Tailed<T> {
	/** In order; empty when there was nothing for a while. */
	readonly items: readonly T[];
	/** Everything up to here has been given: a later tail with this `fromZxid` goes on behind it. */
	readonly zxid: bigint;
}

/** A transaction, and how many of its changes the caller may not see. */
export interface TailedTransaction extends HistoryResponse {
	readonly withheldChanges: number;
}

/** What a tail calls: a client, or several replicas of an ensemble in turn. */
export interface TailSource {
	tailTransactions(request: TailTransactionsRequest, signal?: AbortSignal): AsyncIterable<TailTransactionsResponse>;
	watchHistory(request: HistoryServiceWatchRequest, signal?: AbortSignal): AsyncIterable<HistoryServiceWatchResponse>;
}

const firstPauseMs = 50;
const longestPauseMs = 1000;
/** What another replica, or the same one in a moment, may not answer. */
const passing: ReadonlySet<string> = new Set([
	'UNAVAILABLE',
	'RESOURCE_EXHAUSTED',
	'OUT_OF_RANGE',
	'INTERNAL',
	'UNKNOWN',
	// Of a server that is ended by force: a caller that gives up itself hears nothing.
	'CANCELLED',
]);

/**
 * Transactions, until the loop is left or the signal fires.
 * @param sources one or more; with several the tail goes from one to the next when a stream is lost
 * @throws ClientError for what will not pass: history that is not known, a zxid that never was committed, a bad request
 */
export function tailTransactions(
	sources: readonly TailSource[],
	options: TailTransactionsOptions = {},
	signal?: AbortSignal,
): AsyncGenerator<Tailed<TailedTransaction>, void> {
	const { paths = [], types = [], withData = false, progressIntervalMs = 0 } = options;
	const request = {
		paths: paths.map(({ path, recursive = false }) => ({ path, recursive })),
		types: [...types],
		withData,
		progressIntervalMs,
	};
	const itemsOf = ({ transactions }: TailTransactionsResponse) =>
		transactions.map(({ transaction, withheldChanges }) => ({ ...transaction!, withheldChanges }));
	return resumed(
		sources,
		(source, fromZxid, ended) => source.tailTransactions({ ...request, fromZxid }, ended),
		itemsOf,
		options,
		signal,
	);
}

/** The changes of a node, and of what is below it; otherwise as tailTransactions(). */
export function watchHistory(
	sources: readonly TailSource[],
	path: string,
	options: WatchChangesOptions = {},
	signal?: AbortSignal,
): AsyncGenerator<Tailed<NodeChange>, void> {
	const { recursive = false, types = [], withData = false, progressIntervalMs = 0 } = options;
	const request = { path, recursive, types: [...types], withData, progressIntervalMs };
	return resumed(
		sources,
		(source, fromZxid, ended) => source.watchHistory({ ...request, fromZxid }, ended),
		({ changes }) => changes,
		options,
		signal,
	);
}

async function* resumed<Response extends { readonly zxid: bigint }, Item>(
	sources: readonly TailSource[],
	call: (source: TailSource, fromZxid: bigint | undefined, signal?: AbortSignal) => AsyncIterable<Response>,
	itemsOf: (response: Response) => readonly Item[],
	options: TailOptions,
	signal?: AbortSignal,
): AsyncGenerator<Tailed<Item>, void> {
	let position = options.fromZxid;
	let pauseMs = firstPauseMs;
	for (let turn = 0; signal?.aborted !== true; turn++) {
		let lost: Error = new Error('the server ended the stream');
		try {
			for await (const response of call(sources[turn % sources.length]!, position, signal)) {
				position = response.zxid;
				pauseMs = firstPauseMs;
				yield { items: itemsOf(response), zxid: position };
			}
		} catch (error) {
			if (!(error instanceof ClientError) || !passing.has(error.status)) throw error;
			lost = error;
		}
		if (isOver(signal)) return;
		options.retrying?.(lost);
		await pause(pauseMs, signal);
		pauseMs = Math.min(longestPauseMs, 2 * pauseMs);
	}
}

/** A function, because it changes between two looks at it. */
function isOver(signal: AbortSignal | undefined): boolean {
	return signal?.aborted === true;
}

function pause(ms: number, signal?: AbortSignal): Promise<void> {
	return new Promise((resolve) => {
		const go = (): void => {
			clearTimeout(timer);
			signal?.removeEventListener('abort', go);
			resolve();
		};
		const timer = setTimeout(go, ms);
		signal?.addEventListener('abort', go);
	});
}
