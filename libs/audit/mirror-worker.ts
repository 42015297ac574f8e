/** The mirror's thread: the event loop that serves clients never encodes a row. */
import { getPriority, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import type { Zxid } from '#core/model/zxid';
import { MirrorLoop, type MirrorLoopOptions } from './mirror-loop.ts';

export interface MirrorWorkerData {
	readonly options: MirrorLoopOptions;
	/** The committed zxid, written by the main thread. */
	readonly committed: BigInt64Array;
	/** 1 while the worker sleeps and wants to be woken. */
	readonly asleep: Int32Array;
	/** Whether whoever serves clients goes first where processors are short. */
	readonly yields: boolean;
}

const { options, committed, asleep, yields } = workerData as MirrorWorkerData;
const port = parentPort!;
/** A thirtieth of the share of others. PostgreSQL gets no more to do than this thread can prepare. */
const niceness = 15;
const lowest = 19;
// Linux has a priority of each thread, others of the whole process only.
const ownPriority = yields && process.platform === 'linux' ? getPriority(0) : null;
let hasYielded = false;
let stopping = false;
let woken: (() => void) | null = null;

port.on('message', (message: 'wake' | 'stop') => {
	if (message === 'stop') {
		stopping = true;
		stopYielding();
	}
	woken?.();
});

/** Once it is in step: what was before is to be over soon. */
function yieldToOthers(): void {
	if (ownPriority === null || hasYielded || stopping) return;
	hasYielded = true;
	setPriority(0, Math.min(ownPriority + niceness, lowest));
}

/** What is left is to be written in time. */
function stopYielding(): void {
	if (ownPriority === null || !hasYielded) return;
	try {
		setPriority(0, ownPriority);
	} catch {
		// Not everybody may: then it takes what is free.
	}
}

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
	report(report) {
		if (report.state === 'mirroring') yieldToOthers();
		port.postMessage(report);
	},
});

await loop.run();
port.close();
