/** Says that connections are refused, at most once a second: whoever floods the port must not fill the disk with log lines. */
import type { Logger } from '#telemetry/logger';

const intervalMs = 1000;

export class Refusals {
	readonly #logger: Logger;
	readonly #now: () => number;
	#saidMs = Number.NEGATIVE_INFINITY;
	#unsaid = 0;

	constructor(logger: Logger, now: () => number = () => performance.now()) {
		this.#logger = logger;
		this.#now = now;
	}

	refused(client: string, reason: string): void {
		const nowMs = this.#now();
		if (nowMs - this.#saidMs < intervalMs) {
			this.#unsaid += 1;
			return;
		}
		const more = this.#unsaid === 0 ? {} : { refusedSinceTheLastLine: this.#unsaid };
		this.#logger.warn({ client, ...more }, `a connection is refused: ${reason}`);
		this.#saidMs = nowMs;
		this.#unsaid = 0;
	}
}
