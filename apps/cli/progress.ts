/** How far a long command is: a bar on a terminal, a line every ten seconds elsewhere, nothing for short ones. */
import cliProgress from 'cli-progress';
import type { Terminal } from './terminal.ts';
import { duration } from './view/text.ts';

const lineEveryMs = 10_000;
const redrawEveryMs = 100;

export interface ProgressUpdate {
	/** Out of `total`; both in any one unit. 0 for a total that is not known. */
	readonly done: number;
	readonly total: number;
	/** What is being done, and how much so far: `log.5e0, 12,000 txns`. */
	readonly detail: string;
}

export class Progress {
	readonly #terminal: Terminal;
	readonly #what: string;
	readonly #startedMs = performance.now();
	#bar: cliProgress.SingleBar | undefined;
	#lastMs: number;

	/** @param what begins every line: `import`. */
	constructor(terminal: Terminal, what: string) {
		this.#terminal = terminal;
		this.#what = what;
		this.#lastMs = terminal.drawsProgress ? 0 : this.#startedMs;
	}

	update({ done, total, detail }: ProgressUpdate): void {
		const now = performance.now();
		if (now - this.#lastMs < (this.#terminal.drawsProgress ? redrawEveryMs : lineEveryMs)) return;
		this.#lastMs = now;
		if (!this.#terminal.drawsProgress) {
			const percent = total > 0 ? ` ${Math.floor((100 * done) / total)} %` : '';
			this.#terminal.note(`${this.#what}${percent}  ${detail}  (${duration(now - this.#startedMs)})`);
			return;
		}
		if (this.#bar === undefined) {
			this.#bar = new cliProgress.SingleBar({
				format: `${this.#what} {bar} {percentage} %  {detail}`,
				barsize: 24,
				hideCursor: true,
				clearOnComplete: true,
				etaBuffer: 50,
				barCompleteChar: '█',
				barIncompleteChar: '░',
				gracefulExit: false,
			});
			this.#bar.start(Math.max(1, total), done, { detail });
		}
		this.#bar.setTotal(Math.max(1, total));
		this.#bar.update(Math.min(done, Math.max(1, total)), { detail });
	}

	/** Takes the bar away, so that what follows stands alone. */
	stop(): void {
		this.#bar?.stop();
		this.#bar = undefined;
	}

	get elapsedMs(): number {
		return performance.now() - this.#startedMs;
	}
}
