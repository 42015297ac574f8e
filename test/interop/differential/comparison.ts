/** One script on two servers in lock-step, and the first thing in which they differ. */

import { opCode } from '#jute/op-codes';
import type { Script, Slot, Step } from './script.ts';
import { describeStep } from './script.ts';
import { ScriptRun } from './script-run.ts';
import { clearTree, describeTree } from './server-tree.ts';
import { Names } from './transcript.ts';

/** A server that runs many scripts, one after the other; what one leaves behind is cleared before the next. */
export class ComparedServer {
	readonly name: string;
	readonly port: number;
	readonly names: Names;

	/** @param names those of the server that it continues */
	constructor(name: string, port: number, names = new Names()) {
		this.name = name;
		this.port = port;
		this.names = names;
	}
}

export interface Difference {
	readonly seed: number;
	/** Index of the step, or the number of steps for the tree at the end. */
	readonly at: number;
	/** In words, with both answers. */
	readonly description: string;
	/** All that it took, the last one being where it shows. */
	readonly steps: readonly Step[];
}

/** With the steps that led to it. */
export function describeDifference({ description, steps }: Difference): string {
	return [...steps.map((step, at) => `${at}: ${describeStep(step)}`), description].join('\n');
}

export type Pair<T> = readonly [T, T];

/** A whole script: its steps, what arrives late, and the tree at the end. Afterwards the servers have neither its sessions nor its nodes. */
export async function compare(script: Script, servers: Pair<ComparedServer>): Promise<Difference | undefined> {
	const runs = startRuns(script, servers);
	try {
		return (await compareSteps(script, servers, runs)) ?? (await compareTrees(script, servers));
	} finally {
		await both(runs, async (run, at) => {
			await run.end();
			await clearTree(servers[at].port);
		});
	}
}

export function startRuns({ slots }: Script, servers: Pair<ComparedServer>): Pair<ScriptRun> {
	return [new ScriptRun(servers[0], slots), new ScriptRun(servers[1], slots)];
}

export async function compareSteps(
	script: Script,
	servers: Pair<ComparedServer>,
	runs: Pair<ScriptRun>,
): Promise<Difference | undefined> {
	const differs = (at: number, slot: Slot): Difference | undefined =>
		differenceOf(script, servers, at, `slot ${slot}`, [runs[0].takeLines(slot), runs[1].takeLines(slot)]);
	for (const [at, step] of script.steps.entries()) {
		// In whose order a session's ephemeral nodes go ZooKeeper leaves to a hash set.
		const closes = step.kind === 'send' && step.requests.some(({ type }) => type === opCode.closeSession);
		await both(runs, (run) => (closes ? run.unordered(() => run.perform(step)) : run.perform(step)));
		const difference = differs(at, step.slot);
		if (difference !== undefined) return difference;
	}
	await both(runs, (run) => run.settle());
	for (let slot = 0; slot < script.slots; slot++) {
		const difference = differs(script.steps.length, slot);
		if (difference !== undefined) return difference;
	}
	return undefined;
}

export async function compareTrees(script: Script, servers: Pair<ComparedServer>): Promise<Difference | undefined> {
	const trees = await both(servers, ({ port, names }) => describeTree(port, names));
	return differenceOf(script, servers, script.steps.length, 'the tree', trees);
}

async function both<T, R>(pair: Pair<T>, act: (one: T, at: 0 | 1) => Promise<R>): Promise<Pair<R>> {
	return Promise.all([act(pair[0], 0), act(pair[1], 1)]);
}

function differenceOf(
	script: Script,
	servers: Pair<ComparedServer>,
	at: number,
	where: string,
	[left, right]: Pair<readonly string[]>,
): Difference | undefined {
	const first = Array.from({ length: Math.max(left.length, right.length) }, (_, index) => index).find(
		(index) => left[index] !== right[index],
	);
	if (first === undefined) return undefined;
	const step = script.steps[at];
	const told = [
		`seed ${script.seed}, step ${at}${step === undefined ? ' (the end)' : `: ${describeStep(step)}`}, ${where}, line ${first}:`,
		...[left, right].flatMap((side, index) => [
			`  ${servers[index]!.name}:`,
			...side
				.slice(Math.max(0, first - 3), first + 4)
				.map((line, offset) => `${Math.max(0, first - 3) + offset === first ? '  > ' : '    '}${line}`),
		]),
	];
	return { seed: script.seed, at, description: told.join('\n'), steps: script.steps.slice(0, at + 1) };
}
