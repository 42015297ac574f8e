/** Restore of an ensemble: live while leaders are killed, and exactly, into the directories of all its servers. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { restore } from '#audit/restore';
import { ChronokeeperClient } from '#client/client';
import { type Restore, RestoreState } from '#client/restores';
import { epochOf, type Zxid } from '#core/model/zxid';
import { type Ensemble, type EnsembleMember, startEnsemble } from '#test/support/ensemble';
import { agreement, connectTo } from '#test/support/ensemble-agreement';
import { eventually } from '#test/support/ensemble-wait';
import { createDatabase, type TestDatabase } from '#test/support/postgres';
import { superUser } from '#test/support/real-zookeeper';
import { WireClient } from '#test/support/wire-client';

const limitMs = 240_000;
const nodes = 4000;
const folder = mkdtempSync(join(tmpdir(), 'restored-ensemble-'));
/** Large enough for dozens of multis. */
const dataOf = (i: number, text: string) => Buffer.alloc(2000, `${text} ${i} `);

let database: TestDatabase;
let ensemble: Ensemble;
const clients: ChronokeeperClient[] = [];
beforeAll(async () => {
	database = await createDatabase();
	ensemble = await startEnsemble({
		members: ['chronokeeper', 'chronokeeper', 'chronokeeper'],
		initLimit: 60,
		syncLimit: 60,
		environment: { CK_AUDIT_MODE: 'async', CK_AUDIT_URL: database.url, CK_LOG_FORMAT: 'json' },
	});
});
afterAll(async () => {
	for (const client of clients) client.close();
	await ensemble?.close();
	await database?.drop();
	rmSync(folder, { recursive: true, force: true });
});

async function clientOf(member: EnsembleMember): Promise<ChronokeeperClient> {
	const { grpc } = await member.doors();
	const client = new ChronokeeperClient({ address: grpc, auth: superUser.auth, timeoutMs: 60_000 });
	clients.push(client);
	return client;
}

/** The tree below /services, its nodes and their data. */
async function contentOf(client: ChronokeeperClient): Promise<Map<string, string>> {
	const content = new Map<string, string>();
	for await (const { name, data } of client.streamChildren('/services', { withData: true })) {
		content.set(name, Buffer.from(data ?? []).toString());
	}
	return content;
}

async function inBatches(client: ChronokeeperClient, op: (i: number) => Parameters<typeof client.multi>[0][number]) {
	for (let from = 0; from < nodes; from += 250) {
		await client.multi(Array.from({ length: 250 }, (_, i) => op(from + i)));
	}
}

const path = (i: number) => `/services/s${String(i).padStart(5, '0')}`;

describe('a live restore of an ensemble', () => {
	let before: Map<string, string>;
	let zxid: bigint;
	beforeAll(async () => {
		const client = await clientOf(await ensemble.leader());
		await client.create('/services', null);
		await inBatches(client, (i) => ({
			op: { $case: 'create', value: { path: path(i), data: dataOf(i, 'before'), acl: [], mode: 1, ttlMs: 0n } },
		}));
		before = await contentOf(client);
		zxid = (await client.status()).lastZxid;
	}, limitMs);

	/** Others' data everywhere, so that there is much to restore. */
	async function disturb(client: ChronokeeperClient, text: string): Promise<void> {
		await inBatches(client, (i) => ({
			op: { $case: 'set', value: { path: path(i), data: dataOf(i, text), version: undefined } },
		}));
	}

	/** Begins one, and kills a member half-way: again until it was in time. */
	async function interrupted(text: string, runner: EnsembleMember, victim: EnsembleMember): Promise<Restore> {
		for (;;) {
			const client = await clientOf(runner);
			await disturb(client, text);
			await eventually('the mirror has the state of then', async () => {
				const { rows } = {
					rows: await database.query<{ zxid: string }>('select zxid from chronokeeper.mirror_cursor'),
				};
				return BigInt(rows[0]?.zxid ?? 0) >= zxid;
			});
			const target = { target: { $case: 'zxid', value: zxid }, path: '/services' } as const;
			const { id } = await client.restores.start(target, `a leader dies: ${text}`);
			for await (const found of client.restores.watch(id)) {
				if (found.multis < 3) continue;
				if (found.state !== RestoreState.RESTORE_STATE_RUNNING) break;
				process.kill(victim.pid, 'SIGKILL');
				return found;
			}
		}
	}

	async function expectRestored(): Promise<void> {
		await ensemble.allServe();
		for (const member of ensemble.members) {
			const client = await clientOf(member);
			await client.sync('/');
			expect(await contentOf(client)).toEqual(before);
		}
	}

	it(
		'goes on by itself when the leader is killed half-way and the replica that runs it lives',
		async () => {
			const leader = await ensemble.leader();
			const runner = await ensemble.follower();
			const { id } = await interrupted('first', runner, leader);
			const client = await clientOf(runner);
			const done = await eventually('the restore is over', async () => {
				const found = await client.restores.get(id);
				return found.state === RestoreState.RESTORE_STATE_RUNNING ? undefined : found;
			});
			expect(done).toMatchObject({
				state: RestoreState.RESTORE_STATE_DONE,
				changesDone: BigInt(nodes),
				conflictCount: 0n,
			});
			await ensemble.restart(leader.id);
			await expectRestored();
		},
		limitMs,
	);

	it(
		'is taken on at another replica when the leader that runs it is killed half-way, and its every transaction is told in the history',
		async () => {
			const leader = await ensemble.leader();
			const { id, multis } = await interrupted('second', leader, leader);
			const other = ensemble.members.find((member) => member.id !== leader.id)!;
			await ensemble.leader(ensemble.serving);
			await other.serving();
			const client = await clientOf(other);
			const standing = await client.restores.get(id);
			expect(standing).toMatchObject({ state: RestoreState.RESTORE_STATE_RUNNING, isRunningHere: false });
			expect(standing.multis).toBeGreaterThanOrEqual(multis);
			await client.restores.resume(id);
			let last: Restore | undefined;
			for await (const found of client.restores.watch(id)) last = found;
			expect(last).toMatchObject({
				state: RestoreState.RESTORE_STATE_DONE,
				changesDone: BigInt(nodes),
				conflictCount: 0n,
			});
			await ensemble.restart(leader.id);
			await expectRestored();
			const { lastZxid } = await client.status();
			const rows = await eventually('the history has all of it', async () => {
				const [cursor] = await database.query<{ zxid: string }>('select zxid from chronokeeper.mirror_cursor');
				if (BigInt(cursor?.zxid ?? 0) < lastZxid) return undefined;
				return database.query<{ n: number }>(
					`select count(*)::int as n from chronokeeper.change c join chronokeeper.txn t on t.zxid = c.zxid
					where t.request_id like $1 and c.path like '/services/%'`,
					[`restore-${id}-%`],
				);
			});
			expect(rows).toEqual([{ n: nodes }]);
		},
		limitMs,
	);
});

describe('an exact restore of an ensemble', () => {
	it(
		'61: begins anew in all directories, above every zxid ever seen; sessions of then are over, and a directory that was forgotten catches up',
		async () => {
			const leader = await ensemble.leader();
			const client = await clientOf(leader);
			const old = await connectTo(leader, { timeoutMs: 30_000 });
			const session = old.session;
			await old.send({
				kind: 'create',
				path: '/services/lock',
				data: null,
				acl: [{ perms: 31, scheme: 'world', id: 'anyone' }],
				flags: 1,
			});
			const { lastZxid: zxid } = await client.status();
			await client.create('/undone', null);
			const { lastZxid: newest } = await client.status();
			const seen = Number(newest);
			await eventually('the mirror has all of it', async () => {
				const [cursor] = await database.query<{ zxid: string }>('select zxid from chronokeeper.mirror_cursor');
				return BigInt(cursor?.zxid ?? 0) >= newest;
			});
			await old.close();
			for (const member of ensemble.members) await member.stop('SIGKILL');
			const restored = await restore({
				databaseUrl: database.url,
				zxid: Number(zxid) as Zxid,
				intoDir: join(folder, 'all'),
				servers: [1, 2, 3],
			});
			expect(restored.epoch).toBe(epochOf(Number(newest) as Zxid) + 1);
			expect(restored.endedSessions).toBeGreaterThan(0);
			// Somebody forgets the third: what it had must not come back.
			for (const id of [1, 2]) {
				const { dataDir } = ensemble.member(id);
				rmSync(dataDir, { recursive: true });
				cpSync(restored.directories[id - 1]!, dataDir, { recursive: true });
				ensemble.member(id).launch();
			}
			await ensemble.leader([ensemble.member(1), ensemble.member(2)]);
			ensemble.member(3).launch();
			await ensemble.allServe();
			for (const member of ensemble.members) {
				const { grpc } = await member.doors();
				const one = new ChronokeeperClient({ address: grpc, auth: superUser.auth });
				clients.push(one);
				await one.sync('/');
				expect(await one.exists('/undone')).toBeFalsy();
				expect(await one.exists('/services/lock')).toBeFalsy();
				expect((await contentOf(one)).size).toBe(nodes);
			}
			// The client of then has seen more than there is now, and goes on nowhere: its session is over.
			const back = await WireClient.open(ensemble.member(1).place.clientPort);
			const answer = await back.handshake({
				sessionId: session.id,
				password: session.password,
				timeoutMs: 30_000,
				lastZxidSeen: seen,
			});
			expect(answer).toMatchObject({ timeoutMs: 0, sessionId: 0n });
			await back.close();
			// One that has seen what no server has given out is not even answered.
			const ahead = await WireClient.open(ensemble.member(2).place.clientPort);
			const beyond = Number(((await (await clientOf(ensemble.member(2))).status()).lastZxid >> 32n) + 1n) * 2 ** 32;
			await expect(ahead.handshake({ timeoutMs: 30_000, lastZxidSeen: beyond })).rejects.toThrow('it had sent');
			const agreed = await agreement(ensemble);
			expect(agreed.problems).toEqual([]);
			expect(agreed.digestsCompared).toBeGreaterThan(0);
			// And Apache ZooKeeper goes on from such a directory, with the others.
			const last = ensemble.member(2);
			await last.stop('SIGKILL');
			rmSync(last.dataDir, { recursive: true });
			cpSync(restored.directories[1]!, last.dataDir, { recursive: true });
			last.kind = 'zookeeper';
			last.launch();
			await last.serving();
			expect((await agreement(ensemble)).problems).toEqual([]);
			// It leads when the others make way: its ensemble can be restored as well.
			for (;;) {
				const { id, kind } = await ensemble.leader();
				if (kind === 'zookeeper') break;
				await ensemble.restart(id);
			}
			const ours = await clientOf(ensemble.member(1));
			const [cursor] = await database.query<{ zxid: string }>('select zxid from chronokeeper.mirror_cursor');
			const zookeeper = await connectTo(last);
			await zookeeper.send({ kind: 'setData', path: '/services/s00007', data: Buffer.from('wrong'), version: -1 });
			const target = { target: { $case: 'zxid', value: BigInt(cursor!.zxid) }, path: '/services/s00007' } as const;
			await ours.sync('/');
			const { id } = await ours.restores.start(target, 'under a leader that is a ZooKeeper');
			let over: Restore | undefined;
			for await (const found of ours.restores.watch(id)) over = found;
			expect(over).toMatchObject({ state: RestoreState.RESTORE_STATE_DONE, changesDone: 1n });
			expect((await agreement(ensemble)).problems).toEqual([]);
		},
		limitMs,
	);
});
