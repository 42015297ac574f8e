/**
 * One embedded PostgreSQL for the whole run of vitest, started when the first spec asks for a database: specs in other processes ask
 * through a Unix socket. CK_TEST_POSTGRES_URL names a server to use instead (it must be allowed to create databases).
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { migrateToLatest } from '#audit/migrate';
import { EmbeddedPostgres } from '#server/embedded-postgres';

interface Project {
	provide(key: 'postgresSocket', value: string): void;
}

declare module 'vitest' {
	interface ProvidedContext {
		postgresSocket: string;
	}
}

export default async function setup(project: Project): Promise<() => Promise<void>> {
	const directory = await mkdtemp(path.join(tmpdir(), 'ck-postgres-'));
	await chmod(directory, 0o755); // Run as root, PostgreSQL is a user of its own.
	let starting: Promise<TestPostgres> | undefined;
	const server = createServer((socket) => {
		starting ??= startForTests(directory);
		starting.then(
			({ url, template }) => socket.end(JSON.stringify({ url, template })),
			(error: unknown) => socket.end(JSON.stringify({ error: String(error) })),
		);
		socket.on('error', () => socket.destroy());
	});
	const socketPath = path.join(directory, 'ask');
	await new Promise<void>((resolve) => server.listen(socketPath, resolve));
	project.provide('postgresSocket', socketPath);
	return async () => {
		server.close();
		if (starting !== undefined) await starting.then((it) => it.stop()).catch(() => undefined);
		await rm(directory, { recursive: true, force: true });
	};
}

interface TestPostgres {
	readonly url: string;
	/** A database with the schema in it, and nothing else: a copy of it is there much faster than all migrations are run. */
	readonly template: string;
	stop(): Promise<void>;
}

/** What is for machines that lose their power. */
const costly = ['fsync', 'synchronous_commit', 'full_page_writes'];

async function startForTests(directory: string): Promise<TestPostgres> {
	const server = await start(directory);
	// Processes are killed in tests, machines are not: what the kernel has been given is as good as on the disk.
	if (!process.env.CK_TEST_POSTGRES_URL)
		await run(server.url, ...costly.map((setting) => `alter system set ${setting} = off`), 'select pg_reload_conf()');
	const template = `test_template_${process.pid}_${Math.random().toString(36).slice(2, 8)}`;
	await run(server.url, `create database ${template}`);
	const url = new URL(server.url);
	url.pathname = `/${template}`;
	await migrateToLatest(url.href);
	return {
		url: server.url,
		template,
		stop: async () => {
			await run(server.url, `drop database ${template} with (force)`);
			await server.stop();
		},
	};
}

async function run(url: string, ...statements: string[]): Promise<void> {
	const client = new pg.Client({ connectionString: url });
	await client.connect();
	try {
		for (const statement of statements) await client.query(statement);
	} finally {
		await client.end();
	}
}

/** Also for benchmarks, which run outside vitest. The server is in `directory/postgres`. */
export async function start(directory: string): Promise<{ url: string; stop(): Promise<void> }> {
	const given = process.env.CK_TEST_POSTGRES_URL;
	if (given) return { url: given, stop: async () => undefined };
	const postgres = new EmbeddedPostgres({ dataDir: directory, port: 0 });
	return { url: await postgres.start(), stop: () => postgres.stop() };
}
