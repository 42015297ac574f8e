/** The other end of snapshot-worker.ts. */
import { Worker } from 'node:worker_threads';
import type { SnapshotOrder, SnapshotOutcome } from './snapshot-worker.ts';
import type { WrittenSnapshot } from './snapshot-writer.ts';

interface Waiting {
	resolve(written: WrittenSnapshot): void;
	reject(problem: Error): void;
}

/** A thread that writes one snapshot at a time, until it is ended. While it has none it holds up nobody who wants to end the process. */
export class SnapshotThread {
	readonly #worker: Worker;
	#waiting: Waiting | null = null;
	#problem: Error | null = null;
	#isGone = false;

	constructor() {
		const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
		this.#worker = new Worker(new URL(`./snapshot-worker.${extension}`, import.meta.url), {
			execArgv: extension === 'ts' ? ['--conditions=source'] : [],
		});
		this.#worker.on('message', (outcome: SnapshotOutcome) => this.#settle(outcome));
		this.#worker.on('error', (error: Error) => {
			this.#problem = error;
		});
		this.#worker.on('exit', (code) => {
			this.#isGone = true;
			this.#settle({ problem: this.#problem ?? new Error(`its thread ended with code ${code}`) });
		});
	}

	get isUsable(): boolean {
		return !this.#isGone;
	}

	/** Settles when the thread reads the frozen tree no more: after its answer, or when it is gone. */
	write(order: SnapshotOrder): Promise<WrittenSnapshot> {
		this.#worker.ref();
		return new Promise((resolve, reject) => {
			this.#waiting = { resolve, reject };
			this.#worker.postMessage(order);
		});
	}

	end(): void {
		void this.#worker.terminate();
	}

	#settle(outcome: SnapshotOutcome): void {
		const waiting = this.#waiting;
		this.#waiting = null;
		this.#worker.unref();
		if (waiting === null) return;
		if ('written' in outcome) waiting.resolve(outcome.written);
		else waiting.reject(outcome.problem);
	}
}
