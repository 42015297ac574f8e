/** The mirror prunes by itself what is older, or more, than is to be kept. Now and then, on a connection of its own, while it goes on. */
import type pg from 'pg';
import type { PartitionLimits } from './partitions.ts';
import { PruneRefused, prune } from './prune.ts';
import { planPrune } from './prune-plan.ts';

export interface RetentionOptions {
	/** Transactions that are older go; milliseconds, 0: for no age. */
	readonly ageMs: number;
	/** What the history takes up at most, indexes and all; 0: any size. */
	readonly bytes: number;
	/** How often it is looked at; milliseconds. */
	readonly everyMs?: number;
}

export const keepEverything: RetentionOptions = { ageMs: 0, bytes: 0 };

/** How many partitions what is kept has at least: the oldest of them is kept for so much longer. */
const partitionsKept = 12;

/** Partitions are so small, and end so early, that what is kept does not reach much further back than it must. */
export function limitsFor({ ageMs, bytes }: RetentionOptions, limits: PartitionLimits): PartitionLimits {
	return {
		...limits,
		bytes: bytes === 0 ? limits.bytes : Math.min(limits.bytes, Math.ceil(bytes / partitionsKept)),
		ageMs: ageMs === 0 ? limits.ageMs : Math.ceil(ageMs / partitionsKept),
	};
}

const everyMsDefault = 600_000;

export class Retention {
	readonly #options: RetentionOptions;
	readonly #connect: () => Promise<pg.Client>;
	#dueMs = 0;
	#running: Promise<void> | null = null;
	/** Why nothing was pruned the last time; null when that is well. */
	problem: string | null = null;

	constructor(options: RetentionOptions, connect: () => Promise<pg.Client>) {
		this.#options = options;
		this.#connect = connect;
	}

	/** Called often. Begins what is due, and waits for nothing. */
	run(): void {
		const { ageMs, bytes, everyMs = everyMsDefault } = this.#options;
		if ((ageMs === 0 && bytes === 0) || this.#running !== null || performance.now() < this.#dueMs) return;
		this.#dueMs = performance.now() + everyMs;
		this.#running = this.#prune().then(
			() => {
				this.#running = null;
				this.problem = null;
			},
			(error: Error) => {
				this.#running = null;
				this.problem = error instanceof PruneRefused ? error.message : `the history was not pruned: ${error.message}`;
			},
		);
	}

	/** Settles when nothing is under way. */
	async settled(): Promise<void> {
		await this.#running;
	}

	async #prune(): Promise<void> {
		const { ageMs, bytes } = this.#options;
		const client = await this.#connect();
		try {
			// Each may take away more than the other.
			if (ageMs > 0) {
				const plan = await planPrune(client, { beforeMs: Date.now() - ageMs });
				await prune(client, plan, { reason: `audit.retention.age: nothing older than ${days(ageMs)} is kept` });
			}
			if (bytes > 0) {
				const plan = await planPrune(client, { maxBytes: bytes });
				await prune(client, plan, { reason: `audit.retention.size: no more than ${bytes} bytes are kept` });
			}
		} finally {
			await client.end().catch(() => undefined); // A broken connection is closed already.
		}
	}
}

function days(ms: number): string {
	const hours = ms / 3_600_000;
	return hours % 24 === 0 ? `${hours / 24} days` : `${hours} hours`;
}
