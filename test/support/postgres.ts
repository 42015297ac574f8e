/** A database of its own for each spec file, on the one embedded server of the run. */
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import pg from 'pg';
import { inject } from 'vitest';

export interface TestDatabase {
	readonly url: string;
	/** Rows of a query on a connection of its own pool. */
	query<Row extends object = Record<string, unknown>>(sql: string, parameters?: unknown[]): Promise<Row[]>;
	drop(): Promise<void>;
}

let databases = 0;

/** A new database, by default with the schema in it. Drop it in afterAll. */
export async function createDatabase(options: { migrate?: boolean } = {}): Promise<TestDatabase> {
	const { url: server, template } = await givenServer();
	const name = `test_${process.pid}_${databases++}_${Math.random().toString(36).slice(2, 8)}`;
	await run(server, `create database ${name}${options.migrate === false ? '' : ` template ${template}`}`);
	const url = new URL(server);
	url.pathname = `/${name}`;
	const pool = new pg.Pool({ connectionString: url.href, max: 4 });
	pool.on('error', () => undefined); // Tests kill backends; the query that notices reports it.
	return {
		url: url.href,
		query: async (sql, parameters = []) => (await pool.query(sql, parameters)).rows,
		drop: async () => {
			await pool.end();
			await run(server, `drop database ${name} with (force)`);
		},
	};
}

async function run(url: string, sql: string): Promise<void> {
	const client = new pg.Client({ connectionString: url });
	await client.connect();
	try {
		await client.query(sql);
	} finally {
		await client.end();
	}
}

async function givenServer(): Promise<{ readonly url: string; readonly template: string }> {
	const answer = JSON.parse(await text(connect(inject('postgresSocket')))) as
		| { url: string; template: string }
		| { error: string };
	if ('error' in answer) throw new Error(answer.error);
	return answer;
}
