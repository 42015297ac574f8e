/** Sessions for the measurements that zkraw does not make: writes at a fixed rate, and writes that go on at another member when one dies. */
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import { openAcl } from '#jute/acl';
import type { Ensemble, EnsembleMember } from '../../support/ensemble.ts';
import { connectTo } from '../../support/ensemble-agreement.ts';
import { within } from '../../support/ensemble-wait.ts';
import type { WireClient, WireSession } from '../../support/wire-client.ts';

export interface Latencies {
	readonly rate: number;
	readonly p50Ms: number;
	readonly p99Ms: number;
	readonly p999Ms: number;
}

const payload = Buffer.alloc(100, 'x');
const root = '/paced';

/**
 * Writes at a rate that does not depend on the answers; a write that starts late because others are slow counts from when it was due.
 * @param seconds behind a fifth of it that is not counted
 */
export async function pacedWrites(
	ensemble: Ensemble,
	{ sessions, rate, seconds }: { readonly sessions: number; readonly rate: number; readonly seconds: number },
): Promise<Latencies> {
	const clients = await Promise.all(
		Array.from({ length: sessions }, (_, index) => connectTo(ensemble.members[index % ensemble.members.length]!)),
	);
	await makeNodes(clients);
	const latencies: number[] = [];
	const answers: Promise<void>[] = [];
	const beginMs = performance.now();
	const countFromMs = beginMs + seconds * 200;
	const total = Math.round(rate * seconds * 1.2);
	for (let sent = 0; sent < total; ) {
		const due = Math.min(total, Math.floor(((performance.now() - beginMs) / 1000) * rate));
		for (; sent < due; sent++) {
			const at = sent % sessions;
			const dueMs = beginMs + (sent / rate) * 1000;
			const answer = clients[at]!.send({ kind: 'setData', path: `${root}/${at}`, data: payload, version: -1 });
			answers.push(
				answer.then(({ error }) => {
					if (error !== 0) throw new Error(`a write was answered with ${error}`);
					if (dueMs >= countFromMs) latencies.push(performance.now() - dueMs);
				}),
			);
		}
		for (const client of clients) client.log.length = 0;
		if (sent < total) await pause(1);
	}
	await Promise.all(answers);
	await Promise.all(clients.map(leave));
	latencies.sort((a, b) => a - b);
	const at = (share: number): number =>
		latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))]!;
	return { rate, p50Ms: at(0.5), p99Ms: at(0.99), p999Ms: at(0.999) };
}

/**
 * Kills the leader while three sessions write, each of which knows all members and tries again at once.
 * @returns milliseconds from the kill to the first acknowledgement of a write that was sent after it; the member is back when this resolves
 */
export async function failoverMs(ensemble: Ensemble): Promise<number> {
	const leader = await ensemble.leader();
	const writers = ensemble.members.map((_, index) => new Writer(ensemble, index));
	for (const writer of writers) await writer.start();
	const runs = writers.map((writer) => writer.run());
	await pause(500);
	const killedMs = performance.now();
	process.kill(leader.pid, 'SIGKILL');
	const first = Promise.any(writers.map((writer) => writer.acknowledgedAfter(killedMs)));
	const ms = (await within(60_000, 'a write after the leader was killed', first)) - killedMs;
	for (const writer of writers) writer.stop();
	await Promise.all(runs);
	await ensemble.restart(leader.id);
	return ms;
}

class Writer {
	readonly #members: readonly EnsembleMember[];
	readonly #path: string;
	#client: WireClient | undefined;
	#session: WireSession | undefined;
	#lastZxidSeen = 0;
	#isStopped = false;
	#waiting: { readonly sinceMs: number; resolve(atMs: number): void } | undefined;

	constructor(ensemble: Ensemble, index: number) {
		this.#members = ensemble.members.map((_, at) => ensemble.members[(at + index) % ensemble.members.length]!);
		this.#path = `${root}/${index}`;
	}

	async start(): Promise<void> {
		this.#client = await connectTo(this.#members[0]!);
		this.#session = this.#client.session;
		await makeNodes([this.#client], this.#path);
	}

	stop(): void {
		this.#isStopped = true;
	}

	/** When the first write was acknowledged that was sent after this. */
	acknowledgedAfter(sinceMs: number): Promise<number> {
		return new Promise((resolve) => {
			this.#waiting = { sinceMs, resolve };
		});
	}

	async run(): Promise<void> {
		for (let at = 0; !this.#isStopped; ) {
			try {
				if (this.#client === undefined) await this.#connect(this.#members[at++ % this.#members.length]!);
				const sentMs = performance.now();
				const write = this.#client!.send({ kind: 'setData', path: this.#path, data: payload, version: -1 });
				const { error, zxid } = await within(5000, 'an answer', write);
				if (error !== 0) throw new Error(`a write was answered with ${error}`);
				this.#lastZxidSeen = zxid;
				this.#client!.log.length = 0;
				if (this.#waiting && sentMs > this.#waiting.sinceMs) this.#waiting.resolve(performance.now());
				await nextTurn();
			} catch {
				await this.#client?.close();
				this.#client = undefined;
				// Not at once, or the clients would take the processor that an election needs.
				await pause(5);
			}
		}
		if (this.#client) await leave(this.#client);
	}

	async #connect(member: EnsembleMember): Promise<void> {
		const { id: sessionId, password, timeoutMs } = this.#session!;
		const connecting = connectTo(member, { sessionId, password, timeoutMs, lastZxidSeen: this.#lastZxidSeen });
		this.#client = await within(2000, 'a connection', connecting);
	}
}

async function makeNodes(clients: readonly WireClient[], path?: string): Promise<void> {
	const make = (client: WireClient, at: string) =>
		client.send({ kind: 'create', path: at, data: payload, acl: openAcl, flags: 0 });
	await make(clients[0]!, root);
	await Promise.all(clients.map((client, index) => make(client, path ?? `${root}/${index}`)));
}

async function leave(client: WireClient): Promise<void> {
	await client.send({ kind: 'closeSession' }).catch(() => undefined);
	await client.close();
}
