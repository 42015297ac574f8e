/** Three replicas and one PostgreSQL: whichever of them leads, and however it dies, every transaction is in the history exactly once. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StatusResponse } from '#proto/chronokeeper/v1/admin';
import { CompiledServer } from '#test/support/compiled-server';
import { eventually } from '#test/support/ensemble-wait';
import { MirroredEnsemble, memberIds, OwnPostgres, Writers } from '#test/support/mirrored-ensemble';

const folder = mkdtempSync(join(tmpdir(), 'chronokeeper-ensemble-mirror-'));
const limitMs = 240_000;
/** LONG_SPECS=1 goes round more often. */
const isLong = process.env.LONG_SPECS === '1';
const [kills, turns] = isLong ? [5, 3] : [3, 2];

let compiled: CompiledServer;
let postgres: OwnPostgres;
/** For all cases: what each of them adds to the history is in it like what was there before. */
let ensemble: MirroredEnsemble;
beforeAll(async () => {
	compiled = new CompiledServer();
	postgres = await OwnPostgres.make(folder);
	ensemble = new MirroredEnsemble(folder, compiled, postgres.url);
	await ensemble.start();
});
afterAll(async () => {
	await ensemble?.stop();
	await postgres?.stop();
	compiled.remove();
	rmSync(folder, { recursive: true, force: true });
});

/** Waits until everything the leader has is in the database. */
function inStep(): Promise<StatusResponse> {
	return eventually('the mirror has everything', async () => {
		const { status } = await ensemble.leader();
		const [cursor] = await postgres.query<{ zxid: string }>('select zxid from chronokeeper.mirror_cursor');
		const isThere = BigInt(cursor!.zxid) === status.lastZxid;
		return isThere && (await ensemble.statuses()).some(({ mirror }) => mirror?.state === 'in-step')
			? status
			: undefined;
	});
}

async function expectWholeHistory(): Promise<{ epochs: number }> {
	const status = await inStep();
	const epochs = await postgres.query<Record<'epoch' | 'first' | 'last' | 'rows' | 'zxids', number>>(
		`select epoch, (min(zxid) & 4294967295)::int as first, (max(zxid) & 4294967295)::int as last, count(*)::int as rows,
			count(distinct zxid)::int as zxids from chronokeeper.txn group by epoch order by epoch`,
	);
	for (const { first, last, rows, zxids } of epochs) expect([first, rows, zxids]).toEqual([1, last, last]);
	expect(await postgres.query('select * from chronokeeper.gap')).toEqual([]);
	const [cursor] = await postgres.query<{ zxid: string; digest: string }>(
		'select zxid, digest from chronokeeper.mirror_cursor',
	);
	expect(BigInt(cursor!.zxid)).toBe(status.lastZxid);
	const digests = await eventually('the replicas agree', async () => {
		const all = await ensemble.statuses();
		return all.every(({ lastZxid }) => lastZxid === status.lastZxid) ? all.map(({ digest }) => digest) : undefined;
	});
	expect(new Set([...digests, BigInt.asUintN(64, BigInt(cursor!.digest))]).size).toBe(1);
	return { epochs: epochs.length };
}

describe('the mirror of an ensemble', () => {
	it(
		'is written by the leader alone, and by the next when it dies, without a gap and without a duplicate',
		async () => {
			const writers = new Writers(ensemble, 3);
			const led = new Set<number>();
			for (let round = 0; round < kills; round++) {
				const before = writers.acknowledged.size;
				await eventually('writes are acknowledged', () => writers.acknowledged.size > before + 150);
				const { id } = await ensemble.leader();
				led.add(id);
				await ensemble.end(id, 'SIGKILL');
				const { id: next } = await ensemble.leader();
				expect(next).not.toBe(id);
				await ensemble.startMember(id);
			}
			await writers.stop();
			const { epochs } = await expectWholeHistory();
			expect(epochs).toBeGreaterThanOrEqual(kills);
			expect(led.size).toBeGreaterThan(1);

			const { id: leader } = await ensemble.leader();
			expect(await postgres.query('select writer from chronokeeper.mirror_cursor')).toEqual([
				{ writer: `server ${leader}` },
			]);
			const written = await postgres.query<{ path: string; zxid: string }>(
				"select path, zxid from chronokeeper.txn where type = 'create' and error = 0",
			);
			const zxids = new Map(written.map(({ path, zxid }) => [path, BigInt(zxid)]));
			const lost = [...writers.acknowledged].filter(([path, zxid]) => zxids.get(path) !== zxid);
			expect(lost).toEqual([]);
			for (const [id, { client }] of ensemble.running) {
				const { mirror } = await client.status();
				expect(mirror?.state).toBe(id === leader ? 'in-step' : 'standing-by');
			}
			// Whoever stands by asks, and so keeps no log for ever.
			await eventually('everybody knows how far the history is', async () => {
				const statuses = await ensemble.statuses();
				return statuses.every(({ lastZxid, mirror }) => mirror?.mirroredZxid === lastZxid);
			});
		},
		limitMs,
	);

	it(
		'goes on where it was when its leader leaves in order, which says that it stopped',
		async () => {
			for (let round = 0; round < turns; round++) {
				const { id, client } = await ensemble.leader();
				for (let i = 0; i < 20; i++) await client.create(`/round${round}-${i}`, null);
				const program = await ensemble.end(id, 'SIGTERM');
				expect([program.exitCode, program.output]).toEqual([0, expect.stringContaining('"msg":"stopped"')]);
				await ensemble.startMember(id);
			}
			await expectWholeHistory();
		},
		limitMs,
	);

	it(
		'has each transaction once although PostgreSQL ends its connections, stops and comes back, while leaders are killed',
		async () => {
			const { epochs: before } = await expectWholeHistory();
			const writers = new Writers(ensemble, 3);
			const goesOn = async (): Promise<void> => {
				const before = writers.acknowledged.size;
				await eventually('writes are acknowledged', () => writers.acknowledged.size > before + 100);
			};
			const killLeader = async (): Promise<void> => {
				const { id } = await ensemble.leader();
				await ensemble.end(id, 'SIGKILL');
				await goesOn();
				await ensemble.startMember(id);
			};
			let ended = 0;
			const turns = isLong ? 3 : 1;
			for (let round = 0; round < turns; round++) {
				// In the middle of batches, and of the take-over by the next leader.
				for (let i = 0; i < 10; i++) {
					await goesOn();
					ended += await postgres.endConnections();
				}
				const killed = killLeader();
				await eventually('a mirror is there', async () => (ended += await postgres.endConnections()) > 5 * (round + 1));
				await killed;
				// The leader that wrote is gone when PostgreSQL is back, and one that has never seen it goes on.
				await postgres.stop();
				await goesOn();
				await killLeader();
				await postgres.start();
				await goesOn();
			}
			await writers.stop();
			expect(ended).toBeGreaterThan(5);
			const { epochs } = await expectWholeHistory();
			expect(epochs - before).toBeGreaterThanOrEqual(2 * turns);
			const written = await postgres.query<{ path: string; zxid: string }>(
				"select path, zxid from chronokeeper.txn where type = 'create' and error = 0",
			);
			const zxids = new Map(written.map(({ path, zxid }) => [path, BigInt(zxid)]));
			expect([...writers.acknowledged].filter(([path, zxid]) => zxids.get(path) !== zxid)).toEqual([]);
			expect(await postgres.query('select * from chronokeeper.verify_chain(0, 9223372036854775807)')).toEqual([]);
		},
		limitMs,
	);

	it(
		'is written by the replica that is named, whoever leads, and goes on when that one was away',
		async () => {
			ensemble.settings = 'audit.mirroredBy=2';
			await ensemble.stop();
			await Promise.all(memberIds.map((id) => ensemble.startMember(id)));
			const writers = new Writers(ensemble, 3);
			for (let round = 0; round < turns; round++) {
				const before = writers.acknowledged.size;
				await eventually('writes are acknowledged', () => writers.acknowledged.size > before + 100);
				const { id } = await ensemble.leader();
				// First the leader, whichever it is, then the one that writes, in the middle of its work.
				const killed = round === 0 ? id : 2;
				await ensemble.end(killed, 'SIGKILL');
				const since = writers.acknowledged.size;
				await eventually('writes go on', () => writers.acknowledged.size > since + 50);
				await ensemble.startMember(killed);
			}
			await writers.stop();
			await expectWholeHistory();
			expect(await postgres.query('select writer from chronokeeper.mirror_cursor')).toEqual([{ writer: 'server 2' }]);
			for (const [id, { client }] of ensemble.running)
				expect((await client.status()).mirror?.state).toBe(id === 2 ? 'in-step' : 'standing-by');
		},
		limitMs,
	);
});
