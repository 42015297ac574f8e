/**
 * Random clients, and a replica that loses its power at any moment. Whatever was acknowledged is there after recovery, as it was
 * acknowledged; every client sees an order it can rely on; every replay gives the digest each record says.
 *
 * One seed is one run: `SEED=123 npx vitest run test/sim/crash.spec.ts` runs that one alone, `SEEDS=3000` many. A seed that showed a
 * fault stays in regressions.txt.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { TxnRecord } from '#core/model/txn-record';
import { SeededRandom } from './random.ts';
import { randomRead, randomSimpleWrite } from './random-ops.ts';
import { SimClient } from './sim-client.ts';
import { SimReplica } from './sim-replica.ts';

const steps = 400;
const fixedSeed = process.env.SEED;
const count = Number(process.env.SEEDS ?? 40);
const drawn = Array.from({ length: count }, (_, i) => 1 + i * 104_729);
/** One seed and its story on each line. */
const regressions = readFileSync(join(import.meta.dirname, 'regressions.txt'), 'utf8')
	.split('\n')
	.filter((line) => /^\d/.test(line))
	.map((line) => Number.parseInt(line, 10));
const seeds = fixedSeed === undefined ? [...regressions, ...drawn] : [Number(fixedSeed)];

it.each(seeds)('8, 10, 46, 63, 70, 77: clients and crashes, seed %i', (seed) => {
	const random = new SeededRandom(seed);
	const problems: unknown[] = [];
	const replica = new SimReplica({
		options: { extendedTypesEnabled: true, skipAcl: true, minSessionTimeoutMs: 1000, tickMs: 500 },
		// The host guards itself against doors that throw, so what a client found comes out here.
		events: { requestFailed: (error) => problems.push(error) },
	});
	const clients = ['ada', 'ben', 'cid', 'dot', 'eli'].map((name) => new SimClient(name));
	for (let step = 0; step < steps; step++) perform(random, replica, clients);
	replica.settle();
	expect(problems, `seed ${seed}`).toEqual([]);
	expect(replica.host.state).toBe('serving');
	checkAcknowledged(replica.disk.read(), clients);
	checkEphemerals(replica);
	const digest = replica.host.tree.digest();
	replica.crash();
	expect(replica.host.tree.digest()).toBe(digest);
	expect(clients.flatMap((client) => client.acknowledged).length).toBeGreaterThan(5);
});

function perform(random: SeededRandom, replica: SimReplica, clients: readonly SimClient[]): void {
	const client = random.pick(clients);
	const what = random.below(100);
	if (!client.isConnected) client.connect(replica);
	else if (what < 35) client.send(replica, randomSimpleWrite(random));
	else if (what < 45)
		client.send(replica, { kind: 'multi', ops: [randomSimpleWrite(random), randomSimpleWrite(random)] });
	else if (what < 65) client.send(replica, randomRead(random));
	else if (what < 78) replica.run();
	else if (what < 90) replica.log.sync(random.below(replica.disk.unsynced + 1));
	else if (what < 94) replica.advance(random.below(1500), false);
	else if (what < 96) client.disconnect(replica);
	else if (what < 97) client.send(replica, { kind: 'closeSession' });
	else cutPower(random, replica, clients);
}

function cutPower(random: SeededRandom, replica: SimReplica, clients: readonly SimClient[]): void {
	if (random.chance(0.3)) {
		replica.log.fail(new Error('no space left on device'));
		replica.run();
	}
	const kept = random.below(replica.disk.unsynced + 1);
	for (const client of clients) client.disconnect(null);
	replica.crash(kept);
	checkAcknowledged(replica.disk.read(), clients);
}

/** Each acknowledged write is in the log under its zxid, with the outcome its client was told. */
function checkAcknowledged(log: readonly TxnRecord[], clients: readonly SimClient[]): void {
	const byZxid = new Map(log.map((record) => [record.header.zxid, record]));
	for (const client of clients) {
		for (const { sessionId, cxid, zxid, error } of client.acknowledged) {
			const record = byZxid.get(zxid);
			expect(record?.header, `${client.name} was told that ${cxid} is ${zxid}`).toMatchObject({ sessionId, cxid });
			expect(record?.txn.kind === 'error' ? record.txn.code : 0).toBe(error);
		}
	}
}

/** No ephemeral node outlives its session. */
function checkEphemerals(replica: SimReplica): void {
	const { tree, sessions } = replica.host;
	const open = sessions.committed();
	for (const sessionId of tree.sessionsWithEphemerals()) expect(open.has(sessionId)).toBe(true);
}
