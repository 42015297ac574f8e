/** Processes that take turns at a possession (possession-worker.ts), and what must be true of all that they say. */
import { equal, ok } from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { RunningProgram } from './processes.ts';

export interface PossessionEvent {
	/** `wrote`: in a transaction of the lock, `refused`: such a transaction found it gone, `failed`: nobody knows. `left`: by its own will; `lost`: with its session. */
	readonly kind: 'has' | 'wrote' | 'refused' | 'failed' | 'left' | 'lost';
	readonly token: bigint;
	/** Of what was written. */
	readonly zxid: bigint | undefined;
}

export interface PossessionOptions {
	readonly recipe: 'lock' | 'leader';
	readonly endpoints: string;
	readonly sessionTimeoutMs: number;
	readonly path: string;
}

const script = fileURLToPath(new URL('./possession-worker.ts', import.meta.url));

export class PossessionWorker {
	readonly program: RunningProgram;
	readonly #hear: (event: PossessionEvent) => void;
	#read = 0;
	/** The last that it said. */
	last: PossessionEvent | undefined;

	constructor(options: PossessionOptions, hear: (event: PossessionEvent) => void) {
		const { recipe, endpoints, sessionTimeoutMs, path } = options;
		const args = ['--conditions=source', script, recipe, endpoints, `${sessionTimeoutMs}`, path];
		this.program = new RunningProgram(process.execPath, args, { name: `${recipe} worker` });
		this.#hear = hear;
	}

	/** Hears what it has said since it was listened to last. */
	listen(): void {
		const { output } = this.program;
		const end = output.lastIndexOf('\n') + 1;
		for (const line of output.slice(this.#read, end).split('\n')) {
			if (!line.startsWith('{')) continue;
			const { kind, token, zxid } = JSON.parse(line) as { kind: PossessionEvent['kind']; token: string; zxid?: string };
			this.last = { kind, token: BigInt(token), zxid: zxid === undefined ? undefined : BigInt(zxid) };
			this.#hear(this.last);
		}
		this.#read = end;
	}

	/** As far as it has said. */
	get has(): boolean {
		return this.last?.kind === 'has' || this.last?.kind === 'wrote';
	}

	pause(): void {
		process.kill(this.program.pid, 'SIGSTOP');
	}

	proceed(): void {
		process.kill(this.program.pid, 'SIGCONT');
	}

	async stop(): Promise<void> {
		await this.program.stop('SIGKILL');
	}
}

/** All workers of one possession, those that were killed included. */
export class PossessionWorkers {
	readonly workers: PossessionWorker[] = [];
	/** How often it was taken. */
	turns = 0;
	/** How often someone found it lost: by its signal, or by a transaction that was refused. */
	losses = 0;
	readonly #options: PossessionOptions;
	readonly #tokens = new Set<bigint>();
	readonly #written: { readonly zxid: bigint; readonly token: bigint }[] = [];

	constructor(options: PossessionOptions, count: number) {
		this.#options = options;
		for (let i = 0; i < count; i++) this.add();
	}

	add(): void {
		this.workers.push(new PossessionWorker(this.#options, (event) => this.#hear(event)));
	}

	/** Hears all of them. @throws when two have had the same token, or one has ended by itself */
	listen(): void {
		for (const worker of this.workers) {
			worker.listen();
			equal(worker.program.exitCode, null, worker.program.output.slice(-2000));
		}
	}

	/** Who has it, as far as they have said; anyone when nobody has said so. */
	holder(): PossessionWorker {
		this.listen();
		return this.workers.find(({ has }) => has) ?? this.workers[0]!;
	}

	/** SIGKILL, and another one begins. */
	async exchange(worker: PossessionWorker): Promise<void> {
		worker.listen();
		this.workers.splice(this.workers.indexOf(worker), 1);
		await worker.stop();
		worker.listen();
		this.add();
	}

	/**
	 * What was written under tokens was written in their order: whoever has a smaller one has written nothing behind the first write of the next.
	 * @returns how many writes there were
	 */
	check(): number {
		const inOrder = this.#written.toSorted((one, other) => (one.zxid < other.zxid ? -1 : 1));
		for (const [i, { zxid, token }] of inOrder.entries()) {
			const before = inOrder[i - 1];
			if (before === undefined) continue;
			ok(zxid > before.zxid, `${zxid} was written twice`);
			ok(token >= before.token, `at ${zxid} ${token} wrote behind ${before.token}, which wrote at ${before.zxid}`);
		}
		return inOrder.length;
	}

	async close(): Promise<void> {
		for (const worker of this.workers.splice(0)) await worker.stop();
	}

	#hear({ kind, token, zxid }: PossessionEvent): void {
		switch (kind) {
			case 'has':
				ok(!this.#tokens.has(token), `two have had the token ${token}`);
				this.#tokens.add(token);
				this.turns += 1;
				return;
			case 'wrote':
				this.#written.push({ zxid: zxid!, token });
				return;
			case 'lost':
			case 'refused':
				this.losses += 1;
				return;
			case 'failed':
			case 'left':
				return;
		}
	}
}
