/**
 * Real ZooKeeper 3.8 servers as one ensemble on loopback. Some members may be left to the test, which plays them or starts a replica of
 * ours in their place. Servers can be killed and started again; all is gone after close().
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { askWord } from './four-letter-word.ts';
import { freePorts, RunningProgram } from './processes.ts';
import { javaOptions, requireRealZooKeeper, superUser } from './real-zookeeper.ts';

const host = '127.0.0.1';

export interface EnsembleMember {
	readonly id: number;
	readonly role: 'participant' | 'observer';
	/** All on 127.0.0.1. */
	readonly quorumPort: number;
	readonly electionPort: number;
	readonly clientPort: number;
	/** Its version-2 is in there, and myid; made when it starts for the first time. */
	readonly dataDir: string;
}

export interface RealEnsembleOptions {
	/** Ids 1 to so many, 3 unless given. */
	readonly participants?: number;
	/** Ids of observers beside them. */
	readonly observers?: readonly number[];
	/** Members that the test plays: they have their lines and ports, and start() leaves them out. */
	readonly absent?: readonly number[];
	/** Java system properties on top of the usual ones. */
	readonly properties?: Readonly<Record<string, string>>;
	/** zoo.cfg lines on top of the usual ones. */
	readonly config?: Readonly<Record<string, string | number>>;
}

export type Mode = 'leader' | 'follower' | 'observer';

export class RealEnsemble {
	readonly members: ReadonlyMap<number, EnsembleMember>;
	/** `server.1=127.0.0.1:…`, without the client's address: each has its own clientPort line. */
	readonly serverLines: readonly string[];
	private readonly folder: string;
	private readonly options: RealEnsembleOptions;
	private readonly programs = new Map<number, RunningProgram>();
	/** Should the test end before it closes the ensemble. */
	private readonly onExit = (): void => this.abandon();

	private constructor(folder: string, members: readonly EnsembleMember[], options: RealEnsembleOptions) {
		this.folder = folder;
		this.members = new Map(members.map((member) => [member.id, member]));
		this.options = options;
		this.serverLines = members.map(
			({ id, role, quorumPort, electionPort }) =>
				`server.${id}=${host}:${quorumPort}:${electionPort}${role === 'observer' ? ':observer' : ''}`,
		);
	}

	/** Ports and directories, and nothing started yet. */
	static async create(options: RealEnsembleOptions = {}): Promise<RealEnsemble> {
		requireRealZooKeeper();
		const participants = Array.from({ length: options.participants ?? 3 }, (_, index) => index + 1);
		const observers = options.observers ?? [];
		const ids = [...participants, ...observers];
		const ports = await freePorts(3 * ids.length);
		const folder = mkdtempSync(join(tmpdir(), 'real-ensemble-'));
		const members = ids.map((id, index) => ({
			id,
			role: observers.includes(id) ? ('observer' as const) : ('participant' as const),
			quorumPort: ports[3 * index]!,
			electionPort: ports[3 * index + 1]!,
			clientPort: ports[3 * index + 2]!,
			dataDir: join(folder, String(id)),
		}));
		const ensemble = new RealEnsemble(folder, members, options);
		process.once('exit', ensemble.onExit);
		return ensemble;
	}

	/** All members but the absent ones; they serve when this resolves. @throws with their logs when they do not */
	static async start(options: RealEnsembleOptions = {}): Promise<RealEnsemble> {
		const ensemble = await RealEnsemble.create(options);
		try {
			for (const id of ensemble.present) ensemble.launch(id);
			await ensemble.serving(...ensemble.present);
			return ensemble;
		} catch (error) {
			await ensemble.close();
			throw error;
		}
	}

	private get present(): number[] {
		return [...this.members.keys()].filter((id) => !this.options.absent?.includes(id));
	}

	get running(): readonly number[] {
		return [...this.programs].filter(([, program]) => program.exitCode === null).map(([id]) => id);
	}

	member(id: number): EnsembleMember {
		const member = this.members.get(id);
		if (!member) throw new Error(`no member ${id}, only ${[...this.members.keys()].join(', ')}`);
		return member;
	}

	/** For clients: `127.0.0.1:…,127.0.0.1:…`, of all members unless some are named. */
	connectString(...ids: number[]): string {
		const named = ids.length > 0 ? ids : [...this.members.keys()];
		return named.map((id) => `${host}:${this.member(id).clientPort}`).join(',');
	}

	/** Starts a server, again or for the first time, on the data it has. It does not serve yet when this returns. */
	launch(id: number): void {
		if (this.running.includes(id)) throw new Error(`server ${id} runs already`);
		const file = this.writeConfig(this.member(id));
		const properties = {
			'zookeeper.extendedTypesEnabled': 'true',
			'zookeeper.forceSync': 'no',
			'zookeeper.DigestAuthenticationProvider.superDigest': superUser.digest,
			...this.options.properties,
		};
		const args = ['-Xmx256m', ...javaOptions(properties), 'org.apache.zookeeper.server.quorum.QuorumPeerMain', file];
		this.programs.set(id, new RunningProgram('java', args));
	}

	/** Resolves when these servers serve clients, all running ones unless some are named. @throws with the log of one that does not */
	async serving(...ids: number[]): Promise<void> {
		const named = ids.length > 0 ? ids : this.running;
		await Promise.all(
			named.map((id) =>
				vi
					.waitFor(
						async () => {
							if ((await this.mode(id)) === null) throw new Error(`server ${id} does not serve`);
						},
						{ timeout: 60_000, interval: 50 },
					)
					.catch((error: unknown) => {
						throw new Error(`server ${id} does not serve:\n${this.log(id)}`, { cause: error });
					}),
			),
		);
	}

	/** Null when it does not run or does not serve. */
	async mode(id: number): Promise<Mode | null> {
		const answer = await this.word(id, 'srvr').catch(() => '');
		return (/^Mode: (leader|follower|observer)$/m.exec(answer)?.[1] as Mode | undefined) ?? null;
	}

	/** Waits until one of the running servers leads. @returns its id */
	leader(): Promise<number> {
		return vi.waitFor(
			async () => {
				for (const id of this.running) if ((await this.mode(id)) === 'leader') return id;
				throw new Error(`none of the servers ${this.running.join(', ')} leads`);
			},
			{ timeout: 60_000, interval: 50 },
		);
	}

	/** The answer to a four-letter word. @throws when nobody listens */
	word(id: number, word: string): Promise<string> {
		return askWord(this.member(id).clientPort, word);
	}

	/** The lines of `mntr`. */
	async monitor(id: number): Promise<Map<string, string>> {
		const lines = (await this.word(id, 'mntr')).trimEnd().split('\n');
		return new Map(lines.map((line) => line.split('\t') as [string, string]));
	}

	/** Everything that the server said since it was last launched. */
	log(id: number): string {
		return this.programs.get(id)?.output ?? '';
	}

	/** Resolves when the server's log since its last launch has such a line. */
	async logged(id: number, pattern: RegExp): Promise<RegExpExecArray> {
		const program = this.programs.get(id);
		if (!program) throw new Error(`server ${id} was not started`);
		return program.waitFor(pattern);
	}

	/** kill -9. */
	kill(id: number): Promise<void> {
		return this.stop(id, 'SIGKILL');
	}

	async stop(id: number, signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
		await this.programs.get(id)?.stop(signal);
	}

	/** launch() and serving(). */
	async restart(id: number): Promise<void> {
		this.launch(id);
		await this.serving(id);
	}

	/** Ends every server and removes what they wrote. */
	async close(): Promise<void> {
		await Promise.allSettled([...this.programs.keys()].map((id) => this.kill(id)));
		process.off('exit', this.onExit);
		rmSync(this.folder, { recursive: true, force: true });
	}

	private abandon(): void {
		for (const id of this.running) process.kill(this.programs.get(id)!.pid, 'SIGKILL');
		rmSync(this.folder, { recursive: true, force: true });
	}

	/** Once only: with reconfiguration a server rewrites its file. */
	private writeConfig(member: EnsembleMember): string {
		const file = join(this.folder, `zoo-${member.id}.cfg`);
		if (this.programs.has(member.id)) return file;
		mkdirSync(member.dataDir, { recursive: true });
		writeFileSync(join(member.dataDir, 'myid'), `${member.id}\n`);
		const config = {
			tickTime: 500,
			initLimit: 10,
			syncLimit: 5,
			dataDir: member.dataDir,
			clientPort: member.clientPort,
			clientPortAddress: host,
			maxClientCnxns: 0,
			snapCount: 100_000,
			preAllocSize: 1024,
			'admin.enableServer': false,
			'4lw.commands.whitelist': '*',
			...(member.role === 'observer' ? { peerType: 'observer' } : {}),
			...this.options.config,
		};
		const lines = [...Object.entries(config).map(([key, value]) => `${key}=${value}`), ...this.serverLines];
		writeFileSync(file, lines.map((line) => `${line}\n`).join(''));
		return file;
	}
}
