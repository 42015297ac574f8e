/**
 * Prep on the projected state decides as if each request had been applied before the next one came: the same requests, all in flight at
 * once, in groups, or one by one, give the same answers, the same log and the same tree.
 */
import { expect, it } from 'vitest';
import type { Caller, Reply, Request } from '#core/model/op';
import { noSession, type SessionId } from '#core/model/zxid';
import { SeededRandom } from './random.ts';
import { randomWrite } from './random-ops.ts';
import { SimReplica } from './sim-replica.ts';

const caller: Caller = { door: 'zookeeper', identities: [], address: '' };
const system: Caller = { door: 'system', identities: [], address: '' };
const requests = 150;

/** How many requests are submitted before turns run, and how many records are made durable then. */
type Pace = (random: SeededRandom) => { readonly submit: number; readonly sync: number };

const oneByOne: Pace = () => ({ submit: 1, sync: 1e9 });
const allAtOnce: Pace = () => ({ submit: 1e9, sync: 1e9 });
const inGroups: Pace = (random) => ({ submit: 1 + random.below(20), sync: random.below(12) });

function plan(seed: number, sessions: readonly SessionId[]): Omit<Request, 'reply'>[] {
	const random = new SeededRandom(seed);
	return Array.from({ length: requests }, (_, cxid) => {
		const sessionId = random.chance(0.1) ? noSession : random.pick(sessions);
		if (random.chance(0.02)) return { sessionId, cxid, op: { kind: 'closeSession' }, caller };
		const op = randomWrite(random);
		return { sessionId, cxid, op, caller: op.kind === 'deleteContainer' ? system : caller };
	});
}

interface Outcome {
	readonly replies: readonly (Reply | undefined)[];
	readonly log: readonly unknown[];
	readonly digest: bigint;
	readonly paths: readonly string[];
}

function run(seed: number, pace: Pace): Outcome {
	const replica = new SimReplica({ options: { extendedTypesEnabled: true } });
	const sessions: SessionId[] = [];
	for (let i = 0; i < 4; i++) {
		replica.host.submit({
			sessionId: noSession,
			cxid: 0,
			op: { kind: 'createSession', timeoutMs: 30_000 },
			caller,
			reply: ({ result }) => {
				if (result?.kind === 'createSession') sessions.push(result.sessionId);
			},
		});
	}
	replica.settle();
	const replies: (Reply | undefined)[] = new Array(requests);
	const random = new SeededRandom(seed + 1);
	const todo = plan(seed, sessions);
	for (let at = 0; at < todo.length; ) {
		const { submit, sync } = pace(random);
		for (const end = Math.min(todo.length, at + submit); at < end; at++) {
			const index = at;
			replica.host.submit({ ...todo[at]!, reply: (reply) => (replies[index] = reply) });
		}
		replica.run();
		replica.log.sync(Math.min(sync, replica.disk.unsynced));
	}
	replica.settle();
	expect(replica.host.state, `seed ${seed}`).toBe('serving');
	const { tree } = replica.host;
	return { replies, log: replica.disk.read(), digest: tree.digest(), paths: [...tree.paths()] };
}

const seeds = Array.from({ length: 60 }, (_, i) => i * 7919 + 1);

it.each(seeds)('11, 12, 13, 14, 16, 41, 77: pipelined equals one by one, seed %i', (seed) => {
	const expected = run(seed, oneByOne);
	expect(expected.replies.filter((reply) => reply?.error === 0).length).toBeGreaterThan(10);
	expect(run(seed, allAtOnce)).toEqual(expected);
	expect(run(seed, inGroups)).toEqual(expected);
});
