/** Waiting for what an ensemble does in its own time, also outside a test runner. */

import { alikeAs } from './evidence.ts';

const paceMs = 25;
/** So many different problems are told of. */
const problemsTold = 5;

/**
 * Asks again and again until the answer is neither undefined nor false; a question that throws is asked again too.
 * @throws when the time is up, with the last problem, and how often there were which others
 */
export async function eventually<T>(
	what: string,
	ask: () => T | Promise<T>,
	timeoutMs = 60_000,
): Promise<Exclude<T, undefined | false>> {
	const untilMs = performance.now() + timeoutMs;
	const problems = new Map<string, { readonly message: string; times: number }>();
	for (let problem: unknown; ; ) {
		try {
			const answer = await ask();
			if (answer !== undefined && answer !== false) return answer as Exclude<T, undefined | false>;
			problem = undefined;
		} catch (error) {
			problem = error;
			const { message } = error as Error;
			const alike = alikeAs(message);
			// Put in again: the last one is the last.
			const times = (problems.get(alike)?.times ?? 0) + 1;
			problems.delete(alike);
			problems.set(alike, { message, times });
		}
		if (performance.now() > untilMs) {
			const last = problem === undefined ? '' : `: ${(problem as Error).message}`;
			const told = [...problems.values()].slice(-problemsTold).reverse();
			const often = told.map(({ message, times }) => `${times} × ${message.split('\n')[0]}`);
			const all = often.length === 0 ? '' : ` (in this time ${often.join('; ')})`;
			throw new Error(`not within ${timeoutMs} ms: ${what}${last}${all}`, { cause: problem });
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
