/** One server of an ensemble: Apache ZooKeeper 3.8 or Chronokeeper, on a data directory that either kind can go on with. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from './ensemble-wait.ts';
import { askMember, type MemberStatus, type Mode, parseDigests, parseMonitor, parseStatus } from './ensemble-words.ts';
import { tailOf } from './evidence.ts';
import { RunningProgram } from './processes.ts';
import { javaOptions, superUser } from './real-zookeeper.ts';

const ensembleThread =
	/^"(?:QuorumPeer\[|SyncThread|CommitProcessor|FollowerRequestProcessor|ProcessThread|RequestThrottler|LearnerHandler|WorkerReceiver)[^"]*"/;
const framesShown = 6;

export type MemberKind = 'zookeeper' | 'chronokeeper';

/** Where a member is; it keeps this whatever kind it is. */
export interface MemberPlace {
	readonly id: number;
	readonly role: 'participant' | 'observer';
	readonly host: string;
	readonly clientPort: number;
	readonly quorumPort: number;
	readonly electionPort: number;
	/** Its zoo.cfg, and data in `data`. */
	readonly folder: string;
	/** A command that runs what follows it, such as one that enters a network namespace; it becomes that program. */
	readonly wrapper: readonly string[];
}

/** What all members of one ensemble have in common. */
export interface MemberSettings {
	/** zoo.cfg, `server.N` lines included. */
	config(place: MemberPlace): readonly string[];
	/** Servers rewrite their zoo.cfg when they are reconfigured, and start with what they find there; it is written once. */
	readonly isReconfigurable: boolean;
	/** Java system properties of ZooKeeper's members on top of the usual ones. */
	readonly properties: Readonly<Record<string, string>>;
	readonly javaFlags: readonly string[];
	/** The command that runs Chronokeeper's server, without arguments. */
	chronokeeper(): readonly [string, ...string[]];
	/** Environment of Chronokeeper's members. */
	readonly environment: Readonly<Record<string, string>>;
}

export class EnsembleMember {
	readonly place: MemberPlace;
	kind: MemberKind;
	readonly #settings: MemberSettings;
	#program: RunningProgram | undefined;
	readonly #lives: { readonly kind: MemberKind; readonly program: RunningProgram }[] = [];
	#isPaused = false;
	#isConfigured = false;

	constructor(place: MemberPlace, kind: MemberKind, settings: MemberSettings) {
		this.place = place;
		this.kind = kind;
		this.#settings = settings;
		mkdirSync(this.dataDir, { recursive: true });
		writeFileSync(join(this.dataDir, 'myid'), `${place.id}\n`);
	}

	get id(): number {
		return this.place.id;
	}

	/** host:port for clients. */
	get address(): string {
		return `${this.place.host}:${this.place.clientPort}`;
	}

	get dataDir(): string {
		return join(this.place.folder, 'data');
	}

	get configFile(): string {
		return join(this.place.folder, 'zoo.cfg');
	}

	get isRunning(): boolean {
		return this.#program?.exitCode === null;
	}

	get isPaused(): boolean {
		return this.#isPaused;
	}

	/** @throws when it was never started */
	get pid(): number {
		if (this.#program === undefined) throw new Error(`member ${this.id} was never started`);
		return this.#program.pid;
	}

	/** Each time that it was started: as what, and what it said. */
	get lives(): readonly { readonly kind: MemberKind; readonly log: string }[] {
		return this.#lives.map(({ kind, program }) => ({ kind, log: program.output }));
	}

	/** What it has been, and is. */
	get kinds(): ReadonlySet<MemberKind> {
		return new Set([this.kind, ...this.#lives.map(({ kind }) => kind)]);
	}

	/** Of all its lives. */
	get log(): string {
		return this.lives.map(({ log }) => log).join('');
	}

	/** Its process; it may not serve yet. */
	launch(): void {
		if (this.isRunning) throw new Error(`member ${this.id} runs already`);
		const [program, ...args] = [...this.place.wrapper, ...this.#command()] as [string, ...string[]];
		const environment = this.kind === 'chronokeeper' ? this.#environment() : {};
		this.#program = new RunningProgram(program, args, {
			cwd: this.place.folder,
			env: environment,
			name: `member ${this.id}, ${this.kind}`,
		});
		this.#lives.push({ kind: this.kind, program: this.#program });
	}

	#command(): readonly string[] {
		const { role, host, clientPort } = this.place;
		const file = this.configFile;
		const { isReconfigurable } = this.#settings;
		const own = [
			`dataDir=${this.dataDir}`,
			// A reconfigurable one has it in its server.N line.
			...(isReconfigurable ? [] : [`clientPort=${clientPort}`, `clientPortAddress=${host}`]),
			...(role === 'observer' ? ['peerType=observer'] : []),
		];
		// Otherwise written anew each time: the kind may be another one now.
		if (!isReconfigurable || !this.#isConfigured)
			writeFileSync(file, `${[...own, ...this.#settings.config(this.place)].join('\n')}\n`);
		this.#isConfigured = true;
		if (this.kind === 'chronokeeper') return [...this.#settings.chronokeeper(), '--config', file];
		const properties = {
			'zookeeper.extendedTypesEnabled': 'true',
			'zookeeper.DigestAuthenticationProvider.superDigest': superUser.digest,
			...this.#settings.properties,
		};
		const main = 'org.apache.zookeeper.server.quorum.QuorumPeerMain';
		return ['java', ...this.#settings.javaFlags, ...javaOptions(properties), main, file];
	}

	#environment(): Record<string, string> {
		return {
			CK_GRPC_PORT: '0',
			CK_HTTP_PORT: '0',
			CK_AUDIT_MODE: 'off',
			CK_LOG_FORMAT: 'json',
			CK_EXTENDED_TYPES_ENABLED: 'true',
			CK_DIGEST_AUTHENTICATION_PROVIDER_SUPER_DIGEST: superUser.digest,
			...this.#settings.environment,
		};
	}

	/** Ends it, also when it is paused. @returns once the process is gone */
	async stop(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
		if (this.#program === undefined) return;
		if (signal === 'SIGTERM') this.proceed();
		this.#isPaused = false;
		await this.#program.stop(signal);
	}

	/** SIGSTOP: its connections stay open and nothing moves on them. */
	pause(): void {
		process.kill(this.pid, 'SIGSTOP');
		this.#isPaused = true;
	}

	/** SIGCONT. */
	proceed(): void {
		if (!this.#isPaused) return;
		process.kill(this.pid, 'SIGCONT');
		this.#isPaused = false;
	}

	word(word: string): Promise<string> {
		return askMember(this.place.host, this.place.clientPort, word);
	}

	/** Undefined when it does not run or does not serve. */
	async status(): Promise<MemberStatus | undefined> {
		if (!this.isRunning || this.#isPaused) return undefined;
		try {
			return parseStatus(await this.word('srvr'));
		} catch {
			return undefined;
		}
	}

	async mode(): Promise<Mode | undefined> {
		return (await this.status())?.mode;
	}

	/** Of Chronokeeper: where its gRPC and its HTTP door are. */
	async doors(): Promise<{ readonly grpc: string; readonly http: string }> {
		const [line] = await this.#program!.waitFor(/^\{.*"msg":"serving"\}$/m);
		return JSON.parse(line);
	}

	async monitor(): Promise<Map<string, string>> {
		return parseMonitor(await this.word('mntr'));
	}

	async digests(): Promise<Map<bigint, string>> {
		return parseDigests(await this.word('hash'));
	}

	/** @throws with its log when it ends instead, or does not come to it */
	async serving(timeoutMs = 60_000): Promise<MemberStatus> {
		try {
			const found = await eventually<MemberStatus | 'ended' | undefined>(
				`member ${this.id} (${this.kind}) serves`,
				// That it has ended is no reason to ask again.
				() => (this.isRunning ? this.status() : 'ended'),
				timeoutMs,
			);
			if (found === 'ended') throw new Error(`member ${this.id} (${this.kind}) has ended`);
			return found;
		} catch (error) {
			throw new Error(`${(error as Error).message}\n${this.tail()}`, { cause: error });
		}
	}

	/** Where the threads of a ZooKeeper are that take part in the ensemble, for messages: the JVM says it in its log. Empty for others, and when it says nothing. */
	async stacks(): Promise<string> {
		if (this.kind !== 'zookeeper' || !this.isRunning || this.#isPaused) return '';
		const program = this.#program!;
		const from = program.output.length;
		process.kill(program.pid, 'SIGQUIT');
		await program.waitFor(/^JNI global refs/m, 5000).catch(() => undefined);
		const threads = program.output.slice(from).split('\n\n');
		const shown = threads.flatMap((thread) => {
			const [title = '', ...frames] = thread.trim().split('\n');
			const name = ensembleThread.exec(title)?.[0];
			const own = frames.filter((frame) => frame.includes('at org.apache.')).slice(0, framesShown);
			return name === undefined ? [] : [`${name}\n${own.join('\n')}`];
		});
		return shown.length === 0 ? '' : `--- threads of member ${this.id}:\n${shown.join('\n')}`;
	}

	/** The end of its log, for messages. */
	tail(lines?: number): string {
		return `--- member ${this.id}, ${this.kind}:\n${tailOf(this.log, lines)}`;
	}
}
