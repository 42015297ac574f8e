/** The mirror's thread: the event loop that serves clients never encodes a row. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Zxid } from '#core/model/zxid';
import { MirrorLoop, type MirrorLoopOptions } from './mirror-loop.ts';

export interface MirrorWorkerData {
	readonly options: MirrorLoopOptions;
	/** The committed zxid, written by the main thread. */
	readonly committed: BigInt64Array;
	/** 1 while the worker sleeps and wants to be woken. */
	readonly asleep: Int32Array;
}

const { options, committed, asleep } = workerData as MirrorWorkerData;
const port = parentPort!;
let stopping = false;
let woken: (() => void) | null = null;

port.on('message', (message: 'wake' | 'stop') => {
	if (message === 'stop') stopping = true;
	woken?.();
});

const committedNow = (): Zxid => Number(Atomics.load(committed, 0)) as Zxid;

const loop = new MirrorLoop(options, {
	committed: committedNow,
	get stopping() {
		return stopping;
	},
	async wake(timeoutMs) {
		const before = committedNow();
		Atomics.store(asleep, 0, 1);
		// It may have moved before the flag was seen.
		if (committedNow() === before && !stopping) {
			await new Promise<void>((resolve) => {
				const timer = setTimeout(resolve, timeoutMs);
				woken = () => {
					clearTimeout(timer);
					resolve();
				};
			});
		}
		woken = null;
		Atomics.store(asleep, 0, 0);
	},
	report: (report) => port.postMessage(report),
});

await loop.run();
port.close();
