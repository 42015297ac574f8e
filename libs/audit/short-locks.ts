/**
 * Changes of the schema beside a writer: a lock that is not had soon is given up and tried for again. Whoever waits for a lock on a table keeps everybody
 * who comes later from it, readers too, for as long as a batch that is under way takes: no longer than this.
 */
import { setTimeout as sleep } from 'node:timers/promises';

export const lockTimeoutMs = 2_000;
const pauseMs = 500;
const attempts = 60;
const lockNotAvailable = '55P03';

/** Runs what ends with PostgreSQL's error of a lock that was not had, which may be the cause of another, until it does not. @throws its last error */
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
	return (error as { code?: unknown }).code === lockNotAvailable || isLockTimeout(error.cause);
}
