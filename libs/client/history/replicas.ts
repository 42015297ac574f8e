/** Calls of the history to whichever replica can answer them: the histories are the same, but one may be behind, or have no database at the moment. */
import type { ChronokeeperClient } from '../client.ts';
import { ClientError } from '../client-error.ts';
import { pause } from '../recipes/pause.ts';

/** What the history needs of a client. @internal */
export interface HistoryGround {
	/** The one to be asked first in front. */
	replicas(): readonly ChronokeeperClient[];
	/** The server's path, and back. */
	whole(path: string): string;
	shown(path: string): string;
	/** The server's path of the chroot; empty for none. */
	readonly root: string;
}

/** Another replica, or this one in a moment: PostgreSQL gets everything a moment after it was committed. */
const passing: ReadonlySet<string> = new Set(['UNAVAILABLE', 'OUT_OF_RANGE', 'RESOURCE_EXHAUSTED', 'CANCELLED']);
const patienceMs = 10_000;
const firstPauseMs = 20;
const longestPauseMs = 500;

/** @throws ClientError what the last replica said, when none could answer for ten seconds */
export async function askReplicas<T>(
	ground: HistoryGround,
	ask: (replica: ChronokeeperClient) => Promise<T>,
	signal?: AbortSignal,
): Promise<T> {
	const untilMs = performance.now() + patienceMs;
	for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(longestPauseMs, 2 * pauseMs)) {
		let last: unknown;
		for (const replica of ground.replicas()) {
			signal?.throwIfAborted();
			try {
				return await ask(replica);
			} catch (error) {
				if (!(error instanceof ClientError) || !passing.has(error.status)) throw error;
				last = error;
			}
		}
		if (performance.now() > untilMs) throw last;
		await pause(pauseMs, signal);
	}
}

/** A stream from the first replica that begins one. What is lost behind its beginning is an error. */
export async function* streamOfReplicas<T>(
	ground: HistoryGround,
	open: (replica: ChronokeeperClient, signal: AbortSignal) => AsyncGenerator<T>,
	signal?: AbortSignal,
): AsyncGenerator<T, void> {
	const own = new AbortController();
	const ended = signal === undefined ? own.signal : AbortSignal.any([signal, own.signal]);
	try {
		const { stream, first } = await askReplicas(
			ground,
			async (replica) => {
				const opened = open(replica, ended);
				return { stream: opened, first: await opened.next() };
			},
			signal,
		);
		if (first.done) return;
		yield first.value;
		yield* stream;
	} catch (error) {
		if (signal?.aborted !== true) throw error;
	} finally {
		own.abort();
	}
}
