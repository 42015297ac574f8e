/**
 * Asks every third of the session's timeout whether the server is there, because a stream that is silent may be one that is cut. An answer
 * that has not come after another third will not: the rest of the time is for other servers.
 */
import type { Lease } from './lease.ts';
import type { OperationStream } from './operation-stream.ts';
import { Submission } from './submission.ts';

export class Pings {
	readonly #lease: Lease;
	#timer: NodeJS.Timeout | undefined;
	#isAnswered = true;

	constructor(lease: Lease) {
		this.#lease = lease;
	}

	/** @param silent called when the server does not answer */
	begin(stream: OperationStream, timeoutMs: number, silent: () => void): void {
		this.end();
		this.#isAnswered = true;
		const timer = setInterval(() => {
			if (this.#isAnswered) {
				this.#ask(stream);
				return;
			}
			// What came while this process was busy is looked at first.
			setImmediate(() => setImmediate(() => this.#timer === timer && !this.#isAnswered && silent()));
		}, timeoutMs / 3);
		this.#timer = timer;
	}

	end(): void {
		clearInterval(this.#timer);
		this.#timer = undefined;
	}

	#ask(stream: OperationStream): void {
		const sentMs = performance.now();
		this.#isAnswered = false;
		const answered = () => {
			this.#isAnswered = true;
			this.#lease.renew(sentMs);
		};
		stream.submit(Submission.ofStream({ $case: 'keepAlive', value: {} }, answered));
	}
}
