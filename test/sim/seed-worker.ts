/** Runs one seed after the other, as they are handed to it. */
import { parentPort } from 'node:worker_threads';
import { type Outcome, runEnsemble } from './ensemble/run-ensemble.ts';

export interface SeedOutcome {
	readonly seed: number;
	/** Or what the run itself failed with. */
	readonly outcome: Outcome | { readonly findings: readonly string[] };
}

parentPort?.on('message', (seed: number) => void run(seed));

async function run(seed: number): Promise<void> {
	let answer: SeedOutcome;
	try {
		answer = { seed, outcome: await runEnsemble(seed) };
	} catch (error) {
		answer = { seed, outcome: { findings: [`the run ended: ${(error as Error).stack}`] } };
	}
	parentPort?.postMessage(answer);
}
