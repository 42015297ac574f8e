/**
 * `npm run sim`: whole ensembles over a simulated network, disk and clock, one run per seed. One seed is told in full, many run side by side with a line for each that fails; the
 * exit code is 1 when one did. The same seed always gives the same run.
 */
import { Worker } from 'node:worker_threads';
import { SingleBar } from 'cli-progress';
import { runEnsemble } from './ensemble/run-ensemble.ts';
import type { SeedOutcome } from './seed-worker.ts';

const lineEverySeeds = 100;

const [seed, seeds, jobs] = process.argv.slice(2).map(Number);
process.exitCode = (Number.isNaN(seed) ? await runMany(seeds!, jobs!) : await runOne(seed!)) ? 0 : 1;

async function runOne(seed: number): Promise<boolean> {
	const { findings, acknowledged, epochs, counts } = await runEnsemble(seed, { tell: (what) => console.log(what) });
	console.log(`seed ${seed}: ${acknowledged} writes acknowledged, ${epochs} epochs; ${described(counts)}`);
	report(seed, findings);
	return findings.length === 0;
}

function runMany(count: number, jobs: number): Promise<boolean> {
	const startMs = performance.now();
	const sums = new Map<string, number>();
	const bar = process.stdout.isTTY ? new SingleBar({ format: '{bar} {value}/{total} seeds, {eta} s left' }) : null;
	bar?.start(count, 0);
	let next = 0;
	let done = 0;
	let failed = 0;
	const finish = (resolve: (isGood: boolean) => void) => {
		bar?.stop();
		const seconds = (performance.now() - startMs) / 1000;
		console.log(`${count} seeds in ${seconds.toFixed(0)} s, ${failed} failed; ${described(Object.fromEntries(sums))}`);
		resolve(failed === 0);
	};
	const ended = ({ seed, outcome }: SeedOutcome) => {
		done += 1;
		if ('counts' in outcome) {
			const { acknowledged, epochs, counts } = outcome;
			for (const [name, value] of Object.entries({ acknowledged, epochs, ...counts })) {
				sums.set(name, (sums.get(name) ?? 0) + value);
			}
		}
		if (outcome.findings.length > 0) {
			failed += 1;
			report(seed, outcome.findings);
		}
		bar?.update(done);
		if (bar === null && done % lineEverySeeds === 0) console.log(`${done} of ${count} seeds, ${failed} failed`);
	};
	return new Promise((resolve) => {
		const work = () => {
			const worker = startWorker();
			let seed = 0;
			const goOn = () => {
				if (next < count) worker.postMessage((seed = seedOf(next++)));
				else void worker.terminate();
			};
			worker.on('message', (outcome: SeedOutcome) => {
				ended(outcome);
				goOn();
				if (done === count) finish(resolve);
			});
			// Something was thrown where nobody waits for it: this worker is gone.
			worker.on('error', (error) => {
				ended({ seed, outcome: { findings: [`the run ended: ${(error as Error).stack}`] } });
				if (next < count) work();
				if (done === count) finish(resolve);
			});
			goOn();
		};
		for (let job = 0; job < Math.min(jobs, count); job++) work();
	});
}

function startWorker(): Worker {
	const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
	return new Worker(new URL(`./seed-worker.${extension}`, import.meta.url));
}

/** Those of ensemble.spec.ts come first. */
function seedOf(index: number): number {
	return 1 + index * 104_729;
}

function report(seed: number, findings: readonly string[]): void {
	for (const finding of findings) console.log(`seed ${seed}: ${finding}`);
	if (findings.length > 0) console.log(`seed ${seed} again: npm run sim -- --seed ${seed}`);
}

function described(counts: object): string {
	return Object.entries(counts)
		.map(([name, count]) => `${name} ${count}`)
		.join(', ');
}
