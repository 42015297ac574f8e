/** Waiting for something that one look with a one-shot watch can tell. */
import type { Chronokeeper } from '../chronokeeper.ts';
import { isForLostConnection, retryMs } from './over-sessions.ts';
import { orAborted } from './patience.ts';
import { pause } from './pause.ts';

/**
 * Looks, and when it finds nothing looks again as soon as a watch fires that the look has set, until it finds something. A lost session takes its watches along: then it looks again in the next.
 *
 * @param look sets its watches with this listener, in the step in which it reads @returns undefined for "not yet"
 * @throws the signal's reason, and what the look throws
 */
export async function untilSeen<T>(
	ck: Chronokeeper,
	look: (watch: () => void) => Promise<T | undefined>,
	signal: AbortSignal,
): Promise<T> {
	for (;;) {
		signal.throwIfAborted();
		const { session } = ck;
		let wake!: () => void;
		const changed = new Promise<void>((resolve) => {
			wake = resolve;
		});
		session.signal.addEventListener('abort', wake, { once: true });
		try {
			const found = await orAborted(look(wake), signal);
			if (found !== undefined) return found;
			// A session that is lost before the listener was there does not call it.
			if (!session.signal.aborted) await orAborted(changed, signal);
		} catch (error) {
			if (!isForLostConnection(ck, error)) throw error;
			await pause(retryMs, signal);
		} finally {
			session.signal.removeEventListener('abort', wake);
		}
	}
}
