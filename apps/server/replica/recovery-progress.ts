/** How far recovery is: a bar on a terminal, a line every two seconds elsewhere, nothing for a small tree. */
import { basename } from 'node:path';
import { SingleBar } from 'cli-progress';
import type { ReplayProgress } from '#storage/replay';
import type { Logger } from '#telemetry/logger';

const firstAfterMs = 500;
const lineEveryMs = 2000;
const redrawEveryMs = 100;

export class RecoveryProgress {
	readonly #logger: Logger;
	readonly #isTerminal: boolean;
	readonly #now: () => number;
	#nextMs: number;
	#bar: SingleBar | undefined;

	constructor(logger: Logger, isTerminal = process.stderr.isTTY === true, now = () => performance.now()) {
		this.#logger = logger;
		this.#isTerminal = isTerminal;
		this.#now = now;
		this.#nextMs = now() + firstAfterMs;
	}

	/** @param progress bytes of the snapshot, or of the logs behind it: each of the two goes from 0 to 100 %. */
	update({ phase, file, bytesDone, bytesTotal }: ReplayProgress): void {
		const nowMs = this.#now();
		if (nowMs < this.#nextMs) return;
		this.#nextMs = nowMs + (this.#isTerminal ? redrawEveryMs : lineEveryMs);
		const percent = Math.floor((100 * bytesDone) / Math.max(1, bytesTotal));
		if (this.#isTerminal) this.#draw(percent, `${phase}, ${basename(file)}`);
		else this.#logger.info({ phase, file: basename(file), percent }, 'recovering');
	}

	/** Takes the bar away. */
	stop(): void {
		this.#bar?.stop();
		this.#bar = undefined;
	}

	#draw(percent: number, detail: string): void {
		if (this.#bar === undefined) {
			this.#bar = new SingleBar({
				format: 'recovering {bar} {percentage} %  {detail}',
				barsize: 24,
				clearOnComplete: true,
				gracefulExit: false,
			});
			this.#bar.start(100, percent, { detail });
		}
		this.#bar.update(percent, { detail });
	}
}
