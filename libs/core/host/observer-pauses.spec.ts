import { beforeEach, describe, expect, it } from 'vitest';
import { configOf, fixedMembership } from '#test/sim/scripted-peer';
import { SimReplica } from '#test/sim/sim-replica';
import { VirtualTimers } from '#test/sim/virtual-timers';
import type { ReplicaStorage } from '../ports/replica-storage.ts';
import { MemberHistory } from './member-history.ts';
import { type ObserverPauses, Peer } from './peer.ts';

/** Server `id` of three participants and an observer. It cannot reach its leader, server 1. */
class Member {
	readonly timers = new VirtualTimers();
	/** What it did, and when. */
	readonly told: string[] = [];
	readonly #peer: Peer;

	constructor(id: number, observerPauses: ObserverPauses) {
		const { host, clock } = new SimReplica({ isMember: true });
		this.#peer = new Peer({
			serverId: id,
			host,
			history: new MemberHistory(host, { acceptedEpoch: 0, currentEpoch: 0 } as ReplicaStorage),
			membership: fixedMembership(id, configOf(3, 1)),
			elections: { send: (to, { state }) => to === 1 && this.#tell(state) },
			quorum: {
				connect: (to) => {
					this.#tell(`connects to ${to}`);
					return Promise.reject(new Error('nobody is there'));
				},
				accept: () => () => {},
			},
			after: this.timers.after,
			clock,
			limits: { tickMs: 1000, initLimit: 10, syncLimit: 5 },
			observerPauses,
		});
	}

	#tell(what: string): void {
		this.told.push(`${this.timers.nowMs}: ${what}`);
	}

	async start(): Promise<void> {
		this.#peer.start();
		await settled();
		this.#hearWhoLeads();
	}

	stop(): void {
		this.#peer.stop();
	}

	async pass(ms: number): Promise<void> {
		this.timers.advance(ms);
		await settled();
	}

	/** A quorum follows server 1. */
	#hearWhoLeads(): void {
		const vote = { leader: 1, zxid: 0, electionEpoch: 1, peerEpoch: 0, config: null };
		this.#peer.notified(1, { ...vote, state: 'leading' });
		for (const id of [2, 3]) this.#peer.notified(id, { ...vote, state: 'following' });
	}
}

/** What was resolved by now has been acted upon. */
async function settled(): Promise<void> {
	await new Promise((resolve) => setImmediate(resolve));
}

describe('the pauses of an observer', () => {
	let pauses: ObserverPauses;
	beforeEach(() => {
		pauses = { beforeElection: () => 70, beforeConnecting: () => 30 };
	});

	it('are before it connects, and before it looks again when it lost its leader', async () => {
		const observer = new Member(4, pauses);
		await observer.start();
		await observer.pass(29);
		expect(observer.told).toEqual(['0: looking']);
		await observer.pass(1);
		expect(observer.told.slice(1)).toEqual(['30: connects to 1']);
		await observer.pass(69);
		expect(observer.told.slice(2)).toEqual([]);
		await observer.pass(1);
		expect(observer.told.slice(2)).toEqual(['100: looking']);
	});

	it('are none of a participant', async () => {
		const participant = new Member(3, pauses);
		await participant.start();
		await settled();
		expect(participant.told).toEqual(['0: looking', '0: connects to 1', '0: looking']);
	});

	it('are none of nothing', async () => {
		const observer = new Member(4, { beforeElection: () => 0, beforeConnecting: () => 0 });
		await observer.start();
		await settled();
		expect(observer.told).toEqual(['0: looking', '0: connects to 1', '0: looking']);
	});

	it.each([10, 40])('end when it is stopped, %i ms after it heard who leads', async (ms) => {
		const observer = new Member(4, pauses);
		await observer.start();
		for (let passed = 0; passed < ms; passed += 10) await observer.pass(10);
		const before = [...observer.told];
		observer.stop();
		await observer.pass(1000);
		expect(observer.told).toEqual(before);
	});
});
