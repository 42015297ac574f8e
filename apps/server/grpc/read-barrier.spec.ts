import { EventEmitter } from 'node:events';
import { status } from '@grpc/grpc-js';
import { beforeEach, expect, it } from 'vitest';
import type { Broadcast } from '#core/chain/wiring';
import type { Reply } from '#core/model/op';
import { errors } from '#jute/errors';
import { SimReplica } from '#test/sim/sim-replica';
import type { CancellableCall } from './cancellable-call.ts';
import { ReadBarrier } from './read-barrier.ts';

class Call extends EventEmitter implements CancellableCall {
	cancelled = false;

	cancel(): void {
		this.cancelled = true;
		this.emit('cancelled');
	}
}

let replica: SimReplica;
let barrier: ReadBarrier;
/** Rounds that the leader's quorum has not answered. */
let rounds: ((error?: Error) => void)[];

beforeEach(() => {
	replica = new SimReplica({ isMember: true });
	rounds = [];
	const broadcast: Partial<Broadcast> = {
		propose: () => {},
		flush: () => {},
		logged: () => {},
		barrier: (done) => rounds.push(done),
	};
	replica.host.lead(broadcast as Broadcast, 1);
	barrier = new ReadBarrier(replica.host, 100);
});

it('69: reads wait for a round that began after they came, and share it', async () => {
	const passed: string[] = [];
	const read = async (name: string): Promise<void> => {
		expect((await barrier.pass(new Call())).error).toBe(0);
		passed.push(name);
	};
	const all = [read('first')];
	replica.settle();
	all.push(...Array.from({ length: 99 }, (_, index) => read(`later ${index}`)));
	replica.settle();
	expect([rounds.length, barrier.size]).toEqual([1, 100]);
	await expect(barrier.pass(new Call())).rejects.toThrow('100 calls wait already (grpc.maxWaiting)');
	rounds.shift()!();
	await all[0];
	expect(passed).toEqual(['first']);
	replica.settle();
	expect(rounds).toHaveLength(1);
	rounds.shift()!();
	await Promise.all(all);
	expect([passed.length, barrier.rounds, barrier.size]).toEqual([100, 2, 0]);
});

it('69: nothing is left of a caller that is gone, whichever round it waits for', async () => {
	const calls = [new Call(), new Call()];
	const answers = calls.map((call) => barrier.pass(call).catch((error: { getError(): unknown }) => error.getError()));
	replica.settle();
	for (const call of calls) call.cancel();
	const cancelled = { code: status.CANCELLED, message: 'the caller is gone' };
	expect(await Promise.all(answers)).toMatchObject([cancelled, cancelled]);
	expect(barrier.size).toBe(0);
	expect(calls.map((call) => call.listenerCount('cancelled'))).toEqual([0, 0]);
	const late = new Call();
	late.cancelled = true;
	await expect(barrier.pass(late)).rejects.toThrow('gone');
	rounds.shift()!();
	replica.settle();
	expect([rounds.length, replica.host.outstanding]).toEqual([0, 0]);
});

it('69: without a quorum, or without a leader, nobody passes', async () => {
	const lost: Reply = { error: errors.connectionLoss.code, zxid: replica.host.lastProcessedZxid };
	const first = barrier.pass(new Call());
	replica.settle();
	rounds.shift()!(new Error('no quorum'));
	expect(await first).toEqual(lost);
	replica.host.look(new Error('no quorum'));
	const second = barrier.pass(new Call());
	replica.settle();
	expect(await second).toEqual(lost);
});

it('69: nor of a member whose log failed, which nobody answers any more', async () => {
	replica.log.fail(new Error('no space left on device'));
	const answer = barrier.pass(new Call());
	replica.settle();
	expect((await answer).error).toBe(errors.connectionLoss.code);
	expect(rounds).toEqual([]);
});

it('69: alone, a replica need ask nobody', async () => {
	const alone = new ReadBarrier(new SimReplica().host, 5);
	expect(await alone.pass(new Call())).toMatchObject({ error: 0 });
	expect(alone.rounds).toBe(0);
});
