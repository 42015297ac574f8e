/** Processes that use all recipes at once (recipes-worker.ts), and what must be true of all that they say. */
import { equal } from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { DiscoveryCheck } from './discovery-check.ts';
import { Possession } from './possession.ts';
import { RunningProgram } from './processes.ts';
import { AdditionsCheck, BarrierCheck, DoubleBarrierCheck, FollowersCheck, GroupCheck } from './recipes-checks.ts';
import { partitions, possessions, together, type Word } from './recipes-words.ts';

const script = fileURLToPath(new URL('./recipes-worker.ts', import.meta.url));

export class RecipesWorker {
	readonly program: RunningProgram;
	/** What it works on. */
	partitions: readonly string[] = [];
	/** By possession: whether it has it, as far as it has said. */
	readonly has = new Map<string, boolean>();
	#read = 0;

	constructor(endpoints: string, sessionTimeoutMs: number) {
		const args = ['--conditions=source', script, endpoints, `${sessionTimeoutMs}`];
		this.program = new RunningProgram(process.execPath, args, { name: 'recipes worker' });
	}

	get name(): string {
		return `${this.program.pid}`;
	}

	/** What it has said since it was listened to last. */
	listen(): Word[] {
		const { output } = this.program;
		const end = output.lastIndexOf('\n') + 1;
		const lines = output.slice(this.#read, end).split('\n');
		// Ten minutes of it would be long to look through.
		this.program.output = output.slice(Math.max(0, end - longestKept));
		this.#read = Math.min(end, longestKept);
		return lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Word);
	}
}

/** For those who ask why it has ended. */
const longestKept = 20_000;

export class RecipesWorkers {
	readonly workers: RecipesWorker[] = [];
	readonly possessions: ReadonlyMap<string, Possession>;
	readonly counted = new AdditionsCheck();
	readonly valued = new AdditionsCheck();
	readonly followers = new FollowersCheck();
	readonly barrier = new BarrierCheck();
	readonly doubleBarrier = new DoubleBarrierCheck(together);
	readonly group = new GroupCheck();
	readonly discovery = new DiscoveryCheck();
	readonly #start: () => RecipesWorker;
	#problem: Error | undefined;

	constructor(start: () => RecipesWorker, count: number) {
		this.#start = start;
		this.possessions = new Map(Object.entries(possessions).map(([name, most]) => [name, new Possession(name, most)]));
		for (let i = 0; i < count; i++) this.workers.push(start());
	}

	/** Hears all of them. @throws when one has ended by itself, or what it says cannot be; from then on always, for whoever asks again and again */
	listen(): void {
		try {
			for (const worker of this.workers) {
				this.#hear(worker);
				equal(worker.program.exitCode, null, worker.program.output.slice(-2000));
			}
		} catch (error) {
			this.#problem ??= error as Error;
		}
		if (this.#problem !== undefined) throw this.#problem;
	}

	/** Who has it, as far as they have said; anyone when nobody has said so. */
	holder(possession: string): RecipesWorker {
		this.listen();
		return this.workers.find(({ has }) => has.get(possession)) ?? this.workers[0]!;
	}

	/** What has been done so far, recipe by recipe. */
	get progress(): ReadonlyMap<string, number> {
		const held = [...this.possessions.values()].map(({ name, turns, writes }) => {
			// A partition stays where it is while nothing happens to its worker.
			return [name, name.startsWith('partition/') ? writes : turns] as const;
		});
		const { counted, valued, doubleBarrier } = this;
		return new Map([
			...held,
			['counter', counted.done],
			['value', valued.done],
			['double barrier', doubleBarrier.turns],
		]);
	}

	get losses(): number {
		return [...this.possessions.values()].reduce((sum, { losses }) => sum + losses, 0);
	}

	/** Each partition has a worker, and nobody two more than another. */
	get isDivided(): boolean {
		const counts = this.workers.map((worker) => worker.partitions.length);
		const all = this.workers.flatMap((worker) => worker.partitions).sort();
		return `${all}` === `${partitions.toSorted()}` && Math.max(...counts) - Math.min(...counts) < 2;
	}

	/** SIGSTOP. */
	pause(worker: RecipesWorker): void {
		process.kill(worker.program.pid, 'SIGSTOP');
		this.discovery.stopped(worker.name);
	}

	proceed(worker: RecipesWorker): void {
		this.discovery.goesOn(worker.name);
		process.kill(worker.program.pid, 'SIGCONT');
	}

	/** SIGKILL, and another one begins. */
	async exchange(worker: RecipesWorker): Promise<void> {
		this.workers.splice(this.workers.indexOf(worker), 1);
		await worker.program.stop('SIGKILL');
		this.#hear(worker);
		this.doubleBarrier.lost(worker.name, Date.now(), true);
		this.discovery.killed(worker.name);
		this.workers.push(this.#start());
	}

	check(): void {
		this.listen();
		for (const possession of this.possessions.values()) possession.check();
		this.doubleBarrier.check();
	}

	/** Their last words are heard. */
	async close(): Promise<void> {
		const ended = this.workers.splice(0);
		for (const { program } of ended) await program.stop('SIGKILL');
		for (const worker of ended) this.#hear(worker);
	}

	#hear(worker: RecipesWorker): void {
		for (const word of worker.listen()) this.#hearWord(worker, word);
	}

	#hearWord(worker: RecipesWorker, word: Word): void {
		const { name } = worker;
		switch (word.about) {
			case 'possession':
				worker.has.set(word.name, word.kind === 'has' || word.kind === 'wrote');
				this.possessions.get(word.name)!.hear(word);
				break;
			case 'addition':
				(word.to === 'counter' ? this.counted : this.valued).hear(name, word);
				break;
			case 'value':
				this.followers.hear(name, BigInt(word.zxid));
				break;
			case 'barrier':
				this.barrier.hear(name, word.generation);
				break;
			case 'double barrier':
				this.doubleBarrier.hear(name, word, word.atMs);
				break;
			case 'group':
				this.group.hear(name, word);
				break;
			case 'group is heard':
				this.group.isHeardSince(name, BigInt(word.zxid));
				break;
			case 'services':
				this.discovery.view(name, word.ids, word.atMs);
				break;
			case 'connection':
				this.discovery.connection(name, word.state === 'connected', word.atMs);
				if (word.state === 'lost') this.doubleBarrier.lost(name, word.atMs, false);
				break;
			case 'partitions':
				worker.partitions = word.names;
				break;
		}
	}
}
