/** What migrations/describe-schema.ts must say of a database on the server that the specs use. */
import { readFileSync } from 'node:fs';
import { describeSchema } from '#migrations/describe-schema';
import { createDatabase } from './postgres.ts';

export const schemaFile = new URL('../../migrations/schema.sql', import.meta.url);

/** The text of schema.sql. Before PostgreSQL 16 the columns of a view are written with their table's name, also where there is one table only: there it is what schema.sql makes. */
export async function wantedSchema(): Promise<string> {
	const text = readFileSync(schemaFile, 'utf8');
	const made = await createDatabase({ migrate: false });
	try {
		const [server] = await made.query<{ version: number }>(
			`select current_setting('server_version_num')::integer as version`,
		);
		if (server!.version >= 160_000) return text;
		await made.query(text);
		return await describeSchema((sql) => made.query(sql));
	} finally {
		await made.drop();
	}
}
