/** Tails that go from replica to replica while leaders are killed: every committed transaction once and in order, as the logs have it. LONG_SPECS=1 kills more of them. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ChronokeeperClient } from '#client/client';
import { tailTransactions } from '#client/tail';
import { epochOf, makeZxid, type Zxid } from '#core/model/zxid';
import { readLogs } from '#storage/history-reader';
import { CompiledServer } from '#test/support/compiled-server';
import { eventually } from '#test/support/ensemble-wait';
import { freePort, type RunningProgram } from '#test/support/processes';

const isLong = process.env.LONG_SPECS === '1';
const kills = isLong ? 12 : 3;
/** Between them. */
const writes = isLong ? 1000 : 200;
const limitMs = isLong ? 1_800_000 : 240_000;
const ids = [1, 2, 3] as const;
const folder = mkdtempSync(join(tmpdir(), 'chronokeeper-ensemble-tail-'));
const ports = new Map<number, number>();
const programs = new Map<number, RunningProgram>();
const clients = new Map<number, ChronokeeperClient>();
let compiled: CompiledServer;
let members = '';

beforeAll(async () => {
	compiled = new CompiledServer();
	const lines = [];
	for (const id of ids) {
		lines.push(`server.${id}=127.0.0.1:${await freePort()}:${await freePort()}`);
		ports.set(id, await freePort());
		clients.set(id, new ChronokeeperClient({ address: `127.0.0.1:${ports.get(id)}`, timeoutMs: 5000 }));
	}
	members = lines.join('\n');
	await Promise.all(ids.map(startMember));
});
afterAll(async () => {
	for (const client of clients.values()) client.close();
	await Promise.all([...programs.values()].map((program) => program.stop('SIGTERM')));
	compiled.remove();
	rmSync(folder, { recursive: true, force: true });
});

const dataDirOf = (id: number) => join(folder, `server${id}`);

async function startMember(id: number): Promise<void> {
	mkdirSync(dataDirOf(id), { recursive: true });
	writeFileSync(join(dataDirOf(id), 'myid'), `${id}\n`);
	const file = join(folder, `zoo${id}.cfg`);
	const limits = 'tickTime=500\ninitLimit=20\nsyncLimit=6\naudit.mode=off';
	writeFileSync(file, `dataDir=${dataDirOf(id)}\n${limits}\n${members}\n`);
	programs.set(id, await compiled.start({ CK_CONFIG: file, CK_GRPC_PORT: String(ports.get(id)) }));
}

function leader(): Promise<{ readonly id: number; readonly lastZxid: bigint }> {
	return eventually('a replica leads', async () => {
		for (const [id, client] of clients) {
			const status = await client.status().catch(() => undefined);
			if (status?.role === 'leader' && status.ready) return { id, lastZxid: status.lastZxid };
		}
		return undefined;
	});
}

/** As many creations as that are acknowledged, a few at a time, at whichever replica answers. */
async function write(round: number): Promise<void> {
	let made = 0;
	const writer = async (number: number): Promise<void> => {
		let turn = number;
		// One that was killed or looks for a leader: nobody knows whether that was done, and the next replica is asked for another.
		const create = async (): Promise<boolean> => {
			const client = clients.get(ids[++turn % ids.length]!)!;
			await client.create(`/r${round}-${number}-${turn}`, null);
			made += 1;
			return true;
		};
		while (made < writes) await eventually('a write is acknowledged', create);
	};
	await Promise.all([0, 1, 2, 3].map(writer));
}

it('have each transaction once and in order, over kills of leaders and starts of replicas', {
	timeout: limitMs,
}, async () => {
	await leader();
	await eventually('a node is there', () =>
		clients
			.get(1)!
			.create('/few', null)
			.catch((error: { codeName?: string }) => error.codeName === 'NodeExists'),
	);
	const enough = new AbortController();
	const hops: string[] = [];
	const tails = Array.from({ length: 12 }, (_, index) => {
		const sources = [0, 1, 2].map((turn) => clients.get(ids[(index + turn) % ids.length]!)!);
		const seen: bigint[] = [];
		const position = { seen, zxid: 0n };
		const retrying = ({ message }: Error) => void hops.push(message);
		const over = (async () => {
			// Half of them hear of everything, half of a few: how far they are they know all the same.
			const paths = index % 2 === 0 ? [] : [{ path: '/few' }];
			for await (const step of tailTransactions(sources, { fromZxid: 0n, paths, retrying }, enough.signal)) {
				seen.push(...step.items.map(({ zxid }) => zxid));
				position.zxid = step.zxid;
			}
		})();
		over.catch(() => undefined); // Awaited at the end.
		return { position, over, isWhole: index % 2 === 0 };
	});
	for (let round = 0; round < kills; round++) {
		const writing = write(round);
		const { id } = await leader();
		await programs.get(id)!.stop('SIGKILL');
		await writing;
		await startMember(id);
	}
	await write(kills);
	const { id, lastZxid } = await leader();
	await eventually('all tails are there', async () =>
		tails.every(({ position }) => position.zxid >= lastZxid) ? true : undefined,
	);
	// Of an epoch that is over, and did not come so far.
	const client = clients.get(id)!;
	const beyond = BigInt(makeZxid(epochOf(Number(tails[0]!.position.seen[0]) as Zxid), 1_000_000));
	await expect(client.tail({ fromZxid: beyond }).next()).rejects.toMatchObject({
		status: 'FAILED_PRECONDITION',
		message: /was never committed/,
	});
	enough.abort();
	await Promise.all(tails.map(({ over }) => over));
	await programs.get(id)!.stop('SIGTERM');
	const logged = [...readLogs(dataDirOf(id))].map(({ record }) => BigInt(record.header.zxid));
	expect(new Set(logged.map((zxid) => zxid >> 32n)).size).toBeGreaterThan(kills);
	expect(logged.length).toBeGreaterThanOrEqual(writes * (kills + 1));
	expect(hops.length).toBeGreaterThan(kills);
	for (const { position, isWhole } of tails) {
		const { seen } = position;
		if (isWhole) expect(seen).toEqual(logged.slice(0, seen.length));
		expect(seen.length).toBe(isWhole ? logged.filter((zxid) => zxid <= position.zxid).length : 1);
	}
});
