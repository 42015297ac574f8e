/** test/interop/ensemble/load.py: Kazoo clients that write to an ensemble with retries and record all that they are told; and the check of it. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClientNode } from './client-tree.ts';
import type { Ensemble } from './ensemble.ts';
import { asSuperUser } from './ensemble-agreement.ts';
import { eventually } from './ensemble-wait.ts';
import { startKazoo } from './kazoo.ts';
import type { RunningProgram } from './processes.ts';

/** What an operation was told, as far as its answer says. */
interface Acknowledged {
	readonly version?: number;
	readonly zxid?: number;
	readonly owner?: string;
}

export interface LoadRecord {
	/** Milliseconds since 1970. */
	readonly at: number;
	readonly client: string;
	readonly n?: number;
	readonly begin?: 'create' | 'ephemeral' | 'set' | 'delete' | 'multi';
	readonly path?: string;
	readonly data?: string | null;
	readonly ok?: Acknowledged;
	readonly error?: string;
	readonly state?: 'CONNECTED' | 'SUSPENDED' | 'LOST';
	readonly tries?: number;
}

export interface LoadOptions {
	readonly clients?: number;
	/** Seconds. */
	readonly sessionTimeout?: number;
	/** Seconds between a client's operations. */
	readonly pause?: number;
}

export class KazooLoad {
	readonly name: string;
	readonly #program: RunningProgram;
	readonly #folder: string;

	private constructor(name: string, program: RunningProgram, folder: string) {
		this.name = name;
		this.#program = program;
		this.#folder = folder;
	}

	/** All its clients are connected and work when this resolves. */
	static async start(name: string, connectString: string, options: LoadOptions = {}): Promise<KazooLoad> {
		const folder = mkdtempSync(join(tmpdir(), 'ensemble-load-'));
		const program = startKazoo('../ensemble/load.py', connectString, {
			interactive: true,
			env: {
				LOAD_NAME: name,
				LOAD_RECORD: join(folder, 'record'),
				LOAD_CLIENTS: String(options.clients ?? 3),
				LOAD_SESSION_TIMEOUT: String(options.sessionTimeout ?? 20),
				LOAD_PAUSE: String(options.pause ?? 0.005),
			},
		});
		const load = new KazooLoad(name, program, folder);
		try {
			await program.waitFor(/^working$/m);
			return load;
		} catch (error) {
			await load.close();
			throw error;
		}
	}

	/** How many operations were acknowledged so far. */
	get acknowledged(): number {
		return this.#text().match(/"ok": \{/g)?.length ?? 0;
	}

	/** Waits until so many more operations were acknowledged. */
	async goesOn(more = 30, timeoutMs = 60_000): Promise<void> {
		const before = this.acknowledged;
		await eventually(`${this.name} has ${more} more writes`, () => this.acknowledged >= before + more, timeoutMs);
	}

	/** The clients come to an end of their operations; their sessions stay. */
	async finish(): Promise<void> {
		this.#program.type('finish\n');
		await this.#program.waitFor(/^finished$/m, 100_000);
	}

	/** The sessions are closed. */
	async end(): Promise<void> {
		this.#program.end();
		await this.#program.exited;
	}

	/** kill -9: nobody closes the sessions. */
	async kill(): Promise<void> {
		await this.#program.stop('SIGKILL');
	}

	records(): LoadRecord[] {
		const lines = this.#text().split('\n');
		// The last one is empty, or half of one that was being written when the program was killed.
		return lines.slice(0, -1).map((line) => JSON.parse(line) as LoadRecord);
	}

	async close(): Promise<void> {
		await this.kill();
		rmSync(this.#folder, { recursive: true, force: true });
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}

	#text(): string {
		return readFileSync(join(this.#folder, 'record'), { encoding: 'utf8', flag: 'a+' });
	}
}

/** Waits until the ephemerals of a load whose clients were killed are gone at every member: their sessions have expired (semantics 62, 63). */
export async function ephemeralsEnd(ensemble: Ensemble, load: KazooLoad): Promise<void> {
	const clients = new Set(load.records().map(({ client }) => client));
	for (const member of ensemble.serving) {
		await eventually(`member ${member.id} has no ephemerals of ${load.name}`, () =>
			asSuperUser(member, async (wire) => {
				for (const client of clients) {
					const { response: list } = await wire.send({ kind: 'getChildren', path: `/load/${client}`, watch: false });
					if (list?.kind !== 'getChildren') throw new Error(`/load/${client} cannot be read`);
					const left = list.names.filter((name) => name.startsWith('e'));
					if (left.length > 0) throw new Error(`${left.join(', ')} of ${client}`);
				}
				return true;
			}),
		);
	}
}

export interface LoadCheck {
	/** In words; empty when all is well. */
	readonly problems: readonly string[];
	readonly acknowledged: number;
	/** How many of them were answered only when they were tried again. */
	readonly triedAgain: number;
	/** The longest time from the beginning of an operation to its answer. */
	readonly slowestMs: number;
	/** How often a client lost its connection. */
	readonly suspended: number;
}

/** What one path may be: nothing, or data and a version. */
type State = string;
const absent: State = 'absent';

function present(data: string, version: number): State {
	return `${JSON.stringify(data)} version ${version}`;
}

/**
 * Replays what each client was told and compares it with the tree at the end.
 * @param sessions whether the ephemerals of these clients are to be there (they have not closed) or not (they have, or have died)
 */
export function checkLoad(
	records: readonly LoadRecord[],
	tree: readonly ClientNode[],
	sessions: 'open' | 'closed',
): LoadCheck {
	const problems: string[] = [];
	const nodes = new Map(tree.map((node) => [node.path, node]));
	const clients = Map.groupBy(records, ({ client }) => client);
	let [acknowledged, triedAgain, slowestMs, suspended] = [0, 0, 0, 0];
	for (const [client, lines] of clients) {
		const replay = new Replay(client, lines);
		problems.push(...replay.problems, ...replay.compare(nodes, sessions));
		acknowledged += replay.acknowledged;
		triedAgain += replay.triedAgain;
		slowestMs = Math.max(slowestMs, replay.slowestMs);
		suspended += lines.filter(({ state }) => state === 'SUSPENDED').length;
	}
	for (const path of nodes.keys()) {
		const [, top, client] = path.split('/');
		if (top !== 'load' || client === undefined || !clients.has(client)) continue;
		if (!records.some((record) => record.path === path)) problems.push(`${path} is there, and nobody made it`);
	}
	return { problems, acknowledged, triedAgain, slowestMs, suspended };
}

class Replay {
	readonly problems: string[] = [];
	acknowledged = 0;
	triedAgain = 0;
	slowestMs = 0;
	readonly #client: string;
	/** What may be at each path: one state unless nobody knows whether something was done. */
	readonly #states = new Map<string, Set<State>>();
	readonly #owners = new Map<string, string>();
	#zxid = 0;
	#pending: LoadRecord | undefined;

	constructor(client: string, lines: readonly LoadRecord[]) {
		this.#client = client;
		for (const line of lines) this.#add(line);
		// It was killed in the middle of it.
		if (this.#pending) this.#perhaps(this.#pending);
	}

	#add(line: LoadRecord): void {
		if (line.begin !== undefined) this.#pending = line;
		else if (line.ok !== undefined) this.#done(this.#pending!, line.ok, line);
		else if (line.error !== undefined) {
			this.problems.push(`${this.#client}: ${line.error} (${this.#pending?.begin} ${this.#pending?.path})`);
			if (this.#pending) this.#perhaps(this.#pending);
			this.#pending = undefined;
		} else if (line.state === 'LOST' && line.at > 0) this.#lost(line);
	}

	/** Kazoo says LOST also when its client is stopped: nothing follows then. */
	#lost(line: LoadRecord): void {
		if (this.#pending) this.problems.push(`${this.#client} lost its session at ${line.at}`);
	}

	#done(begun: LoadRecord, ok: Acknowledged, line: LoadRecord): void {
		const path = begun.path!;
		this.acknowledged += 1;
		if (line.tries! > 1) this.triedAgain += 1;
		this.slowestMs = Math.max(this.slowestMs, line.at - begun.at);
		this.#pending = undefined;
		if (ok.zxid !== undefined) {
			if (ok.zxid <= this.#zxid) this.problems.push(`${this.#client}: ${path} has zxid ${ok.zxid} after ${this.#zxid}`);
			this.#zxid = ok.zxid;
		}
		switch (begun.begin) {
			case 'create':
			case 'ephemeral':
				if (ok.version !== 0) this.problems.push(`${path} was made with version ${ok.version}`);
				if (begun.begin === 'ephemeral') this.#owners.set(path, ok.owner!);
				this.#states.set(path, new Set([present(begun.data!, 0)]));
				break;
			case 'delete':
				this.#states.set(path, new Set([absent]));
				break;
			case 'set':
				this.#set(path, begun.data!, ok.version!);
				break;
			case 'multi':
				this.#states.set(path, new Set([present(begun.data!, 0)]));
				this.#set(`/load/${this.#client}/sum`, begun.data!, ok.version!);
				break;
			default:
				throw new Error(`${this.#client} was told of something that it did not begin`);
		}
	}

	/** Versions have no gaps: nobody else writes here. */
	#set(path: string, data: string, version: number): void {
		const before = [...this.#states.get(path)!].map((state) => / version (\d+)$/.exec(state)?.[1]);
		if (!before.includes(String(version - 1)))
			this.problems.push(`${path} has version ${version} after ${before.join(' or ')}`);
		this.#states.set(path, new Set([present(data, version)]));
	}

	/** Nobody knows whether it was done. */
	#perhaps({ begin, path, data }: LoadRecord): void {
		const sum = `/load/${this.#client}/sum`;
		if (begin === 'multi') this.#may(sum, this.#next(sum, data!));
		this.#may(path!, begin === 'delete' ? [absent] : begin === 'set' ? this.#next(path!, data!) : [present(data!, 0)]);
	}

	#next(path: string, data: string): State[] {
		return [...(this.#states.get(path) ?? [])].flatMap((state) => {
			const version = / version (\d+)$/.exec(state)?.[1];
			return version === undefined ? [] : [present(data, Number(version) + 1)];
		});
	}

	#may(path: string, states: readonly State[]): void {
		const known = this.#states.get(path) ?? new Set([absent]);
		for (const state of states) known.add(state);
		this.#states.set(path, known);
	}

	compare(nodes: ReadonlyMap<string, ClientNode>, sessions: 'open' | 'closed'): string[] {
		const problems: string[] = [];
		for (const [path, states] of this.#states) {
			const node = nodes.get(path);
			// Of an ephemeral that may have been made by one who was killed nobody told the owner.
			const isEphemeral = this.#owners.has(path) || /\/e\d+$/.test(path);
			if (isEphemeral && sessions === 'closed') {
				if (node) problems.push(`${path} is there, and its session is not`);
				continue;
			}
			const seen = node ? present(Buffer.from(node.data ?? '', 'base64').toString(), node.version) : absent;
			if (!states.has(seen)) problems.push(`${path} is ${seen} and has to be ${[...states].join(' or ')}`);
			const owner = this.#owners.get(path);
			if (node && owner !== undefined && node.ephemeralOwner !== owner)
				problems.push(`${path} is owned by ${node.ephemeralOwner} and was made by ${owner}`);
		}
		return problems;
	}
}
