/**
 * One embedded PostgreSQL for the whole run of vitest, started when the first spec asks for a database: specs in other processes ask
 * through a Unix socket. CK_TEST_POSTGRES_URL names a server to use instead (it must be allowed to create databases).
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
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
	let starting: Promise<{ url: string; stop(): Promise<void> }> | undefined;
	const server = createServer((socket) => {
		starting ??= start(directory);
		starting.then(
			({ url }) => socket.end(JSON.stringify({ url })),
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

/** Also for benchmarks, which run outside vitest. The server is in `directory/postgres`. */
export async function start(directory: string): Promise<{ url: string; stop(): Promise<void> }> {
	const given = process.env.CK_TEST_POSTGRES_URL;
	if (given) return { url: given, stop: async () => undefined };
	const postgres = new EmbeddedPostgres({ dataDir: directory, port: 0 });
	return { url: await postgres.start(), stop: () => postgres.stop() };
}
