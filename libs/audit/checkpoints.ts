/**
 * Signed checkpoints, as the mirror writes them: in the transaction of a batch, the first of its connection and then at an interval. The message that is
 * signed stands in full in docs/sql.md.
 */
import type pg from 'pg';
import { formatZxid, type Zxid } from '#core/model/zxid';
import type { HistoryPoint } from './batch.ts';
import type { SigningKey } from './checkpoint-key.ts';

export interface CheckpointInterval {
	/** A checkpoint is due after so many transactions, */
	readonly txns: number;
	/** or after so many seconds, when there was at least one. */
	readonly seconds: number;
}

export interface CheckpointFields {
	readonly zxid: Zxid;
	/** Of the transactions. */
	readonly hash: Uint8Array;
	/** The last number of the ledger. */
	readonly ledger: number | bigint;
	readonly ledgerHash: Uint8Array;
	/** Milliseconds since 1970. */
	readonly timeMs: number;
	readonly keyId: string;
}

/** checkpoint_message() in SQL makes the same text. */
export function checkpointMessage({ zxid, hash, ledger, ledgerHash, timeMs, keyId }: CheckpointFields): string {
	const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
	const lines = [
		'chronokeeper checkpoint 1',
		`zxid ${formatZxid(zxid)}`,
		`hash ${hex(hash)}`,
		`ledger ${ledger} ${hex(ledgerHash)}`,
		`time ${new Date(timeMs).toISOString()}`,
		`key ${keyId}`,
	];
	return lines.map((line) => `${line}\n`).join('');
}

/** When checkpoints are due, and what is in them. One for each connection's writer. */
export class Checkpoints {
	readonly #key: SigningKey;
	readonly #interval: CheckpointInterval;
	/** What came since the last one; at first nobody knows how much that is. */
	#txns: number;
	#lastMs = Number.NEGATIVE_INFINITY;

	constructor(key: SigningKey, interval: CheckpointInterval) {
		this.#key = key;
		this.#interval = interval;
		this.#txns = interval.txns;
	}

	/** Whether one belongs to a batch of so many transactions, or is overdue without any. */
	isDue(txns: number): boolean {
		const since = this.#txns + txns;
		if (since === 0) return false;
		return since >= this.#interval.txns || performance.now() - this.#lastMs >= this.#interval.seconds * 1000;
	}

	/** Whether there is anything that is not signed. */
	get hasUnsigned(): boolean {
		return this.#txns > 0;
	}

	/** Within a transaction that has advanced the cursor to this point, or holds it there. */
	async write(client: pg.ClientBase, { zxid, hash }: HistoryPoint): Promise<void> {
		// The lock of note_in_ledger(): nothing is entered between the look at the ledger and the checkpoint's own entry.
		await client.query(`select pg_advisory_xact_lock(hashtext('chronokeeper.ledger'))`);
		const { rows } = await client.query<{ number: string; hash: Buffer }>(
			'select number, hash from chronokeeper.ledger order by number desc limit 1',
		);
		const ledger = BigInt(rows[0]?.number ?? 0);
		const ledgerHash = rows[0]?.hash ?? Buffer.alloc(0);
		const { keyId } = this.#key;
		const timeMs = Date.now();
		const signature = this.#key.sign(checkpointMessage({ zxid: zxid!, hash, ledger, ledgerHash, timeMs, keyId }));
		const written = await client.query(
			'insert into chronokeeper.checkpoint values ($1, $2, $3, $4, to_timestamp($5 / 1000.0), $6, $7) on conflict do nothing',
			[zxid, hash, ledger, ledgerHash, timeMs, keyId, signature],
		);
		if (written.rowCount !== 1) return; // It was signed by whoever wrote before.
		await client.query(
			`select chronokeeper.note_in_ledger('checkpoint', chronokeeper.zxid_hex(c.zxid), chronokeeper.checkpoint_content(c))
			from chronokeeper.checkpoint c where c.zxid = $1`,
			[zxid],
		);
	}

	/** A batch is in the database. */
	wrote(txns: number, isSigned: boolean): void {
		this.#txns = isSigned ? 0 : this.#txns + txns;
		if (isSigned) this.#lastMs = performance.now();
	}
}
