/** How long a recipe waits, and who may end it. */
import { OperationAbortedError, OperationTimeoutError } from '../errors.ts';

export interface WaitOptions {
	/** Ends the waiting with an OperationAbortedError; what is held already is not affected. */
	readonly signal?: AbortSignal | undefined;
	/** For how long it waits; for ever when absent. */
	readonly timeoutMs?: number | undefined;
}

/** The longest that a timer takes, some 24 days. */
const longestMs = 2 ** 31 - 1;

/**
 * What a recipe asks for on its way is not given up in the middle, whatever the client's `operationTimeoutMs`: nobody would know what became of it, and a node could stay behind that keeps others
 * waiting. The patience of whoever asks the recipe ends the whole, in order.
 */
export const unhurried = { timeoutMs: longestMs } as const;

/** It did not come to that within `timeoutMs`. Nothing of the attempt stays behind. */
export class WaitTimeoutError extends OperationTimeoutError {
	/** @internal */
	constructor(path: string, timeoutMs: number) {
		super(path, timeoutMs, false);
		this.message = `${path}: waited for ${timeoutMs} ms in vain`;
	}
}

/**
 * Runs work under one signal, which fires with the caller's or when the time is up.
 * @throws OperationAbortedError, WaitTimeoutError, and what the work throws
 */
export async function patiently<T>(
	path: string,
	{ signal, timeoutMs }: WaitOptions,
	work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
	const patience = new AbortController();
	const abort = (): void => patience.abort(new OperationAbortedError(path, signal?.reason, false));
	if (signal?.aborted === true) abort();
	signal?.addEventListener('abort', abort, { once: true });
	const timer =
		timeoutMs === undefined
			? undefined
			: setTimeout(() => patience.abort(new WaitTimeoutError(path, timeoutMs)), Math.min(timeoutMs, longestMs));
	try {
		patience.signal.throwIfAborted();
		return await work(patience.signal);
	} catch (error) {
		// What the signal ended inside of the work has errors of its own.
		throw patience.signal.aborted ? patience.signal.reason : error;
	} finally {
		clearTimeout(timer);
		signal?.removeEventListener('abort', abort);
	}
}

/** Runs work under a signal that fires with the first of these. */
export async function underSignals<T>(
	signals: readonly AbortSignal[],
	work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
	const first = new AbortController();
	const stops = signals.map((signal) => {
		const abort = (): void => first.abort(signal.reason);
		if (signal.aborted) abort();
		signal.addEventListener('abort', abort, { once: true });
		return () => signal.removeEventListener('abort', abort);
	});
	try {
		return await work(first.signal);
	} finally {
		for (const stop of stops) stop();
	}
}

/** What the promise becomes; when the signal fires first, its reason. The promise goes on. */
export function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
	return new Promise((resolve, reject) => {
		const abort = (): void => reject(signal.reason as Error);
		if (signal.aborted) abort();
		signal.addEventListener('abort', abort, { once: true });
		promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
	});
}
