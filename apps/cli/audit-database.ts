/** The commands that ask PostgreSQL: which database, and its errors in words. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { History } from '#audit/history';
import { Failure } from './failure.ts';
import { packageRoot } from './package-root.ts';
import type { DatabaseOptions } from './shared-options.ts';

/**
 * The URL of --database or CK_AUDIT_URL; without them that of the embedded PostgreSQL, which a replica writes into its data directory.
 * @throws Failure saying what to do when there is none.
 */
export function databaseUrl(options: DatabaseOptions): string {
	if (options.database !== undefined) return options.database;
	const directories = options.dataDir === undefined ? ['data', join(packageRoot(), 'data')] : [options.dataDir];
	for (const directory of directories) {
		const url = readUrl(join(directory, 'postgres.url'));
		if (url !== undefined) return url;
	}
	throw new Failure(
		`which database? There is no ${join(directories[0]!, 'postgres.url')}, where a replica notes its embedded PostgreSQL`,
		'Name it with --database postgresql://… (or CK_AUDIT_URL), or the dataDir of a replica with --data-dir (or CK_DATA_DIR).',
	);
}

function readUrl(file: string): string | undefined {
	try {
		return readFileSync(file, 'utf8').trim();
	} catch (error) {
		const { code, message } = error as NodeJS.ErrnoException;
		if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
		throw new Failure(
			`${file} cannot be read: ${message}`,
			'It holds a password: only the user who runs the replica may read it.',
		);
	}
}

/** Runs `use` with the database's URL. What PostgreSQL says when it cannot be reached or asked becomes a Failure. */
export async function withDatabase<T>(options: DatabaseOptions, use: (url: string) => Promise<T>): Promise<T> {
	const url = databaseUrl(options);
	try {
		return await use(url);
	} catch (error) {
		throw failureOf(error, url, options);
	}
}

function failureOf(error: unknown, url: string, options: DatabaseOptions): unknown {
	if (!(error instanceof Error) || error instanceof Failure) return error;
	const place = placeOf(url);
	const code = codeOf(error);
	// The rooms behind the commands explain what is wrong with what they were given; a TypeError and its like are defects.
	if (code === undefined) return isExplained(error) ? new Failure(error.message) : error;
	if (/^(ECONN|ENOTFOUND|EHOST|ETIMEDOUT|EAI_|ENETUNREACH)/.test(code)) {
		const embedded =
			options.database !== undefined
				? 'Is it running, and are host and port right?'
				: 'The embedded PostgreSQL runs while its replica does: start it with `npm start` (or `ck server`), or name another with --database.';
		return new Failure(`cannot reach PostgreSQL at ${place}: ${code}`, embedded);
	}
	const advice = adviceByState[code];
	if (advice !== undefined) return new Failure(`PostgreSQL at ${place}: ${error.message}`, advice);
	// The functions of the schema explain themselves: a zxid ahead of the mirror, one in a gap, bad text.
	if (code === '22023' || code === 'P0002') return new Failure(error.message);
	return /^[0-9A-Z]{5}$/.test(code) ? new Failure(`PostgreSQL at ${place}: ${error.message} (${code})`) : error;
}

/** The code of the system or of PostgreSQL, from wherever in the chain of causes it is. */
function codeOf(error: unknown): string | undefined {
	if (!(error instanceof Error)) return undefined;
	const { code } = error as { code?: unknown };
	if (typeof code === 'string') return code;
	if (error instanceof AggregateError) return codeOf(error.errors[0]);
	return codeOf(error.cause);
}

function isExplained(error: Error): boolean {
	return !(error instanceof TypeError || error instanceof ReferenceError || error instanceof SyntaxError);
}

const noSchema = 'It holds no history yet: a running replica fills it, or `ck import DIR`.';
const adviceByState: Readonly<Record<string, string>> = {
	'28P01': 'See whether user and password are right.',
	'28000': 'See whether user and password are right.',
	'3D000': 'See whether the name of the database is right.',
	'3F000': noSchema,
	'42P01': noSchema,
	'42883': noSchema,
	'42501': 'This user may not read the schema chronokeeper.',
	'57P03': 'It is just starting or stopping: try again in a moment.',
};

/** Without user and password. */
function placeOf(url: string): string {
	const { hostname, port, pathname } = new URL(url);
	return `${hostname}:${port === '' ? '5432' : port}${pathname}`;
}

/** Runs `use` with the history of the database, and closes it. */
export function withHistory<T>(
	options: DatabaseOptions,
	use: (history: History, url: string) => Promise<T>,
): Promise<T> {
	return withDatabase(options, async (url) => {
		const { History } = await import('#audit/history');
		const history = new History(url);
		try {
			const { zxid } = await history.position();
			if (zxid === null) throw new Failure(`the database ${placeOf(url)} is empty`, noSchema);
			return await use(history, url);
		} finally {
			await history.close();
		}
	});
}
