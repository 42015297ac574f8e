/** Three replicas as processes, a PostgreSQL of their own that can be stopped, killed and started again, and those who write. */
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { ChronokeeperClient } from '#client/client';
import type { StatusResponse } from '#proto/chronokeeper/v1/admin';
import { EmbeddedPostgres } from '#server/embedded-postgres';
import type { CompiledServer, ServerAddresses } from './compiled-server.ts';
import { eventually } from './ensemble-wait.ts';
import { freePort, type RunningProgram } from './processes.ts';

export const memberIds = [1, 2, 3] as const;

export interface RunningMember {
	readonly program: RunningProgram & { readonly addresses: ServerAddresses };
	readonly client: ChronokeeperClient;
}

export class MirroredEnsemble {
	readonly running = new Map<number, RunningMember>();
	/** What the next members are started with on top of the usual. */
	settings = '';
	readonly #folder: string;
	readonly #compiled: CompiledServer;
	readonly #databaseUrl: string;
	#members = '';

	constructor(folder: string, compiled: CompiledServer, databaseUrl: string) {
		this.#folder = folder;
		this.#compiled = compiled;
		this.#databaseUrl = databaseUrl;
	}

	dataDirOf(id: number): string {
		return join(this.#folder, `server${id}`);
	}

	async start(): Promise<void> {
		const lines = [];
		for (const id of memberIds) lines.push(`server.${id}=127.0.0.1:${await freePort()}:${await freePort()}`);
		this.#members = lines.join('\n');
		await Promise.all(memberIds.map((id) => this.startMember(id)));
	}

	async startMember(id: number): Promise<void> {
		const dataDir = this.dataDirOf(id);
		mkdirSync(dataDir, { recursive: true });
		writeFileSync(join(dataDir, 'myid'), `${id}\n`);
		const file = join(this.#folder, `zoo${id}.cfg`);
		const limits = 'tickTime=500\ninitLimit=20\nsyncLimit=6';
		writeFileSync(file, `dataDir=${dataDir}\n${limits}\n${this.#members}\n${this.settings}\n`);
		const program = await this.#compiled.start({ CK_CONFIG: file, CK_AUDIT_URL: this.#databaseUrl });
		const client = new ChronokeeperClient({ address: program.addresses.grpc, timeoutMs: 5000 });
		this.running.set(id, { program, client });
	}

	async end(id: number, signal: NodeJS.Signals): Promise<RunningProgram> {
		const { program, client } = this.running.get(id)!;
		this.running.delete(id);
		client.close();
		await program.stop(signal);
		return program;
	}

	/** The one that leads and serves. */
	leader(): Promise<{ readonly id: number; readonly status: StatusResponse } & RunningMember> {
		return eventually('a replica leads', async () => {
			for (const [id, one] of this.running) {
				const status = await one.client.status();
				if (status.role === 'leader' && status.ready) return { id, status, ...one };
			}
			return undefined;
		});
	}

	statuses(): Promise<StatusResponse[]> {
		return Promise.all([...this.running.values()].map(({ client }) => client.status()));
	}

	async stop(): Promise<void> {
		await Promise.all([...this.running.keys()].map((id) => this.end(id, 'SIGTERM')));
	}
}

/** A PostgreSQL of its own, which can be stopped and started again. */
export class OwnPostgres {
	readonly url: string;
	readonly #dataDir: string;
	readonly #server: EmbeddedPostgres;

	private constructor(url: string, dataDir: string, server: EmbeddedPostgres) {
		this.url = url;
		this.#dataDir = dataDir;
		this.#server = server;
	}

	static async make(folder: string): Promise<OwnPostgres> {
		const dataDir = join(folder, 'postgres-of-its-own');
		mkdirSync(dataDir);
		// Run as root, PostgreSQL is a user of its own.
		chmodSync(folder, 0o755);
		const server = new EmbeddedPostgres({ dataDir, port: 0 });
		return new OwnPostgres(await server.start(), dataDir, server);
	}

	async query<Row extends object>(sql: string, parameters: unknown[] = []): Promise<Row[]> {
		const client = new pg.Client({ connectionString: this.url });
		client.on('error', () => undefined); // The query that notices reports it.
		await client.connect();
		try {
			return (await client.query(sql, parameters)).rows as Row[];
		} finally {
			await client.end();
		}
	}

	/** Ends the connections of mirrors. @returns how many there were */
	async endConnections(): Promise<number> {
		const ended = await this.query(
			"select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'chronokeeper mirror'",
		);
		return ended.length;
	}

	stop(): Promise<void> {
		return this.#server.stop();
	}

	/** Ends the process of one mirror's connection as the kernel does when memory is short: PostgreSQL ends all connections and recovers. */
	async killBackend(): Promise<boolean> {
		const [backend] = await this.query<{ pid: number }>(
			"select pid from pg_stat_activity where application_name = 'chronokeeper mirror' order by random() limit 1",
		);
		if (backend === undefined) return false;
		process.kill(backend.pid, 'SIGKILL');
		return true;
	}

	/** Kills the server, and waits until none of its processes is left. */
	async kill(): Promise<void> {
		const [line] = readFileSync(join(this.#dataDir, 'postgres', 'postmaster.pid'), 'utf8').split('\n');
		const postmaster = Number(line);
		const own = childrenOf(postmaster);
		process.kill(postmaster, 'SIGKILL');
		await eventually('every process of PostgreSQL is gone', () => ![postmaster, ...own].some(isThere));
	}

	async start(): Promise<void> {
		const url = await this.#server.start();
		if (url !== this.url) throw new Error(`PostgreSQL is at ${url} now, and was at ${this.url}`);
	}
}

/** Creates nodes until it is told to stop, several at a time, by whichever replica answers. */
export class Writers {
	static #generations = 0;
	readonly #generation = Writers.#generations++;
	/** Paths whose creation was acknowledged, with their zxids. */
	readonly acknowledged = new Map<string, bigint>();
	#isOver = false;
	readonly #all: Promise<void>[];

	readonly #ensemble: MirroredEnsemble;

	constructor(ensemble: MirroredEnsemble, count: number) {
		this.#ensemble = ensemble;
		this.#all = Array.from({ length: count }, (_, writer) => this.#write(writer));
	}

	async stop(): Promise<void> {
		this.#isOver = true;
		await Promise.all(this.#all);
	}

	async #write(writer: number): Promise<void> {
		let i = 0;
		const create = async (): Promise<boolean> => {
			if (this.#isOver) return true;
			const clients = [...this.#ensemble.running.values()];
			const path = `/g${this.#generation}-w${writer}-${i++}`;
			const { zxid } = await clients[(writer + i) % clients.length]!.client.create(path, Buffer.from(path));
			this.acknowledged.set(path, zxid);
			return true;
		};
		// Of one that was killed or looks for a leader, nobody knows: it is not counted, and the next one is tried after a moment.
		while (!this.#isOver) await eventually('a write is acknowledged', create);
	}
}

function childrenOf(pid: number): number[] {
	const numbers = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
	return numbers.map(Number).filter((child) => parentOf(child) === pid);
}

function parentOf(pid: number): number | undefined {
	try {
		// The name in parentheses may hold anything.
		const status = readFileSync(`/proc/${pid}/stat`, 'latin1');
		return Number(status.slice(status.lastIndexOf(')') + 2).split(' ')[1]);
	} catch {
		return undefined; // It has ended meanwhile.
	}
}

/** A zombie is gone: nothing of it is left but its number. */
function isThere(pid: number): boolean {
	try {
		return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
	} catch {
		return false;
	}
}
