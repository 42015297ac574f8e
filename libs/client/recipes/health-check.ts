/** A function that says at an interval whether something is well. */
import { orAborted } from './patience.ts';
import { pause } from './pause.ts';

export interface HealthOptions {
	/** Well: it returns, or resolves to, anything but false. Not well: false, or it throws; the error's message is shown to others. The signal fires when it takes too long. */
	readonly check: (signal: AbortSignal) => unknown;
	/** From the end of one check to the next; 5,000 ms when absent. */
	readonly intervalMs?: number;
	/** A check that takes longer has failed; 5,000 ms when absent. */
	readonly timeoutMs?: number;
	/** So many failures in a row take it out; 1 when absent. */
	readonly failures?: number;
	/** So many successes in a row put it back; 1 when absent. */
	readonly successes?: number;
}

export interface Health {
	readonly isWell: boolean;
	/** Why not. */
	readonly problem: string | undefined;
}

export const well: Health = { isWell: true, problem: undefined };

export class HealthCheck {
	readonly #options: HealthOptions;
	#health: Health = well;
	/** Checks in a row that said something else than the state of now. */
	#against = 0;

	constructor(options: HealthOptions) {
		this.#options = options;
	}

	/** The first check counts at once: nobody has heard of it yet. */
	async first(signal: AbortSignal): Promise<Health> {
		this.#health = await this.#look(signal);
		return this.#health;
	}

	/** Until the signal fires. @param changed is told of each change */
	async run(changed: (health: Health) => void, signal: AbortSignal): Promise<void> {
		const { intervalMs = 5000, failures = 1, successes = 1 } = this.#options;
		while (!signal.aborted) {
			try {
				await pause(intervalMs, signal);
			} catch {
				return; // The signal fired.
			}
			const health = await this.#look(signal);
			if (signal.aborted) return;
			if (health.isWell === this.#health.isWell) {
				this.#against = 0;
				if (health.problem === this.#health.problem) continue;
			} else {
				this.#against += 1;
				if (this.#against < (health.isWell ? successes : failures)) continue;
			}
			this.#against = 0;
			this.#health = health;
			changed(health);
		}
	}

	async #look(signal: AbortSignal): Promise<Health> {
		const { check, timeoutMs = 5000 } = this.#options;
		const late = new AbortController();
		const timer = setTimeout(() => late.abort(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
		const stop = (): void => late.abort(signal.reason);
		signal.addEventListener('abort', stop, { once: true });
		try {
			const said = await orAborted(Promise.resolve(late.signal).then(check), late.signal);
			return said === false ? { isWell: false, problem: 'its health check said so' } : well;
		} catch (error) {
			return { isWell: false, problem: error instanceof Error ? error.message : String(error) };
		} finally {
			clearTimeout(timer);
			signal.removeEventListener('abort', stop);
		}
	}
}
