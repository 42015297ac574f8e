/** Three replicas with audit.mode=strict: nothing is acknowledged or seen that PostgreSQL does not have, whoever leads; without PostgreSQL reads and sessions go on, and writes are refused. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ChronokeeperClient } from '#client/client';
import type { ClientError } from '#client/client-error';
import { formatSessionId, type SessionId } from '#core/model/zxid';
import { errors } from '#jute/errors';
import { CreateMode } from '#proto/chronokeeper/v1/znode';
import { CompiledServer } from '#test/support/compiled-server';
import { eventually } from '#test/support/ensemble-wait';
import { MirroredEnsemble, memberIds, OwnPostgres, Writers } from '#test/support/mirrored-ensemble';
import { readiness } from '#test/support/test-servers';

const folder = mkdtempSync(join(tmpdir(), 'chronokeeper-strict-'));
const limitMs = 240_000;
const patienceMs = 1000;

let compiled: CompiledServer;
let postgres: OwnPostgres;
let ensemble: MirroredEnsemble;
beforeAll(async () => {
	compiled = new CompiledServer();
	postgres = await OwnPostgres.make(folder);
	ensemble = new MirroredEnsemble(folder, compiled, postgres.url);
	ensemble.settings = `audit.mode=strict\naudit.strict.patienceMs=${patienceMs}`;
	await ensemble.start();
});
afterAll(async () => {
	await ensemble?.stop();
	await postgres?.stop();
	compiled?.remove();
	rmSync(folder, { recursive: true, force: true });
});

async function cursor(): Promise<bigint> {
	const [row] = await postgres.query<{ zxid: string }>('select zxid from chronokeeper.mirror_cursor');
	return BigInt(row!.zxid);
}

describe('audit.mode=strict in an ensemble', () => {
	it(
		'acknowledges at every replica what is in PostgreSQL, also while leaders are killed',
		async () => {
			await ensemble.leader();
			// A new path each time: of one that was not answered nobody knows.
			let tried = 0;
			for (let i = 0; i < 9; i++) {
				const { client } = ensemble.running.get(memberIds[i % 3]!)!;
				const { zxid } = await eventually('a write is acknowledged', () => client.create(`/checked${tried++}`, null));
				expect(await cursor()).toBeGreaterThanOrEqual(zxid);
			}
			const writers = new Writers(ensemble, 3);
			for (let round = 0; round < 2; round++) {
				const before = writers.acknowledged.size;
				await eventually('writes are acknowledged', () => writers.acknowledged.size > before + 40);
				const { id } = await ensemble.leader();
				await ensemble.end(id, 'SIGKILL');
				const known = new Map(writers.acknowledged);
				const rows = await postgres.query<{ path: string; zxid: string }>(
					"select path, zxid from chronokeeper.txn where type = 'create' and error = 0",
				);
				const zxids = new Map(rows.map(({ path, zxid }) => [path, BigInt(zxid)]));
				// What the dead leader had acknowledged is there, before anybody else leads.
				expect([...known].filter(([path, zxid]) => zxids.get(path) !== zxid)).toEqual([]);
				await ensemble.leader();
				await ensemble.startMember(id);
			}
			await writers.stop();
			expect(await postgres.query('select * from chronokeeper.gap')).toEqual([]);
		},
		limitMs,
	);

	it(
		'says who asked for what a follower forwarded: identity, address, door, session and request id',
		async () => {
			const { id: leader } = await ensemble.leader();
			const { addresses } = ensemble.running.get(memberIds.find((id) => id !== leader)!)!.program;
			const ann = new ChronokeeperClient({ address: addresses.grpc, auth: 'ann:secret', timeoutMs: 10_000 });
			try {
				await eventually('a write is taken', () => ann.create('/forwarded', null));
				const session = await ann.openSession({ timeoutMs: 10_000 });
				await session.create('/forwarded/in-session', null, { mode: CreateMode.CREATE_MODE_EPHEMERAL });
				await session.close();
				const who = {
					principal: expect.stringMatching(/^digest:ann:/),
					address: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
					door: 'grpc',
					request_id: expect.stringMatching(/^[0-9a-f]{8}-\d+$/),
				};
				const rows = await postgres.query(
					`select path, principal, address, door, request_id, chronokeeper.session_hex(session) as session
					from chronokeeper.txn where path like '/forwarded%' order by path`,
				);
				expect(rows).toEqual([
					{ path: '/forwarded', session: '0x0', ...who },
					{ path: '/forwarded/in-session', session: formatSessionId(session.id as SessionId), ...who },
				]);
				const { request_id: _, ...opener } = who;
				const life = 'select event, principal, address, door, details from chronokeeper.session_life($1)';
				expect(await postgres.query(life, [session.id.toString()])).toEqual([
					{ event: 'opened', details: 'timeout 10000 ms', ...opener },
					{
						event: 'closed',
						details: 'its client closed the session; with it went 1 ephemeral nodes: /forwarded/in-session',
						...opener,
					},
				]);
			} finally {
				ann.close();
			}
		},
		limitMs,
	);

	it(
		'without PostgreSQL refuses new writes at every replica, serves reads, and keeps sessions; nothing of what waited is lost',
		async () => {
			const { id: leader } = await ensemble.leader();
			const follower = memberIds.find((id) => id !== leader)!;
			const members = [...ensemble.running.values()];
			const { client: there } = ensemble.running.get(follower)!;
			const session = await eventually('a session is opened', () => there.openSession({ timeoutMs: 4000 }));
			await eventually('there is something to read', async () => {
				if ((await members[0]!.client.exists('/read')) === undefined)
					await members[0]!.client.create('/read', Buffer.from('read'));
				return true;
			});
			await postgres.stop();
			const waiting = ensemble.running
				.get(follower)!
				.client.create('/waited', null)
				.catch((error: Error) => error);
			const refusals = await Promise.all(
				members.map(({ client }, index) =>
					eventually('a new write is refused', async () => {
						const error = await client.create(`/refused${index}`, null).catch((problem: ClientError) => problem);
						return 'status' in error && error.codeName === 'NotReadOnly' ? error : undefined;
					}),
				),
			);
			for (const { status, message } of refusals)
				expect([status, message]).toEqual(['UNAVAILABLE', expect.stringMatching(/new writes are refused/)]);
			for (const { client, program } of members) {
				expect((await client.get('/read', { linearizable: true })).data).toEqual(Buffer.from('read'));
				const { code, body } = await readiness(program.addresses.http);
				expect([code, body.status, body.warnings.join()]).toEqual([
					200,
					'degraded',
					expect.stringMatching(/new writes are refused/),
				]);
			}
			// More than the session's timeout: it lives on and reads, and its writes are refused. Another one cannot begin.
			for (const untilMs = performance.now() + 5000; performance.now() < untilMs; ) {
				expect(await session.exists('/read')).toBeDefined();
			}
			await expect(session.create('/refused', null)).rejects.toMatchObject({ code: errors.notReadOnly.code });
			await expect(there.openSession()).rejects.toMatchObject({ code: errors.notReadOnly.code });
			expect((await ensemble.leader()).id).toBe(leader);

			await postgres.start();
			await eventually('a write is taken', () => members[0]!.client.create('/taken', null));
			await waiting;
			const [waited, refused] = await Promise.all([
				members[1]!.client.exists('/waited', { linearizable: true }),
				members[1]!.client.exists('/refused', { linearizable: true }),
			]);
			expect([waited === undefined, refused]).toEqual([false, undefined]);
			await session.create('/of-the-session', null);
			expect(session.state).toBe('attached');
			await session.close();
			const last = (await ensemble.leader()).status.lastZxid;
			await eventually('all of it is mirrored', async () => (await cursor()) >= last);
			expect(await postgres.query('select * from chronokeeper.gap')).toEqual([]);
		},
		limitMs,
	);
});
