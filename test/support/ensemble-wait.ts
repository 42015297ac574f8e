/** Waiting for what an ensemble does in its own time, also outside a test runner. */

const paceMs = 25;

/**
 * Asks again and again until the answer is neither undefined nor false; a question that throws is asked again too.
 * @throws when the time is up, with the last problem
 */
export async function eventually<T>(
	what: string,
	ask: () => T | Promise<T>,
	timeoutMs = 60_000,
): Promise<Exclude<T, undefined | false>> {
	const untilMs = performance.now() + timeoutMs;
	for (let problem: unknown; ; ) {
		try {
			const answer = await ask();
			if (answer !== undefined && answer !== false) return answer as Exclude<T, undefined | false>;
			problem = undefined;
		} catch (error) {
			problem = error;
		}
		if (performance.now() > untilMs) {
			const why = problem === undefined ? '' : `: ${(problem as Error).message}`;
			throw new Error(`not within ${timeoutMs} ms: ${what}${why}`, { cause: problem });
		}
		await new Promise<void>((wake) => setTimeout(wake, paceMs));
	}
}

/** Rejects when the promise has not settled in time. */
export async function within<T>(timeoutMs: number, what: string, promise: Promise<T>): Promise<T> {
	let timer: NodeJS.Timeout | undefined;
	const late = new Promise<never>((_, reject) => {
		timer = setTimeout(() => reject(new Error(`not within ${timeoutMs} ms: ${what}`)), timeoutMs);
	});
	try {
		return await Promise.race([promise, late]);
	} finally {
		clearTimeout(timer);
	}
}
