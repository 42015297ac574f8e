/** Brings a database's `chronokeeper` schema to the latest version. */
import { Kysely, PostgresDialect } from 'kysely';
import { Migrator } from 'kysely/migration';
import pg from 'pg';
import { migrations } from '#migrations/index';

export interface MigrationOutcome {
	/** The names of the migrations that were run now; empty when the schema was the latest already. */
	readonly applied: readonly string[];
}

/** @throws Error naming the migration that failed; the database is then as it was before. */
export async function migrateToLatest(databaseUrl: string): Promise<MigrationOutcome> {
	const db = new Kysely<unknown>({
		dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: databaseUrl, max: 1 }) }),
	});
	try {
		const migrator = new Migrator({
			db,
			provider: { getMigrations: async () => ({ ...migrations }) },
			migrationTableSchema: 'chronokeeper',
		});
		const { error, results } = await migrator.migrateToLatest();
		if (error !== undefined) {
			const failed = results?.find((it) => it.status === 'Error')?.migrationName;
			throw new Error(`migration ${failed ?? ''} of the audit database failed: ${String(error)}`, { cause: error });
		}
		return { applied: (results ?? []).map((it) => it.migrationName) };
	} finally {
		await db.destroy();
	}
}
