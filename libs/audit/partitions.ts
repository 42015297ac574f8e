/**
 * The partitions of txn, change and znode_version, made ahead by whoever writes: behind the partition that is filled there is always an empty one without an
 * upper bound. A batch that would reach it bounds it first, while it is empty and costs nothing, and puts the next one behind it.
 *
 * How wide: as many zxids as rows are wanted, or fewer where transactions are large. An election leaves the rest of an epoch's zxids, which are far more than any
 * width, empty: a partition that has few rows then takes in the new epoch, too. Nothing but a partition that became too large or too old before its time
 * must be proved to end where it is to be cut: a check constraint does it, well ahead of the history, that is validated on another connection while everything
 * goes on.
 *
 * Nobody waits long: no lock is waited for longer than `lockTimeoutMs`, and where one cannot be had the rows go where there is room, and the next batch tries again.
 *
 * One place is a bound of all three tables: versions that begin at B belong behind it, the transaction B itself and its changes in front. So the tree right after B is all
 * that is behind B, when what is in front is pruned.
 */
import type pg from 'pg';
import type { Zxid } from '#core/model/zxid';
import { formatZxid } from '#core/model/zxid';
import type { Batch } from './batch.ts';
import { inTransaction } from './batch-writer.ts';

export interface PartitionLimits {
	/** About how many transactions a partition has. */
	readonly rows: number;
	/** About how many bytes, with indexes. */
	readonly bytes: number;
	/** A partition whose first transaction is older than this is closed; 0: never for this reason. */
	readonly ageMs: number;
	/** How far ahead of the history a bound lies that must be proved; by default it is large enough for a proof that takes minutes. */
	readonly proofZxids?: number;
	/** Partitions of more bytes than this are proved first; smaller ones are looked through under the lock. */
	readonly quickBytes?: number;
}

export const defaultPartitionLimits: PartitionLimits = { rows: 5_000_000, bytes: 16 * 2 ** 30, ageMs: 0 };

const lockTimeoutMs = 200;
/** Longer than PostgreSQL lets a vacuum be in somebody's way (deadlock_timeout). */
const patientLockTimeoutMs = 2_000;
const patientAfter = 10;
const lookEveryMs = 10_000;
const quickBytesDefault = 256 << 20;
const proofZxidsDefault = 1_000_000;
/** An election that finds so few rows, of those that are wanted, does not end a partition. */
const smallShare = 8;

/** In the order in which they are locked. `above`: what is added to the bound. */
const tables = [
	{ name: 'znode_version', key: 'from_zxid', above: 0 },
	{ name: 'txn', key: 'zxid', above: 1 },
	{ name: 'change', key: 'zxid', above: 1 },
] as const;

/** A partition of all three tables. */
export interface Partition {
	/** As in the names of its tables. */
	readonly number: number;
	/** Null: from the beginning. */
	readonly from: number | null;
	/** Null: to the end. */
	readonly to: number | null;
	readonly rows: number;
	readonly bytes: number;
}

/** In the order of the zxids. */
export async function readPartitions(client: pg.ClientBase): Promise<Partition[]> {
	const { rows } = await client.query<{
		number: number;
		from: string | null;
		to: string | null;
		rows: string;
		bytes: string;
	}>(
		`select v.number, v.from_zxid as from, v.to_zxid as to, coalesce(t.estimated_rows, 0) as rows, v.bytes + coalesce(t.bytes, 0) + coalesce(c.bytes, 0) as bytes
		from (select substring(p.partition from '\\d+$')::int as number, p.* from chronokeeper.partitions() p where p."table" = 'znode_version') v
		left join chronokeeper.partitions() t on t.partition = 'txn_' || v.number
		left join chronokeeper.partitions() c on c.partition = 'change_' || v.number
		order by v.from_zxid nulls first`,
	);
	const numberOf = (text: string | null) => (text === null ? null : Number(text));
	return rows.map((row) => ({
		number: row.number,
		from: numberOf(row.from),
		to: numberOf(row.to),
		rows: Number(row.rows),
		bytes: Number(row.bytes),
	}));
}

/** What is written into one place, and where that ends. */
interface Place {
	/** The partition that is filled; null when that is the last one itself. */
	readonly current: Partition | null;
	readonly last: Partition;
}

/** A batch that is to be written. */
interface Written {
	/** Where the history is. */
	readonly at: Zxid;
	readonly to: Zxid;
	readonly txns: number;
}

interface Proof {
	readonly bound: number;
	/** Of the partition. */
	readonly number: number;
	state: 'under way' | 'proved' | 'failed';
	ended: Promise<void>;
}

export class PartitionMaker {
	readonly #limits: PartitionLimits;
	readonly #connect: () => Promise<pg.ClientBase & { end(): Promise<void> }>;
	#place: Place | null = null;
	#lookedMs = 0;
	#failures = 0;
	#proof: Proof | null = null;
	/** Why there will be no more partitions: the role may not make them. Null: there will. */
	refused: string | null = null;

	constructor(limits: PartitionLimits, connect: () => Promise<pg.ClientBase & { end(): Promise<void> }>) {
		this.#limits = limits;
		this.#connect = connect;
	}

	/** Before a batch is written, on its connection and outside of a transaction. Fails only with the connection. */
	async prepare(client: pg.ClientBase, batch: Batch): Promise<void> {
		const { from, to } = batch;
		if (this.refused !== null || to.zxid === null) return;
		try {
			await this.#makeRoom(client, { at: from.zxid ?? to.zxid, to: to.zxid, txns: batch.txnCount });
		} catch (error) {
			this.#place = null;
			const { code } = error as { code?: unknown };
			if (code === lockNotAvailable || code === deadlockDetected) this.#failures++;
			else if (code === insufficientPrivilege)
				this.refused = `no more partitions are made: ${(error as Error).message}`;
			else throw error;
		}
	}

	/** Settles when nothing of this is under way any more. */
	async settled(): Promise<void> {
		await this.#proof?.ended;
	}

	async #look(client: pg.ClientBase): Promise<Place> {
		const partitions = await readPartitions(client);
		const last = partitions.at(-1);
		if (last === undefined || last.to !== null) throw new Error('the history has no partition without an upper bound');
		this.#lookedMs = performance.now();
		return { last, current: partitions.at(-2) ?? null };
	}

	async #makeRoom(client: pg.ClientBase, written: Written): Promise<void> {
		if (this.#proof !== null) await this.#endProof(client, written.to);
		if (this.#proof !== null) return;
		const isDue = this.#place === null || performance.now() - this.#lookedMs > lookEveryMs;
		this.#place ??= await this.#look(client);
		if (written.to >= (this.#place.last.from ?? 0)) await this.#enter(client, written);
		else if (isDue) await this.#lookAt(client, written.at);
	}

	/** The batch reaches the last partition. */
	async #enter(client: pg.ClientBase, { at, to, txns }: Written): Promise<void> {
		// Sizes as they are now.
		this.#place = await this.#look(client);
		const { current, last } = this.#place;
		const first = Math.max(at + 1, last.from ?? 0, to - txns + 1);
		if (current !== null && (await isEmpty(client, last)) && (await this.#isSmall(client, current))) {
			return this.#bound(client, current, to + this.#width(current));
		}
		const bound = Math.max(first + this.#width(current ?? last), to + 1);
		if (last.bytes <= this.#quickBytes || (await isEmpty(client, last))) return this.#bound(client, last, bound);
		await this.#beginProof(client, last, Math.max(to + this.#proofZxids(last), bound));
	}

	/** Whether the partition that is filled has become too large or too old before its time. */
	async #lookAt(client: pg.ClientBase, at: Zxid): Promise<void> {
		this.#place = await this.#look(client);
		const { current } = this.#place;
		if (current === null || at < (current.from ?? 0)) return;
		const { rows, bytes, ageMs } = this.#limits;
		const isLarge = current.rows > rows * 1.25 || current.bytes > bytes * 1.25;
		if (!isLarge && !(ageMs > 0 && (await ageOf(client, current)) > ageMs)) return;
		if (current.bytes <= this.#quickBytes) {
			await this.#bound(client, current, at + 1);
			await this.#bound(client, this.#place.last, at + 1 + this.#width(current));
			return;
		}
		const bound = at + this.#proofZxids(current);
		// Where it ends soon by itself there is nothing to do.
		if (bound < current.to!) await this.#beginProof(client, current, bound);
	}

	async #isSmall(client: pg.ClientBase, { number, bytes }: Partition): Promise<boolean> {
		if (bytes > this.#limits.bytes / smallShare || bytes > this.#quickBytes) return false;
		const few = Math.floor(this.#limits.rows / smallShare);
		const { rows } = await client.query<{ count: string }>(
			`select count(*) from (select from chronokeeper.txn_${number} limit $1) x`,
			[few + 1],
		);
		return Number(rows[0]!.count) <= few;
	}

	/** In zxids: fewer where the transactions before were large. */
	#width({ rows, bytes }: Partition): number {
		if (rows < 1000) return this.#limits.rows;
		return Math.max(1000, Math.min(this.#limits.rows, Math.floor(this.#limits.bytes / (bytes / rows))));
	}

	get #quickBytes(): number {
		return this.#limits.quickBytes ?? quickBytesDefault;
	}

	#proofZxids({ rows }: Partition): number {
		return this.#limits.proofZxids ?? Math.max(proofZxidsDefault, Math.floor(rows / 4));
	}

	get #lockTimeoutMs(): number {
		return this.#failures < patientAfter ? lockTimeoutMs : patientLockTimeoutMs;
	}

	/** Gives a partition an upper bound, and puts an empty one without behind it. Those that were behind it are empty. */
	async #bound(client: pg.ClientBase, partition: Partition, bound: number): Promise<void> {
		await inTransaction(client, async () => {
			await client.query(`set local lock_timeout = ${this.#lockTimeoutMs}`);
			const { rows } = await client.query<{ number: number }>(
				`select max(substring(c.relname from '\\d+$')::int) as number from pg_class c join pg_namespace n on n.oid = c.relnamespace
				where n.nspname = 'chronokeeper' and c.relkind = 'r' and c.relname ~ '^(txn|change|znode_version)_\\d+$'`,
			);
			const next = rows[0]!.number + 1;
			for (const { name, above } of tables) {
				const own = `chronokeeper.${name}_${partition.number}`;
				await client.query(`alter table chronokeeper.${name} detach partition ${own}`);
				for (const { number } of await behind(client, name, partition.number)) {
					await requireEmpty(client, `${name}_${number}`);
					await client.query(`drop table chronokeeper.${name}_${number}`);
				}
				const from = partition.from === null ? 'minvalue' : partition.from + above;
				await client.query(
					`alter table chronokeeper.${name} attach partition ${own} for values from (${from}) to (${bound + above})`,
				);
				await client.query(`alter table ${own} drop constraint if exists ${proofName}`);
				await client.query(
					`create table chronokeeper.${name}_${next} partition of chronokeeper.${name} for values from (${bound + above}) to (maxvalue)`,
				);
			}
		});
		this.#failures = 0;
		this.#place = await this.#look(client);
	}

	/** From here on nothing at or above the bound may be written before the partition was bounded. */
	async #beginProof(client: pg.ClientBase, partition: Partition, bound: number): Promise<void> {
		await inTransaction(client, async () => {
			await client.query(`set local lock_timeout = ${this.#lockTimeoutMs}`);
			for (const { name, key, above } of tables) {
				const own = `chronokeeper.${name}_${partition.number}`;
				await client.query(`alter table ${own} drop constraint if exists ${proofName}`);
				await client.query(
					`alter table ${own} add constraint ${proofName} check (${key} < ${bound + above}) not valid`,
				);
			}
		});
		const proof: Proof = { bound, number: partition.number, state: 'under way', ended: Promise.resolve() };
		const become = (state: Proof['state']) => () => {
			proof.state = state;
		};
		proof.ended = this.#prove(partition.number).then(become('proved'), become('failed'));
		this.#proof = proof;
	}

	async #prove(number: number): Promise<void> {
		const client = await this.#connect();
		try {
			for (const { name } of tables) {
				await client.query(`alter table chronokeeper.${name}_${number} validate constraint ${proofName}`);
			}
		} finally {
			await client.end().catch(() => undefined); // A broken connection is closed already.
		}
	}

	/** When it is proved, or the batch cannot wait for that any longer. */
	async #endProof(client: pg.ClientBase, to: Zxid): Promise<void> {
		const proof = this.#proof!;
		if (proof.state === 'under way' && to < proof.bound) return;
		await proof.ended;
		const partition = (await readPartitions(client)).find((it) => it.number === proof.number);
		try {
			if (proof.state === 'proved' && partition !== undefined) await this.#bound(client, partition, proof.bound);
			else await dropProofs(client, this.#lockTimeoutMs);
			this.#proof = null;
		} catch (error) {
			// There is room in front of the bound: the next batch tries again.
			if (to < proof.bound) throw error;
			await dropProofs(client, 0);
			this.#proof = null;
		}
	}
}

/**
 * Takes away what a writer that died had begun to prove: it would refuse what is written behind its bound. Cheap when there is nothing. Where
 * somebody is in the way, it is tried again when it does refuse.
 */
export async function recoverPartitions(client: pg.ClientBase): Promise<void> {
	try {
		await dropProofs(client, patientLockTimeoutMs);
	} catch (error) {
		const { code } = error as { code?: unknown };
		if (code !== lockNotAvailable && code !== insufficientPrivilege) throw error;
	}
}

/** @param timeoutMs for each lock; 0: as long as it takes */
async function dropProofs(client: pg.ClientBase, timeoutMs: number): Promise<void> {
	const { rows } = await client.query<{ table: string }>(
		`select c.conrelid::regclass::text as table from pg_constraint c join pg_namespace n on n.oid = c.connamespace
		where n.nspname = 'chronokeeper' and c.conname = '${proofName}'`,
	);
	if (rows.length === 0) return;
	await inTransaction(client, async () => {
		await client.query(`set local lock_timeout = ${timeoutMs}`);
		for (const { table } of rows) await client.query(`alter table ${table} drop constraint if exists ${proofName}`);
	});
}

const proofName = 'bounded';
const lockNotAvailable = '55P03';
const deadlockDetected = '40P01';
const insufficientPrivilege = '42501';

async function behind(client: pg.ClientBase, table: string, number: number): Promise<{ number: number }[]> {
	const { rows } = await client.query<{ number: number }>(
		`select substring(p.partition from '\\d+$')::int as number from chronokeeper.partitions() p
		where p."table" = $1 and substring(p.partition from '\\d+$')::int > $2`,
		[table, number],
	);
	return rows;
}

async function requireEmpty(client: pg.ClientBase, name: string): Promise<void> {
	const { rows } = await client.query(`select from chronokeeper.${name} limit 1`);
	if (rows.length > 0) throw new Error(`chronokeeper.${name} is not empty: it stays`);
}

async function isEmpty(client: pg.ClientBase, { number }: Partition): Promise<boolean> {
	const { rows } = await client.query<{ found: boolean }>(
		`select ${tables.map(({ name }) => `exists (select from chronokeeper.${name}_${number})`).join(' or ')} as found`,
	);
	return !rows[0]!.found;
}

/** Of its first transaction; 0 when it has none. */
async function ageOf(client: pg.ClientBase, { number }: Partition): Promise<number> {
	const { rows } = await client.query<{ ms: number }>(
		`select extract(epoch from now() - t.time) * 1000 as ms from chronokeeper.txn_${number} t order by t.zxid limit 1`,
	);
	return Number(rows[0]?.ms ?? 0);
}

/** For people. */
export function partitionRange({ from, to }: Partition): string {
	const first = from === null ? 'the beginning' : formatZxid(from as Zxid);
	return `${first} to ${to === null ? 'the end' : formatZxid(to as Zxid)}`;
}
