/** Processes that work on one queue (queue-worker.ts), and what must be true of all that they say. */
import { equal, ok } from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { RunningProgram } from './processes.ts';

interface Said {
	/** `refused`: the acknowledgement came too late. `perhaps`: its answer was lost with the session. */
	readonly kind: 'has' | 'acked' | 'refused' | 'perhaps' | 'released';
	readonly value: string;
	/** Of the element's node. */
	readonly name: string;
	/** The token; of `acked` the zxid, 0 when the worker does not know it. */
	readonly number: string;
}

/** What was said of an element. */
interface Story {
	readonly tokens: bigint[];
	readonly acks: bigint[];
	perhaps: number;
}

const script = fileURLToPath(new URL('./queue-worker.ts', import.meta.url));

export class QueueWorker {
	readonly program: RunningProgram;
	/** What it said last. */
	last: Said | undefined;
	#read = 0;

	constructor(endpoints: string, sessionTimeoutMs: number, path: string) {
		const args = ['--conditions=source', script, endpoints, `${sessionTimeoutMs}`, path];
		this.program = new RunningProgram(process.execPath, args, { name: 'queue worker' });
	}

	/** The element that it has, as far as it has said. */
	get has(): string | undefined {
		return this.last?.kind === 'has' ? this.last.value : undefined;
	}

	/** What it has said since it was listened to last. */
	listen(): Said[] {
		const { output } = this.program;
		const end = output.lastIndexOf('\n') + 1;
		const lines = output.slice(this.#read, end).split('\n');
		this.#read = end;
		const said = lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Said);
		this.last = said.at(-1) ?? this.last;
		return said;
	}

	pause(): void {
		process.kill(this.program.pid, 'SIGSTOP');
	}

	proceed(): void {
		process.kill(this.program.pid, 'SIGCONT');
	}
}

export class QueueWorkers {
	readonly workers: QueueWorker[] = [];
	/** Acknowledgements that came too late. */
	refused = 0;
	acked = 0;
	readonly #start: () => QueueWorker;
	readonly #stories = new Map<string, Story>();
	readonly #tokens = new Set<bigint>();
	#problem: Error | undefined;

	constructor(start: () => QueueWorker, count: number) {
		this.#start = start;
		for (let i = 0; i < count; i++) this.workers.push(start());
	}

	/** Hears all of them. @throws when one has ended by itself, or two have had one token; from then on always, for whoever asks again and again */
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

	/** One that has an element, as far as they have said. */
	busy(): QueueWorker | undefined {
		this.listen();
		return this.workers.find(({ has }) => has !== undefined);
	}

	/** How often an element was given. */
	timesGiven(value: string): number {
		return this.#stories.get(value)?.tokens.length ?? 0;
	}

	isAcked(value: string): boolean {
		return (this.#stories.get(value)?.acks.length ?? 0) > 0;
	}

	/** SIGKILL, and another one begins. */
	async exchange(worker: QueueWorker): Promise<void> {
		this.workers.splice(this.workers.indexOf(worker), 1);
		await worker.program.stop('SIGKILL');
		this.#hear(worker);
		// It may have acknowledged that, and not have come to say so.
		if (worker.has !== undefined) this.#stories.get(worker.has)!.perhaps += 1;
		this.workers.push(this.#start());
	}

	/** No element was given behind its acknowledgement, or acknowledged twice. */
	check(): void {
		for (const [value, { tokens, acks }] of this.#stories) {
			ok(acks.length < 2, `${value} was acknowledged twice: ${acks.join(', ')}`);
			const [ack] = acks;
			for (const token of tokens)
				ok(
					ack === undefined || ack === 0n || token < ack,
					`${value} was given at ${token}, and acknowledged at ${ack}`,
				);
		}
	}

	/** Of these elements, which must be in the queue no more, none was lost: somebody has acknowledged it, or may have. */
	checkAll(values: readonly string[]): void {
		this.check();
		for (const value of values) {
			const story = this.#stories.get(value);
			ok(story !== undefined, `${value} was never given`);
			ok(story.acks.length + story.perhaps > 0, `${value} is gone, and nobody has acknowledged it`);
		}
	}

	async close(): Promise<void> {
		for (const { program } of this.workers.splice(0)) await program.stop('SIGKILL');
	}

	#hear(worker: QueueWorker): void {
		for (const { kind, value, number } of worker.listen()) {
			const story = this.#stories.get(value) ?? { tokens: [], acks: [], perhaps: 0 };
			this.#stories.set(value, story);
			const zxid = BigInt(number);
			if (kind === 'has') {
				// Elements that are locked in one batch have locks of their own transactions.
				ok(!this.#tokens.has(zxid), `two have had the token ${zxid}`);
				this.#tokens.add(zxid);
				story.tokens.push(zxid);
			} else if (kind === 'acked') {
				story.acks.push(zxid);
				this.acked += 1;
			} else if (kind === 'refused') this.refused += 1;
			else if (kind === 'perhaps') story.perhaps += 1;
		}
	}
}
