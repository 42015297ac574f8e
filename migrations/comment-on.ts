import { type Kysely, sql } from 'kysely';

/** Says what things are, in the database itself: each named as `comment on` has it, `table chronokeeper.txn` for instance. */
export async function commentOn(db: Kysely<unknown>, comments: Readonly<Record<string, string>>): Promise<void> {
	for (const [what, text] of Object.entries(comments)) {
		await sql.raw(`comment on ${what} is '${text.replaceAll("'", "''")}'`).execute(db);
	}
}
