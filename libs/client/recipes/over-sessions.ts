import type { Chronokeeper } from '../chronokeeper.ts';
import { OutcomeUnknownError, SessionExpiredError } from '../errors.ts';
import { pause } from './pause.ts';

/** Whether an operation that failed so failed with its stream or its session alone, and the client has, or will have, another one. A write may have been done. */
export function isForLostConnection(ck: Chronokeeper, error: unknown): boolean {
	return (error instanceof SessionExpiredError || error instanceof OutcomeUnknownError) && ck.state !== 'closed';
}

/** Between two attempts. */
export const retryMs = 20;

/** Does what can be done twice until it is answered: in the next session when the one that asked is lost. */
export async function overSessions<T>(ck: Chronokeeper, act: () => Promise<T>, signal?: AbortSignal): Promise<T> {
	for (;;) {
		try {
			return await act();
		} catch (error) {
			if (!isForLostConnection(ck, error)) throw error;
		}
		// A server that refuses to open another one is not asked without end.
		await pause(retryMs, signal);
	}
}
