/** What clients in other languages are tried on: three replicas with a history, and one that stands alone. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CompiledServer, type ServerAddresses } from '#test/support/compiled-server';
import { type Ensemble, memberLine, startEnsemble } from '#test/support/ensemble';
import { createDatabase, type TestDatabase } from '#test/support/postgres';
import type { RunningProgram } from '#test/support/processes';
import { superUser } from '#test/support/real-zookeeper';

export const protoFolder = fileURLToPath(new URL('../../../proto', import.meta.url));
/** `authorization` of who may do everything. */
export const asSuper = `Basic ${Buffer.from(superUser.auth).toString('base64')}`;

type Alone = RunningProgram & { readonly addresses: ServerAddresses };

/** Of the one that stands alone: its session ids have all 64 bits. */
const highestServerId = 255;

export class LiveServers {
	/** host:port of the gRPC doors of the three, then of the one that stands alone. */
	readonly addresses: readonly string[];
	/** For Reconfig: the line of a server that is not there. */
	readonly joiner: string;
	readonly #ensemble: Ensemble;
	readonly #alone: Alone;
	readonly #database: TestDatabase;
	readonly #compiled: CompiledServer;
	readonly #folder: string;

	private constructor(
		addresses: readonly string[],
		ensemble: Ensemble,
		alone: Alone,
		database: TestDatabase,
		compiled: CompiledServer,
		folder: string,
	) {
		this.addresses = addresses;
		this.joiner = memberLine(ensemble.member(ensemble.members.length).place, 'observer');
		this.#ensemble = ensemble;
		this.#alone = alone;
		this.#database = database;
		this.#compiled = compiled;
		this.#folder = folder;
	}

	static async start(): Promise<LiveServers> {
		const folder = mkdtempSync(join(tmpdir(), 'live-servers-'));
		const dataDir = join(folder, 'alone');
		mkdirSync(dataDir);
		writeFileSync(join(dataDir, 'myid'), `${highestServerId}\n`);
		const database = await createDatabase();
		const compiled = new CompiledServer();
		const ensemble = await startEnsemble({
			members: ['chronokeeper', 'chronokeeper', 'chronokeeper'],
			joiners: ['chronokeeper'],
			isReconfigurable: true,
			// They all load their libraries at once, on a machine that may have other work.
			initLimit: 60,
			syncLimit: 60,
			environment: { CK_AUDIT_MODE: 'async', CK_AUDIT_URL: database.url },
			chronokeeper: [process.execPath, join(compiled.dist, 'apps', 'server', 'main.js')],
			folder,
		});
		const alone = await compiled.start({
			CK_DATA_DIR: dataDir,
			CK_AUDIT_MODE: 'off',
			CK_LOG_FORMAT: 'json',
			CK_TICK_TIME: '500',
		});
		const doors = await Promise.all([1, 2, 3].map((id) => ensemble.member(id).doors()));
		await ensemble.allServe();
		return new LiveServers(
			[...doors.map(({ grpc }) => grpc), alone.addresses.grpc],
			ensemble,
			alone,
			database,
			compiled,
			folder,
		);
	}

	/** As scripts take it. */
	get address(): string {
		return this.addresses.join(',');
	}

	/** As scripts take it. */
	get more(): readonly string[] {
		return [this.joiner];
	}

	get log(): string {
		return `${this.#ensemble.tails()}\n${this.#alone.output}`;
	}

	async stop(): Promise<void> {
		await this.#alone.stop('SIGTERM');
		await this.#ensemble.close();
		await this.#database.drop();
		this.#compiled.remove();
		rmSync(this.#folder, { recursive: true, force: true });
	}
}
