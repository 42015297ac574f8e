/** Where the mirror writes: the operator's own PostgreSQL, or the embedded one, which is started here and stopped with the replica. */
import type { ServerConfig } from '../config/config.ts';
import { EmbeddedPostgres } from '../embedded-postgres.ts';

export interface Database {
	readonly embedded: boolean;
	/** @returns the URL when the database answers. @throws Error saying what is wrong and what to do. */
	open(): Promise<string>;
	/** Whether it has ended by itself and must be opened again. */
	readonly gone: boolean;
	close(): Promise<void>;
}

const oldestSupported = 140_000;

export function databaseOf(config: ServerConfig): Database {
	const url = config['audit.url'];
	return url === '' ? embedded(config) : operators(url);
}

function embedded(config: ServerConfig): Database {
	const postgres = new EmbeddedPostgres({ dataDir: config.dataDir, port: config['audit.postgresPort'] });
	let opened = false;
	return {
		embedded: true,
		async open() {
			const url = await postgres.start();
			opened = true;
			return url;
		},
		get gone() {
			return opened && !postgres.running;
		},
		close: () => postgres.stop(),
	};
}

function operators(url: string): Database {
	return {
		embedded: false,
		async open() {
			await checkVersion(url);
			return url;
		},
		gone: false,
		async close() {},
	};
}

/** @throws Error naming the server, without its password. */
export async function checkVersion(url: string): Promise<void> {
	const { default: pg } = await import('pg');
	const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5000 });
	client.on('error', () => undefined);
	const shown = withoutPassword(url);
	try {
		await client.connect();
		const { rows } = await client.query(
			"select current_setting('server_version_num')::int as number, current_setting('server_version') as version, getdatabaseencoding() as encoding",
		);
		const { number, version, encoding } = rows[0] as { number: number; version: string; encoding: string };
		if (number < oldestSupported) {
			throw new Error(`it is PostgreSQL ${version}, and the mirror needs 14 or newer`);
		}
		if (encoding !== 'UTF8') throw new Error(`the database has the encoding ${encoding}, and the mirror needs UTF8`);
	} catch (error) {
		throw new Error(`the PostgreSQL at ${shown} (audit.url) cannot be used: ${messageOf(error)}`, { cause: error });
	} finally {
		await client.end().catch(() => undefined);
	}
}

/** A refused connection to a name with several addresses has its reasons inside only. */
function messageOf(error: unknown): string {
	if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join(', ');
	return error instanceof Error ? error.message : String(error);
}

export function withoutPassword(url: string): string {
	const parsed = new URL(url);
	if (parsed.password !== '') parsed.password = '***';
	return parsed.href;
}
