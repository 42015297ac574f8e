/** How far a database is, for a replica whose mirror stands by. */
import pg from 'pg';
import { type Zxid, zeroZxid } from '#core/model/zxid';
import { readCursor } from './batch-writer.ts';

/** 0 when no mirror has begun there. @throws when it does not answer */
export async function mirroredIn(databaseUrl: string): Promise<Zxid> {
	const client = new pg.Client({
		connectionString: databaseUrl,
		application_name: 'chronokeeper mirror, standing by',
		connectionTimeoutMillis: 5_000,
	});
	client.on('error', () => undefined); // The statement under way reports it.
	await client.connect();
	try {
		const { rows } = await client.query<{ there: boolean }>(
			"select to_regclass('chronokeeper.mirror_cursor') is not null as there",
		);
		return rows[0]?.there === true ? ((await readCursor(client)).zxid ?? zeroZxid) : zeroZxid;
	} finally {
		await client.end().catch(() => undefined);
	}
}
