/**
 * Whatever dies, and however often: replicas, the processes of PostgreSQL, its connections, all of it. Then the history has every committed zxid once, and
 * the check that an auditor would run says so. LONG_SPECS=1 goes on for ten minutes.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { generateKeys, readVerifyingKey } from '#audit/checkpoint-key';
import { LogSource } from '#audit/log-source';
import { check, inWords } from '#audit/verify/check';
import type { Zxid } from '#jute/scalars';
import { CompiledServer } from '#test/support/compiled-server';
import { eventually } from '#test/support/ensemble-wait';
import { seeded } from '#test/support/generated-log';
import { MirroredEnsemble, memberIds, OwnPostgres, Writers } from '#test/support/mirrored-ensemble';

const folder = mkdtempSync(join(tmpdir(), 'chronokeeper-mirror-kills-'));
const isLong = process.env.LONG_SPECS === '1';
const killingMs = isLong ? 600_000 : 20_000;

let compiled: CompiledServer;
let postgres: OwnPostgres;
let ensemble: MirroredEnsemble;
beforeAll(async () => {
	compiled = new CompiledServer();
	postgres = await OwnPostgres.make(folder);
	const { privatePem, publicPem } = generateKeys();
	writeFileSync(join(folder, 'mirror.pem'), privatePem, { mode: 0o600 });
	writeFileSync(join(folder, 'mirror.pub'), publicPem);
	ensemble = new MirroredEnsemble(folder, compiled, postgres.url);
	ensemble.settings = `audit.signingKey=${join(folder, 'mirror.pem')}\naudit.checkpoint.intervalTxns=500\naudit.checkpoint.intervalSeconds=2`;
	await ensemble.start();
});
afterAll(async () => {
	await ensemble?.stop();
	await postgres?.stop();
	compiled.remove();
	rmSync(folder, { recursive: true, force: true });
});

it(
	'rows are the committed zxids, without a gap and without a duplicate, after replicas, connections and PostgreSQL were killed',
	async () => {
		const random = seeded(process.env.CK_SEED === undefined ? Date.now() : Number(process.env.CK_SEED));
		const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
		const writers = new Writers(ensemble, 3);
		const goesOn = async (): Promise<void> => {
			const before = writers.acknowledged.size;
			await eventually('writes are acknowledged', () => writers.acknowledged.size > before + 30, 180_000);
		};
		const done = { leaders: 0, replicas: 0, connections: 0, backends: 0, postgres: 0 };
		const faults = {
			leader: async () => {
				const { id } = await ensemble.leader();
				await ensemble.end(id, 'SIGKILL');
				await goesOn();
				await ensemble.startMember(id);
				done.leaders++;
			},
			replica: async () => {
				const id = pick(memberIds);
				await ensemble.end(id, 'SIGKILL');
				await ensemble.startMember(id);
				done.replicas++;
			},
			connections: async () => {
				for (let i = 0; i < 5; i++) done.connections += await postgres.endConnections();
			},
			backend: async () => {
				if (await postgres.killBackend()) done.backends++;
				// It recovers by itself, and refuses connections meanwhile.
				await eventually('PostgreSQL answers', () => postgres.query('select').then(() => true));
			},
			postgres: async () => {
				await postgres.kill();
				await goesOn();
				await postgres.start();
				done.postgres++;
			},
		};
		const kinds = Object.keys(faults) as (keyof typeof faults)[];
		const until = performance.now() + killingMs;
		for (let round = 0; performance.now() < until || round < kinds.length; round++) {
			// Each once, then as it comes.
			await faults[kinds[round] ?? pick(kinds)]();
			await goesOn();
		}
		await writers.stop();

		const { status, id } = await eventually(
			'the mirror has everything',
			async () => {
				const leader = await ensemble.leader();
				const [cursor] = await postgres.query<{ zxid: string }>('select zxid from chronokeeper.mirror_cursor');
				return BigInt(cursor?.zxid ?? 0) === leader.status.lastZxid && leader;
			},
			180_000,
		);
		const cluster = { server: `server ${id}`, zxid: Number(status.lastZxid) as Zxid, digest: status.digest };
		const checked = await check(postgres.url, { cluster, keys: [readVerifyingKey(join(folder, 'mirror.pub'))] });
		const { verified } = checked;
		console.log(
			JSON.stringify({
				...done,
				acknowledged: writers.acknowledged.size,
				rows: verified.txns,
				epochs: verified.epochRuns.length,
				checkpoints: verified.signedCheckpoints,
				seconds: killingMs / 1000,
			}),
			inWords(checked).join(' '),
		);
		expect(verified.findings).toEqual([]);
		expect(verified.gaps).toEqual([]);
		expect(checked.cluster?.state).toBe('equal');
		expect(verified.signedCheckpoints).toBeGreaterThan(0);
		for (const { epoch, first, last, rows } of verified.epochRuns) {
			expect([epoch, first % 2 ** 32, rows]).toEqual([epoch, 1, last % 2 ** 32]);
		}

		// What was committed, as the leader's log has it, and what was acknowledged.
		const committed = [...new LogSource(ensemble.dataDirOf(id), undefined, () => undefined).records(0 as Zxid)].map(
			(it) => it.record.header.zxid,
		);
		const rows = await postgres.query<{ zxid: string }>('select zxid from chronokeeper.txn order by zxid');
		const zxids = rows.map((row) => Number(row.zxid));
		const known = new Set(zxids);
		expect(zxids.length).toBe(known.size);
		expect(committed.filter((zxid) => zxid <= cluster.zxid && !known.has(zxid))).toEqual([]);
		const created = await postgres.query<{ path: string; zxid: string }>(
			"select path, zxid from chronokeeper.txn where type = 'create' and error = 0",
		);
		const at = new Map(created.map(({ path, zxid }) => [path, BigInt(zxid)]));
		expect([...writers.acknowledged].filter(([path, zxid]) => at.get(path) !== zxid)).toEqual([]);
	},
	killingMs + 400_000,
);
