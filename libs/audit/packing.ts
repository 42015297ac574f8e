/** The mirror packs partitions that are full by itself: one table of one at a time, when it has nothing else to do, on connections of its own. */
import type pg from 'pg';
import { PackRefused, pack, packable } from './pack.ts';

export interface PackingOptions {
	readonly isOn: boolean;
	/** How often it is looked for one; milliseconds. */
	readonly everyMs?: number;
}

export const neverPacked: PackingOptions = { isOn: false };

const everyMsDefault = 60_000;
/** A partition is left alone until the one behind it is full, too: most versions that began in it have ended by then, and the copy stays dense. */
const behind = 1;

export class Packing {
	readonly #options: PackingOptions;
	readonly #connect: () => Promise<pg.Client>;
	readonly #backends = new Set<number>();
	#dueMs = 0;
	#isStopped = false;
	#running: Promise<void> | null = null;
	/** Why nothing was packed the last time; null when that is well, or will be. */
	problem: string | null = null;

	constructor(options: PackingOptions, connect: () => Promise<pg.Client>) {
		this.#options = options;
		this.#connect = connect;
	}

	/** Called often. Begins what is due, and waits for nothing. */
	run(): void {
		const { isOn, everyMs = everyMsDefault } = this.#options;
		if (!isOn || this.#isStopped || this.#running !== null || performance.now() < this.#dueMs) return;
		this.#running = this.#packNext().then(
			(wasPacked) => {
				this.#running = null;
				this.problem = null;
				// Where there was one there may be more.
				if (!wasPacked) this.#dueMs = performance.now() + everyMs;
			},
			(error: Error) => {
				this.#running = null;
				this.#dueMs = performance.now() + everyMs;
				// Somebody was in the way: the next time, then.
				this.problem = error instanceof PackRefused ? null : `a partition was not packed: ${error.message}`;
			},
		);
	}

	/** Settles when nothing is under way. */
	async settled(): Promise<void> {
		await this.#running;
	}

	/** Ends what is under way; nothing is lost by it. */
	async stop(): Promise<void> {
		this.#isStopped = true;
		this.#dueMs = Number.POSITIVE_INFINITY;
		const running = this.#running;
		if (running === null) return;
		const client = await this.#connect().catch(() => null); // Without the database nothing is under way there either.
		await client?.query('select pg_terminate_backend(p) from unnest($1::int[]) p', [[...this.#backends]]);
		await client?.end();
		await running;
	}

	async #packNext(): Promise<boolean> {
		const client = await this.#remembered();
		try {
			const next = (await packable(client, behind)).find((it) => !it.isPacked);
			if (next === undefined) return false;
			await pack(client, () => this.#remembered(), next, { step: () => this.#requireRunning() });
			return true;
		} finally {
			await client.end().catch(() => undefined); // A broken connection is closed already.
		}
	}

	async #remembered(): Promise<pg.Client> {
		const client = await this.#connect();
		const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
		this.#backends.add(rows[0]!.pid);
		client.once('end', () => this.#backends.delete(rows[0]!.pid));
		try {
			this.#requireRunning();
		} catch (error) {
			await client.end();
			throw error;
		}
		return client;
	}

	#requireRunning(): void {
		if (this.#isStopped) throw new PackRefused('the mirror ends');
	}
}
