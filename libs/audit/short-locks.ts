/**
 * Changes of the schema beside a writer: a lock that is not had soon is given up and tried for again. Whoever waits for a lock on a table keeps everybody
 * who comes later from it, readers too, for as long as a batch that is under way takes: no longer than this.
 */
import { setTimeout as sleep } from 'node:timers/promises';

/** Shorter than PostgreSQL waits before it looks for a deadlock (1 s): of a reader and a migration that wait for each other, the reader is not to be ended. */
export const lockTimeoutMs = 500;
const pauseMs = 500;
const attempts = 240;
/** lock_not_available, deadlock_detected. */
const retried: readonly unknown[] = ['55P03', '40P01'];

/** Runs what ends with PostgreSQL's error of a lock that was not had, or of a deadlock, which may be the cause of another, until it does not. @throws its last error */
export async function untilLocked<T>(run: () => Promise<T>): Promise<T> {
	for (let attempt = 1; ; attempt++) {
		try {
			return await run();
		} catch (error) {
			if (!isLockTimeout(error) || attempt === attempts) throw error;
			await sleep(pauseMs);
		}
	}
}

function isLockTimeout(error: unknown): boolean {
	if (!(error instanceof Error)) return false;
	return retried.includes((error as { code?: unknown }).code) || isLockTimeout(error.cause);
}
