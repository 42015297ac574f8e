/** Brings a database's `chronokeeper` schema to the latest version. */
import { Kysely, PostgresDialect } from 'kysely';
import { type MigrationResult, Migrator } from 'kysely/migration';
import pg from 'pg';
import { migrations } from '#migrations/index';
import { buildIndexes } from './concurrent-indexes.ts';
import { lockTimeoutMs, untilLocked } from './short-locks.ts';

export interface MigrationOutcome {
	/** The names of the migrations that were run now; empty when the schema was the latest already. */
	readonly applied: readonly string[];
	/** What the user who migrated may not do and somebody else has to: roles, the publication. */
	readonly notices: readonly string[];
}

export interface MigrateOptions {
	/** The last to be run; all when it is left out. For tests of what follows it. */
	readonly through?: string;
}

/**
 * Each migration is a transaction of its own, so that its locks are not held while the next one runs. A user who does not own the schema (chronokeeper_writer)
 * only looks whether it is the latest.
 * @throws Error naming the migration that failed; the database is then as it was before that one.
 */
export async function migrateToLatest(databaseUrl: string, options: MigrateOptions = {}): Promise<MigrationOutcome> {
	const pool = new pg.Pool({ connectionString: databaseUrl, max: 1, lock_timeout: lockTimeoutMs });
	pool.on('error', () => undefined); // An idle connection that breaks: the next statement reports it.
	const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
	try {
		if (await isLatest(pool)) return { applied: [], notices: [] };
		const wanted = Object.entries(migrations).filter(
			([name]) => options.through === undefined || name <= options.through,
		);
		const migrator = new Migrator({
			db,
			provider: { getMigrations: async () => Object.fromEntries(wanted) },
			migrationTableSchema: 'chronokeeper',
		});
		const applied: string[] = [];
		for (let name = await applyNext(migrator); name !== undefined; name = await applyNext(migrator)) applied.push(name);
		await buildIndexes(pool);
		return { applied, notices: applied.length === 0 ? [] : await setUpAccess(pool) };
	} finally {
		await db.destroy();
	}
}

/** Asks for nothing but what chronokeeper_writer may read. */
async function isLatest(pool: pg.Pool): Promise<boolean> {
	const { rows: schema } = await pool.query<{ there: boolean; owner: boolean }>(
		`select to_regclass('chronokeeper.kysely_migration') is not null as there,
			coalesce((select pg_has_role(c.relowner, 'usage') from pg_class c where c.oid = to_regclass('chronokeeper.kysely_migration')), true) as owner`,
	);
	if (schema[0]!.owner) return false; // Indexes may still be missing.
	const { rows } = await pool.query<{ name: string }>('select name from chronokeeper.kysely_migration');
	const missing = Object.keys(migrations).filter((name) => !rows.some((row) => row.name === name));
	if (missing.length === 0) return true;
	throw new Error(
		`the schema chronokeeper is older than this version (${missing.join(', ')} missing), and this user does not own it: migrate as its owner, with "ck migrate"`,
	);
}

/** @returns its name; undefined when there is none. */
async function applyNext(migrator: Migrator): Promise<string | undefined> {
	return untilLocked(async () => {
		const { error, results } = await migrator.migrateUp();
		if (error !== undefined) throw failure(error, results);
		return results?.[0]?.migrationName;
	});
}

function failure(error: unknown, results: readonly MigrationResult[] | undefined): Error {
	const failed = results?.find((it) => it.status === 'Error')?.migrationName;
	return new Error(`migration ${failed ?? ''} of the audit database failed: ${String(error)}`, { cause: error });
}

async function setUpAccess(pool: pg.Pool): Promise<string[]> {
	const { rows: known } = await pool.query(
		`select to_regprocedure('chronokeeper.set_up_access(text, text)') is not null as known`,
	);
	if (known[0]?.known !== true) return [];
	const { rows } = await pool.query<{ notice: string }>('select chronokeeper.set_up_access() as notice');
	return rows.map((row) => row.notice);
}
