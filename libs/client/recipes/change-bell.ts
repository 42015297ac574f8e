import type { Chronokeeper } from '../chronokeeper.ts';
import type { HeldSession } from '../client-state.ts';

/**
 * Rings when something of what was read may have changed. The reads set one-shot watches, at most one for each path, however often it is read; with its session a watch is gone, so the bell rings
 * then, too.
 */
export class ChangeBell {
	readonly #ck: Chronokeeper;
	/** The session in which the path's watch was set. */
	readonly #watched = new Map<string, HeldSession>();
	readonly #waiting = new Set<() => void>();
	#isRung = false;

	constructor(ck: Chronokeeper) {
		this.#ck = ck;
	}

	/**
	 * Reads what the path's watch is about.
	 * @param act gives `watch` to the read that sets it; it is undefined while the path has a watch
	 */
	async read<T>(path: string, act: (watch: (() => void) | undefined) => Promise<T>): Promise<T> {
		const { session } = this.#ck;
		if (this.#watched.get(path) === session) return act(undefined);
		const forget = (): void => {
			if (this.#watched.get(path) === session) this.#watched.delete(path);
		};
		this.#watched.set(path, session);
		try {
			return await act(() => {
				forget();
				this.ring();
			});
		} catch (error) {
			// Then it set none.
			forget();
			throw error;
		}
	}

	ring(): void {
		this.#isRung = true;
		for (const wake of this.#waiting) wake();
	}

	/** Resolves when it has rung since it was waited for last, or the time is up. @returns false when the signal fired */
	async rings(signal?: AbortSignal, timeoutMs?: number): Promise<boolean> {
		const { session } = this.#ck;
		const isStale = [...this.#watched.values()].some((other) => other !== session);
		if (!this.#isRung && !isStale && signal?.aborted !== true && !session.signal.aborted)
			await this.#rung([session.signal, ...(signal === undefined ? [] : [signal])], timeoutMs);
		this.#isRung = false;
		return signal?.aborted !== true;
	}

	#rung(signals: readonly AbortSignal[], timeoutMs: number | undefined): Promise<void> {
		return new Promise((resolve) => {
			const wake = (): void => {
				this.#waiting.delete(wake);
				clearTimeout(timer);
				for (const signal of signals) signal.removeEventListener('abort', wake);
				resolve();
			};
			const timer = timeoutMs === undefined ? undefined : setTimeout(wake, Math.min(timeoutMs, longestTimerMs));
			this.#waiting.add(wake);
			for (const signal of signals) signal.addEventListener('abort', wake, { once: true });
		});
	}
}

/** What setTimeout() takes: some 24 days. */
const longestTimerMs = 2 ** 31 - 1;
