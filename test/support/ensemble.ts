/**
 * An ensemble of servers as processes, each of them Apache ZooKeeper 3.8 or Chronokeeper, on loopback or in a network of its own: started,
 * killed, paused, started again, exchanged for the other kind on its own data directory, and compared with each other.
 *
 *     await using ensemble = await startEnsemble({ members: ['zookeeper', 'chronokeeper', 'zookeeper'] });
 *
 * Everything ends and goes with it, also when the test fails. With ENSEMBLE_LOGS=DIR what members said and wrote is kept there; ENSEMBLE_SERVER=DIR is a compiled server (dist) to
 * use instead of one from the sources as they are.
 */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { CompiledServer } from './compiled-server.ts';
import { EnsembleMember, type MemberKind, type MemberPlace } from './ensemble-member.ts';
import { eventually } from './ensemble-wait.ts';
import { freePorts } from './processes.ts';
import { requireRealZooKeeper } from './real-zookeeper.ts';

export type { MemberKind } from './ensemble-member.ts';
export { EnsembleMember } from './ensemble-member.ts';

/** Where members can be put. */
export interface EnsembleNetwork {
	/** A member's host and what it has to be run with to be there. */
	place(id: number): { readonly host: string; readonly wrapper: readonly string[] };
}

const loopback: EnsembleNetwork = { place: () => ({ host: '127.0.0.1', wrapper: [] }) };

export interface EnsembleOptions {
	/** The kinds of members 1, 2, 3…, which vote. */
	readonly members: readonly MemberKind[];
	/** Of the members behind them, which do not. */
	readonly observers?: readonly MemberKind[];
	/** Milliseconds: 500 unless given. The shortest session timeout is two of them. */
	readonly tickTime?: number;
	/** Ticks. */
	readonly initLimit?: number;
	readonly syncLimit?: number;
	/** zoo.cfg on top of the usual lines. */
	readonly config?: Readonly<Record<string, string | number>>;
	/** Java system properties of ZooKeeper's members. */
	readonly properties?: Readonly<Record<string, string>>;
	readonly javaFlags?: readonly string[];
	/** Environment of Chronokeeper's members. */
	readonly environment?: Readonly<Record<string, string>>;
	/** The command that runs Chronokeeper's server; compiled from the sources as they are unless given. */
	readonly chronokeeper?: readonly [string, ...string[]];
	readonly network?: EnsembleNetwork;
	/** Members that are not started with the others: a member that joins later. */
	readonly later?: readonly number[];
	/** The kinds of servers, numbered behind all others, that no other one knows before a reconfiguration. They are not started; they vote unless it says otherwise. */
	readonly joiners?: readonly MemberKind[];
	/** reconfigEnabled; members keep what a reconfiguration writes. */
	readonly isReconfigurable?: boolean;
	/** Where the members' directories are made. */
	readonly folder?: string;
}

/** All members run and serve when this resolves. @throws with the log of one that does not */
export async function startEnsemble(options: EnsembleOptions): Promise<Ensemble> {
	const ensemble = await Ensemble.make(options);
	try {
		const known = options.members.length + (options.observers?.length ?? 0);
		const first = ensemble.members.filter(({ id }) => id <= known && !options.later?.includes(id));
		for (const member of first) member.launch();
		for (const member of first) await member.serving();
		return ensemble;
	} catch (error) {
		await ensemble.close();
		throw error;
	}
}

/** Ended with this process, should it end before they do. */
const running = new Set<Ensemble>();
/** For all ensembles that are there; it goes with the last of them. */
let compiled: CompiledServer | undefined;
process.on('exit', () => {
	for (const ensemble of running) ensemble.abandon();
	compiled?.remove();
});

export class Ensemble {
	readonly members: readonly EnsembleMember[];
	readonly tickTimeMs: number;
	readonly #folder: string;

	private constructor(members: readonly EnsembleMember[], tickTimeMs: number, folder: string) {
		this.members = members;
		this.tickTimeMs = tickTimeMs;
		this.#folder = folder;
		running.add(this);
	}

	/** Directories and ports, and nothing started. */
	static async make(options: EnsembleOptions): Promise<Ensemble> {
		const known = [...options.members, ...(options.observers ?? [])];
		const kinds = [...known, ...(options.joiners ?? [])];
		if (kinds.includes('zookeeper')) requireRealZooKeeper();
		const folder = mkdtempSync(join(options.folder ?? tmpdir(), 'ensemble-'));
		const ports = await freePorts(3 * kinds.length);
		const network = options.network ?? loopback;
		const places = kinds.map((_, index): MemberPlace => {
			const id = index + 1;
			const [clientPort, quorumPort, electionPort] = ports.slice(3 * index) as [number, number, number];
			const role = index >= options.members.length && index < known.length ? 'observer' : 'participant';
			const own = join(folder, `member${id}`);
			return { id, role, clientPort, quorumPort, electionPort, folder: own, ...network.place(id) };
		});
		// ZooKeeper 3.8.0's leader takes the first ACK of a learner for that of NEWLEADER. Where it is a proposal's, both wait for the end of these limits
		// before they look again: with longer ones sessions would not live through it.
		const { tickTime = 500, initLimit = 6, syncLimit = 6 } = options;
		const usual = {
			tickTime,
			initLimit,
			syncLimit,
			maxClientCnxns: 0,
			// Twenty of these short ticks would be little for a session that has to outlive an election on a busy machine.
			maxSessionTimeout: 60_000,
			'admin.enableServer': false,
			'4lw.commands.whitelist': '*',
			...(options.isReconfigurable ? { reconfigEnabled: true, standaloneEnabled: false } : {}),
			...options.config,
		};
		const common = Object.entries(usual).map(([key, value]) => `${key}=${value}`);
		const settings = {
			isReconfigurable: options.isReconfigurable ?? false,
			config: ({ id: own }: MemberPlace) => [
				...common,
				...places
					.filter(({ id }) => id <= known.length || id === own)
					.map((place) => (options.isReconfigurable ? memberLine(place) : serverLine(place))),
			],
			properties: {
				'zookeeper.forceSync': 'no',
				// So that the logs of several members can be read beside each other.
				'org.slf4j.simpleLogger.showDateTime': 'true',
				'org.slf4j.simpleLogger.dateTimeFormat': 'HH:mm:ss.SSS',
				...options.properties,
			},
			javaFlags: options.javaFlags ?? ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'],
			environment: options.environment ?? {},
			chronokeeper(): readonly [string, ...string[]] {
				if (options.chronokeeper) return options.chronokeeper;
				const dist = process.env.ENSEMBLE_SERVER ?? (compiled ??= new CompiledServer()).dist;
				return [process.execPath, '--enable-source-maps', join(dist, 'apps', 'server', 'main.js')];
			},
		};
		const members = places.map((place, index) => new EnsembleMember(place, kinds[index]!, settings));
		return new Ensemble(members, tickTime, folder);
	}

	/** Those that vote. */
	get participants(): readonly EnsembleMember[] {
		return this.members.filter(({ place }) => place.role === 'participant');
	}

	get serving(): readonly EnsembleMember[] {
		return this.members.filter(({ isRunning, isPaused }) => isRunning && !isPaused);
	}

	member(id: number): EnsembleMember {
		const member = this.members[id - 1];
		if (!member) throw new Error(`there is no member ${id} of ${this.members.length}`);
		return member;
	}

	/** For clients; of all members unless some are named. */
	connectString(...ids: number[]): string {
		const named = ids.length > 0 ? ids.map((id) => this.member(id)) : this.members;
		return named.map(({ address }) => address).join(',');
	}

	/** Waits until one of these, or of all that run, leads. @throws with their logs when none does */
	async leader(among: readonly EnsembleMember[] = this.serving, timeoutMs = 60_000): Promise<EnsembleMember> {
		try {
			return await eventually(
				'a member leads',
				async () => {
					for (const member of among) if ((await member.mode()) === 'leader') return member;
					return undefined;
				},
				timeoutMs,
			);
		} catch (error) {
			throw new Error(`${(error as Error).message}\n${this.tails()}`, { cause: error });
		}
	}

	/** A member that serves and does not lead, the first one. */
	async follower(): Promise<EnsembleMember> {
		await this.leader();
		return eventually('a member follows', async () => {
			for (const member of this.participants) if ((await member.mode()) === 'follower') return member;
			return undefined;
		});
	}

	/** Waits until this member follows, or observes. */
	async follows(member: EnsembleMember): Promise<void> {
		const mode = member.place.role === 'observer' ? 'observer' : 'follower';
		await eventually(`member ${member.id} is a ${mode}`, async () => (await member.mode()) === mode);
	}

	/** All that run serve clients. */
	async allServe(timeoutMs?: number): Promise<void> {
		for (const member of this.serving) await member.serving(timeoutMs);
	}

	/** Ends a member, `whileAway` happens, and it is back when this resolves. */
	async restart(
		id: number,
		signal: 'SIGTERM' | 'SIGKILL' = 'SIGKILL',
		whileAway: () => Promise<void> = async () => {},
	): Promise<void> {
		const member = this.member(id);
		await member.stop(signal);
		await whileAway();
		member.launch();
		await member.serving();
	}

	/** The rolling move: ends a member and starts the other kind on its directory. It serves when this resolves. */
	async swap(id: number, kind: MemberKind, signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
		const member = this.member(id);
		await member.stop(signal);
		member.kind = kind;
		member.launch();
		await member.serving();
	}

	/** What ZooKeeper's members are doing, for messages. */
	async stacks(): Promise<string> {
		const all = await Promise.all(this.members.map((member) => member.stacks()));
		return all.filter((one) => one !== '').join('\n');
	}

	/** The ends of all logs, for messages. */
	tails(lines?: number): string {
		return this.members.map((member) => member.tail(lines)).join('\n');
	}

	/** At once, without waiting for the processes' ends. */
	abandon(): void {
		for (const member of this.members) if (member.isRunning) process.kill(member.pid, 'SIGKILL');
		rmSync(this.#folder, { recursive: true, force: true });
	}

	/** Ends every member and removes what they wrote. */
	async close(): Promise<void> {
		if (!running.has(this)) return;
		await Promise.allSettled(this.members.map((member) => member.stop('SIGKILL')));
		running.delete(this);
		const logs = process.env.ENSEMBLE_LOGS;
		if (logs) {
			// Those of each ensemble by themselves, with its directories.
			const kept = join(logs, basename(this.#folder));
			cpSync(this.#folder, kept, { recursive: true });
			for (const { id, log } of this.members) writeFileSync(join(kept, `member${id}.log`), log);
		}
		rmSync(this.#folder, { recursive: true, force: true });
		if (running.size > 0) return;
		compiled?.remove();
		compiled = undefined;
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}
}

/** With the address of its clients, as a reconfiguration needs it. */
export function memberLine(place: MemberPlace, role = place.role): string {
	const { id, host, quorumPort, electionPort, clientPort } = place;
	return `server.${id}=${host}:${quorumPort}:${electionPort}:${role};${host}:${clientPort}`;
}

function serverLine({ id, host, quorumPort, electionPort, role }: MemberPlace): string {
	return `server.${id}=${host}:${quorumPort}:${electionPort}${role === 'observer' ? ':observer' : ''}`;
}
