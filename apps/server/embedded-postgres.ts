/**
 * A real PostgreSQL in `dataDir/postgres` that lives and dies with the replica: on loopback only, with a password of its own, on a port that it keeps. It survives a
 * replica that is killed: the next one takes the server it finds over, or lets PostgreSQL recover. Its URL is in `dataDir/postgres.url`.
 */
import { spawn } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import {
	chmodSync,
	chownSync,
	closeSync,
	existsSync,
	mkdirSync,
	openSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmSync,
	statSync,
	writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type PostgresBinaries, postgresBinaries } from './postgres/binaries.ts';
import { isAlive, runningPostmaster, stopPostmaster } from './postgres/postmaster.ts';
import { commandAs, type RunAs, unprivilegedUser } from './postgres/run-as.ts';

export interface EmbeddedPostgresOptions {
	readonly dataDir: string;
	/** Tried first when the database is made; a free one is taken when somebody else has it. 0: any free one. */
	readonly port: number;
}

const user = 'chronokeeper';
const database = 'chronokeeper';
/** Crash recovery after a kill can take long; while the process lives, it is waited for. */
const startTimeoutMs = 300_000;

export class EmbeddedPostgres {
	readonly #databaseDir: string;
	readonly #urlFile: string;
	readonly #logFile: string;
	readonly #port: number;
	#pid: number | undefined;

	constructor(options: EmbeddedPostgresOptions) {
		this.#databaseDir = join(options.dataDir, 'postgres');
		this.#urlFile = join(options.dataDir, 'postgres.url');
		this.#logFile = join(options.dataDir, 'postgres.log');
		this.#port = options.port;
	}

	get running(): boolean {
		return this.#pid !== undefined && isAlive(this.#pid);
	}

	/**
	 * Makes the database when there is none, starts the server when none runs, and waits until it answers.
	 * @returns its URL, password included.
	 * @throws Error with PostgreSQL's own last words.
	 */
	async start(): Promise<string> {
		const binaries = await postgresBinaries();
		const runAs = unprivilegedUser(this.#databaseDir);
		const orphan = runningPostmaster(this.#databaseDir);
		if (orphan !== undefined) {
			const adopted = await this.#adopt(orphan.pid, orphan.port);
			if (adopted !== undefined) return adopted;
			await stopPostmaster(orphan.pid, 10_000);
		}
		rmSync(join(this.#databaseDir, 'postmaster.pid'), { force: true });
		let url = this.#storedUrl();
		if (!existsSync(join(this.#databaseDir, 'PG_VERSION'))) url = await this.#initialise(binaries, runAs);
		else if (url === undefined) url = await this.#resetPassword(binaries, runAs);
		url = await this.#withFreePort(url);
		await this.#launch(binaries, runAs, url);
		return url.href;
	}

	async stop(timeoutMs = 5000): Promise<void> {
		const pid = this.#pid;
		this.#pid = undefined;
		if (pid !== undefined) await stopPostmaster(pid, timeoutMs);
	}

	/** Undefined when it does not answer to our password: it is then stopped and started anew. */
	async #adopt(pid: number, port: number): Promise<string | undefined> {
		const url = this.#storedUrl();
		if (url === undefined) return undefined;
		url.port = `${port}`;
		try {
			await waitUntilServing(url, () => isAlive(pid), 15_000);
		} catch {
			return undefined;
		}
		this.#pid = pid;
		this.#store(url);
		return url.href;
	}

	async #initialise(binaries: PostgresBinaries, runAs: RunAs | undefined): Promise<URL> {
		// What an interrupted initdb left behind has no PG_VERSION or is not complete: initdb wants an empty directory, and renames nothing.
		rmSync(this.#databaseDir, { recursive: true, force: true });
		const making = `${this.#databaseDir}.new`;
		rmSync(making, { recursive: true, force: true });
		mkdirSync(making, { recursive: true, mode: 0o700 });
		const password = randomBytes(18).toString('base64url');
		const passwordFile = join(making, '..', 'postgres.password');
		writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
		if (runAs !== undefined) {
			chownSync(making, runAs.uid, runAs.gid);
			chownSync(passwordFile, runAs.uid, runAs.gid);
		}
		try {
			const args = ['--pgdata', making, '--username', user, '--pwfile', passwordFile, '--auth', 'scram-sha-256'];
			const more = ['--encoding', 'UTF8', '--locale', 'C'];
			await this.#run(runAs, binaries.initdb, [...args, ...more], [making]);
		} finally {
			rmSync(passwordFile, { force: true });
		}
		const url = new URL(`postgresql://${user}:${password}@127.0.0.1:${this.#port}/${database}`);
		this.#store(url);
		renameSync(making, this.#databaseDir);
		return url;
	}

	/** The file with the password was lost: single-user mode needs none. */
	async #resetPassword(binaries: PostgresBinaries, runAs: RunAs | undefined): Promise<URL> {
		const password = randomBytes(18).toString('base64url');
		const args = ['--single', '-D', this.#databaseDir, 'postgres'];
		await this.#run(runAs, binaries.postgres, args, [this.#databaseDir], `alter role ${user} password '${password}'\n`);
		const url = new URL(`postgresql://${user}:${password}@127.0.0.1:${this.#port}/${database}`);
		this.#store(url);
		return url;
	}

	async #withFreePort(url: URL): Promise<URL> {
		const wanted = Number(url.port);
		const port = wanted !== 0 && (await isFree(wanted)) ? wanted : await freePort();
		if (port !== wanted) {
			url.port = `${port}`;
			this.#store(url);
		}
		return url;
	}

	async #launch(binaries: PostgresBinaries, runAs: RunAs | undefined, url: URL): Promise<void> {
		if (runAs !== undefined) own(this.#databaseDir, runAs);
		const settings = {
			listen_addresses: '127.0.0.1',
			unix_socket_directories: '',
			max_connections: '60',
			max_wal_size: '2GB',
			// A new file of its log takes a commit some 80 ms, a used one nothing: those of a busy time are kept for the next.
			min_wal_size: '512MB',
			shared_buffers: '256MB',
			log_min_messages: 'warning',
		};
		const args = ['-D', this.#databaseDir, '-p', url.port];
		for (const [name, value] of Object.entries(settings)) args.push('-c', `${name}=${value}`);
		const command = commandAs(runAs, binaries.postgres, args, [this.#databaseDir]);
		const log = openSync(this.#logFile, 'w', 0o600);
		// A group of its own: the terminal's Ctrl-C is for the replica, which stops PostgreSQL when the mirror has flushed.
		const { file, args: all, ...ids } = command;
		const child = spawn(file, all, { ...ids, detached: true, stdio: ['ignore', log, log], cwd: '/' });
		closeSync(log);
		let gone: string | undefined;
		child.once('error', (error) => {
			gone = error.message;
		});
		child.once('exit', (code, signal) => {
			gone = `it ended with ${signal ?? `code ${code}`}`;
		});
		child.unref();
		try {
			await waitUntilServing(url, () => gone === undefined, startTimeoutMs);
		} catch (error) {
			if (child.pid !== undefined && gone === undefined) await stopPostmaster(child.pid, 5000);
			throw new Error(
				`the embedded PostgreSQL did not start: ${gone ?? (error as Error).message}. ${this.#lastWords()}`,
			);
		}
		this.#pid = child.pid;
	}

	/** Runs a program to its end. @throws Error with what it said. */
	async #run(runAs: RunAs | undefined, program: string, args: string[], paths: string[], input = ''): Promise<void> {
		const { file, args: all, ...ids } = commandAs(runAs, program, args, paths);
		await new Promise<void>((resolve, reject) => {
			const child = spawn(file, all, {
				...ids,
				detached: true,
				stdio: ['pipe', 'pipe', 'pipe'],
				cwd: '/',
				env: { ...process.env, LC_ALL: 'C' },
			});
			let said = '';
			const hear = (chunk: Buffer) => {
				said = (said + chunk.toString()).slice(-2000);
			};
			child.stdout.on('data', hear);
			child.stderr.on('data', hear);
			child.stdin.on('error', () => undefined);
			child.stdin.end(input);
			child.once('error', reject);
			child.once('close', (code, signal) => {
				if (code === 0) resolve();
				else reject(new Error(`${program} failed with ${signal ?? `code ${code}`}: ${said.trim()}`));
			});
		});
	}

	#storedUrl(): URL | undefined {
		try {
			return new URL(readFileSync(this.#urlFile, 'utf8').trim());
		} catch {
			return undefined;
		}
	}

	#store(url: URL): void {
		const making = `${this.#urlFile}.new`;
		rmSync(making, { force: true });
		writeFileSync(making, `${url.href}\n`, { mode: 0o600 });
		renameSync(making, this.#urlFile);
	}

	#lastWords(): string {
		try {
			const lines = readFileSync(this.#logFile, 'utf8').trim().split('\n').slice(-5);
			return `${this.#logFile} ends: ${lines.join(' | ')}`;
		} catch {
			return '';
		}
	}
}

/** A data directory that was copied by root, or made by another user. */
function own(databaseDir: string, { uid, gid }: RunAs): void {
	const version = join(databaseDir, 'PG_VERSION');
	if (statSync(databaseDir).uid === uid && statSync(version).uid === uid) return;
	chownSync(databaseDir, uid, gid);
	chmodSync(databaseDir, 0o700);
	for (const name of readdirSync(databaseDir, { recursive: true }))
		chownSync(join(databaseDir, String(name)), uid, gid);
}

/** Waits until the database is there and answers; makes it when the server has none yet. */
async function waitUntilServing(url: URL, alive: () => boolean, timeoutMs: number): Promise<void> {
	const { default: pg } = await import('pg');
	const deadline = performance.now() + timeoutMs;
	const server = new URL(url);
	server.pathname = '/postgres';
	for (;;) {
		const client = new pg.Client({ connectionString: server.href, connectionTimeoutMillis: 5000 });
		client.on('error', () => undefined);
		try {
			await client.connect();
			const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [database]);
			if (rowCount === 0) await client.query(`create database ${database}`);
			return;
		} catch (error) {
			if (!alive() || performance.now() > deadline || isFinal(error)) throw error;
		} finally {
			await client.end().catch(() => undefined);
		}
		await sleep(25);
	}
}

/** A wrong password stays wrong. */
function isFinal(error: unknown): boolean {
	return (error as { code?: string }).code === '28P01';
}

function isFree(port: number): Promise<boolean> {
	return new Promise((resolve) => {
		const probe = createServer();
		probe.once('error', () => resolve(false));
		probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
	});
}

/** Below those that the system gives to connections and to who asks for any port: it is bound a moment later, and is to be free at the next start, too. */
async function freePort(): Promise<number> {
	for (;;) {
		const port = randomInt(10_000, 32_000);
		if (await isFree(port)) return port;
	}
}
