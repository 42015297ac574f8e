/**
 * Fast clients of the bare protocol: each writes to a node of its own with many requests on their way, and moves to another member when its
 * connection ends. What every client must see (semantics 8, 10, 70) is checked as it arrives.
 *
 * A client's n-th write writes n, so a node's value is its version. After a lost connection a prefix of what was on its way may have been done, and
 * nothing else: then also value and version are the same.
 */
import { openAcl } from '#jute/acl';
import { opCode } from '#jute/op-codes';
import type { Ensemble, EnsembleMember } from './ensemble.ts';
import { connectTo } from './ensemble-agreement.ts';
import { eventually, within } from './ensemble-wait.ts';
import { requestBody, type WireClient, type WireReply, type WireSession } from './wire-client.ts';

const root = '/wire';
/** A member that accepts and is silent is left after this. */
const patienceMs = 5000;

export interface WireLoadOptions {
	readonly clients?: number;
	/** Writes on their way at once, each with a read behind it. */
	readonly depth?: number;
	readonly sessionTimeoutMs?: number;
	/** Members that clients connect to; all unless given. */
	readonly among?: readonly EnsembleMember[];
}

export class WireLoad {
	readonly #clients: readonly LoadingClient[];
	readonly #runs: readonly Promise<void>[];

	private constructor(clients: readonly LoadingClient[]) {
		this.#clients = clients;
		this.#runs = clients.map((client) => client.run());
	}

	/** Its clients work when this resolves. */
	static async start(ensemble: Ensemble, options: WireLoadOptions = {}): Promise<WireLoad> {
		const { clients = 4, depth = 16, sessionTimeoutMs = 20_000, among = ensemble.members } = options;
		const made = Array.from({ length: clients }, (_, index) => {
			// Spread over the members.
			const members = among.map((_, at) => among[(at + index) % among.length]!);
			return new LoadingClient(`${root}/${index}`, members, depth, sessionTimeoutMs);
		});
		await made[0]!.makeRoot();
		const load = new WireLoad(made);
		await load.goesOn(1);
		return load;
	}

	get acknowledged(): number {
		return this.#clients.reduce((sum, { acknowledged }) => sum + acknowledged, 0);
	}

	get reconnects(): number {
		return this.#clients.reduce((sum, { reconnects }) => sum + reconnects, 0);
	}

	/** In words; empty when all is well. */
	get problems(): readonly string[] {
		return this.#clients.flatMap(({ problems }) => problems);
	}

	/** Each client has so many more acknowledged writes. @throws with the problems when one does not */
	async goesOn(more = 100, timeoutMs = 60_000): Promise<void> {
		const wanted = this.#clients.map(({ acknowledged }) => acknowledged + more);
		await eventually(
			'every client goes on',
			() => {
				if (this.problems.length > 0) throw new Error(this.problems.slice(0, 5).join('; '));
				return this.#clients.every(({ acknowledged }, index) => acknowledged >= wanted[index]!);
			},
			timeoutMs,
		);
	}

	/** Stops the clients, and compares each node with what was acknowledged. @returns all problems */
	async finish(): Promise<readonly string[]> {
		for (const client of this.#clients) client.stop();
		await Promise.all(this.#runs);
		for (const client of this.#clients) await client.compare();
		return this.problems;
	}

	async close(): Promise<void> {
		for (const client of this.#clients) client.stop();
		await Promise.all(this.#clients.map((client) => client.close()));
		await Promise.allSettled(this.#runs);
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}
}

class LoadingClient {
	readonly problems: string[] = [];
	acknowledged = 0;
	reconnects = 0;
	readonly #path: string;
	readonly #members: readonly EnsembleMember[];
	readonly #depth: number;
	readonly #timeoutMs: number;
	#client: WireClient | undefined;
	#session: WireSession | undefined;
	/** Of its node: what the last write wrote. */
	#value = 0;
	/** Of the last acknowledged write, and of the last answer. */
	#writeZxid = 0;
	#seenZxid = 0;
	#isStopped = false;
	/** Where it connects next. */
	#at = 0;

	constructor(path: string, members: readonly EnsembleMember[], depth: number, timeoutMs: number) {
		this.#path = path;
		this.#members = members;
		this.#depth = depth;
		this.#timeoutMs = timeoutMs;
	}

	stop(): void {
		this.#isStopped = true;
	}

	async close(): Promise<void> {
		await this.#client?.close();
	}

	async makeRoot(): Promise<void> {
		const client = await this.#connected();
		await client.send({ kind: 'create', path: root, data: null, acl: openAcl, flags: 0 });
	}

	/** Until it is stopped, or something is wrong. */
	async run(): Promise<void> {
		try {
			await this.#untilDone((client) => this.#make(client));
			while (!this.#isStopped && this.problems.length === 0) {
				await this.#untilDone((client) => this.#batch(client));
			}
		} catch (error) {
			if (!this.#isStopped) this.problems.push(`${this.#path}: ${(error as Error).message}`);
		}
	}

	/** At the end: nothing that was acknowledged is gone. */
	async compare(): Promise<void> {
		this.#isStopped = false;
		await this.#untilDone((client) => this.#recover(client));
		await this.#client?.send({ kind: 'closeSession' }).catch(() => undefined);
		await this.close();
	}

	/** Again on another connection when one ends. A lost connection is no problem, a lost session is. */
	async #untilDone(act: (client: WireClient) => Promise<void>): Promise<void> {
		for (let isFirst = true; !this.#isStopped && this.problems.length === 0; isFirst = false) {
			const client = await this.#connected();
			if (client === undefined) return;
			try {
				if (!isFirst) await within(patienceMs, 'what became of it', this.#recover(client));
				await within(patienceMs, 'a batch', act(client));
				return;
			} catch {
				await client.close();
				this.reconnects += 1;
			}
		}
	}

	async #connected(): Promise<WireClient> {
		if (this.#client && !this.#client.isClosed) return this.#client;
		return eventually(`${this.#path} has a connection`, async () => {
			const member = this.#members[this.#at++ % this.#members.length]!;
			if (!member.isRunning) return undefined;
			const again = this.#session && {
				sessionId: this.#session.id,
				password: this.#session.password,
				lastZxidSeen: this.#seenZxid,
			};
			const connecting = connectTo(member, { timeoutMs: this.#timeoutMs, ...again });
			// One that comes too late is nobody's.
			const client = await within(2000, 'a connection', connecting).catch((error: Error) => {
				connecting.then((late) => late.close()).catch(() => undefined);
				if (error.message.includes('refused the session')) this.problems.push(`${this.#path}: ${error.message}`);
				throw error;
			});
			this.#session = client.session;
			this.#client = client;
			return client;
		});
	}

	async #make(client: WireClient): Promise<void> {
		await client.send({ kind: 'create', path: this.#path, data: Buffer.from('0'), acl: openAcl, flags: 0 });
		await this.#recover(client);
	}

	/** What is there, after a connection was lost: something between what was acknowledged and what was sent. */
	async #recover(client: WireClient): Promise<void> {
		const [synced, read] = await Promise.all([
			client.send({ kind: 'sync', path: this.#path }),
			client.send({ kind: 'getData', path: this.#path, watch: false }),
		]);
		if (synced.error !== 0 || read.response?.kind !== 'getData') {
			// It was not made before the connection ended.
			if (this.#value === 0 && this.#writeZxid === 0) return;
			this.problems.push(`${this.#path}: the node is gone (error ${read.error})`);
			return;
		}
		const { data, stat } = read.response;
		const value = Number(Buffer.from(data ?? []).toString());
		if (value !== stat.version) this.problems.push(`${this.#path}: ${value} is there with version ${stat.version}`);
		if (value < this.#value || value > this.#value + this.#depth)
			this.problems.push(`${this.#path}: ${value} is there and ${this.#value} was acknowledged`);
		this.#value = value;
		this.#saw(read);
		client.log.length = 0;
	}

	async #batch(client: WireClient): Promise<void> {
		const first = this.#value + 1;
		const requests = Array.from({ length: this.#depth }, (_, index) => [
			{
				type: opCode.setData,
				body: requestBody({
					kind: 'setData',
					path: this.#path,
					data: Buffer.from(String(first + index)),
					version: -1,
				}),
			},
			{ type: opCode.getData, body: requestBody({ kind: 'getData', path: this.#path, watch: false }) },
		]).flat();
		const answers = client.sendTogether(requests);
		try {
			await Promise.all(answers);
		} finally {
			// In the order in which they came, also those that came before the connection ended.
			this.#check(client, first);
		}
	}

	#check(client: WireClient, first: number): void {
		const replies = client.replies;
		client.log.length = 0;
		for (const [index, reply] of replies.entries()) {
			const wanted = first + (index >> 1);
			const expected = index % 2 === 0 ? opCode.setData : opCode.getData;
			if (reply.type !== expected) this.problems.push(`${this.#path}: answers are not in the order of the requests`);
			this.#saw(reply);
			if (reply.response?.kind === 'setData') {
				if (reply.response.stat.version !== wanted)
					this.problems.push(`${this.#path}: write ${wanted} made version ${reply.response.stat.version}`);
				if (reply.response.stat.mzxid !== reply.zxid)
					this.problems.push(
						`${this.#path}: write ${wanted} has zxid ${reply.zxid} and mzxid ${reply.response.stat.mzxid}`,
					);
				if (reply.zxid <= this.#writeZxid)
					this.problems.push(`${this.#path}: write ${wanted} has zxid ${reply.zxid} after ${this.#writeZxid}`);
				this.#writeZxid = reply.zxid;
				this.#value = wanted;
				this.acknowledged += 1;
			} else if (reply.response?.kind === 'getData') {
				const value = Buffer.from(reply.response.data ?? []).toString();
				if (value !== String(wanted)) this.problems.push(`${this.#path}: ${value} was read behind write ${wanted}`);
			} else this.problems.push(`${this.#path}: write ${wanted} was answered with error ${reply.error}`);
		}
	}

	#saw({ zxid }: WireReply): void {
		if (zxid < this.#seenZxid) this.problems.push(`${this.#path}: saw ${zxid} after ${this.#seenZxid}`);
		this.#seenZxid = Math.max(this.#seenZxid, zxid);
	}
}
