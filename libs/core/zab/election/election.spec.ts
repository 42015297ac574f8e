import { expect, it } from 'vitest';
import { VirtualTimers } from '#test/sim/virtual-timers';
import type { Notification } from '../../ports/election-network.ts';
import { parseQuorumConfig } from '../parse-quorum-config.ts';
import type { QuorumConfig } from '../quorum-config.ts';
import { Election } from './election.ts';
import { noCandidate, type Vote } from './vote.ts';

const three = ensemble(3);
const five = ensemble(5);

function ensemble(count: number, ...lines: readonly string[]): QuorumConfig {
	const servers = Array.from({ length: count }, (_, i) => `server.${i + 1}=host:${2000 + i}:${3000 + i}`);
	return parseQuorumConfig([...servers, ...lines].join('\n'));
}

/** A server whose network is this test. */
class Subject {
	readonly timers = new VirtualTimers();
	config: QuorumConfig;
	nextConfig: QuorumConfig | undefined;
	readonly offered: string[] = [];
	onNewerConfig: () => void = () => undefined;
	readonly decisions: { readonly vote: Vote; readonly state: string }[] = [];
	readonly election: Election;
	#sent: { readonly to: number; readonly notification: Notification }[] = [];

	constructor(serverId: number, config = three) {
		this.config = config;
		this.election = new Election({
			serverId,
			network: { send: (to, notification) => this.#sent.push({ to, notification }) },
			after: this.timers.after,
			config: () => this.config,
			nextConfig: () => this.nextConfig,
			newerConfig: (config) => {
				this.offered.push(config.toString());
				this.onNewerConfig();
			},
			limits: { maxNotificationIntervalMs: 1000 },
		});
	}

	look(zxid = 0, peerEpoch = 0, lost?: number): void {
		this.election.look({ zxid, peerEpoch }, (vote, state) => this.decisions.push({ vote, state }), lost);
	}

	/** `from` looks and votes for `leader`. */
	votes(from: number, leader: number, vote: Partial<Notification> = {}): void {
		this.says(from, { state: 'looking', leader, ...vote });
	}

	says(from: number, notification: Partial<Notification>): void {
		const defaults = { state: 'looking', leader: from, zxid: 0, electionEpoch: 1, peerEpoch: 0, config: null } as const;
		this.election.notified(from, { ...defaults, ...notification });
	}

	/** What was sent since it was last asked, as `to state leader@round`. */
	sent(): string[] {
		const sent = this.#sent.map(
			({ to, notification: { state, leader, electionEpoch } }) => `${to} ${state} ${leader}@${electionEpoch}`,
		);
		this.#sent = [];
		return sent;
	}

	get lastSent(): Notification | undefined {
		return this.#sent.at(-1)?.notification;
	}

	wait(ms: number): void {
		this.timers.advance(ms);
	}

	get outcome(): string | undefined {
		const last = this.decisions.at(-1);
		return last === undefined ? undefined : `${last.state} ${last.vote.leader}@${last.vote.electionEpoch}`;
	}
}

function looking(serverId: number, config = three, zxid = 0, peerEpoch = 0): Subject {
	const subject = new Subject(serverId, config);
	subject.look(zxid, peerEpoch);
	subject.sent();
	return subject;
}

it('79: a server that looks votes for itself and tells all voters but itself', () => {
	const subject = new Subject(2, ensemble(3, 'server.4=host:1:2:observer'));
	expect([subject.election.state, subject.election.vote.leader]).toEqual(['looking', noCandidate]);
	subject.look(0x1_0000_0007, 1);
	expect(subject.lastSent).toEqual({
		state: 'looking',
		leader: 2,
		zxid: 0x1_0000_0007,
		electionEpoch: 1,
		peerEpoch: 1,
		config: subject.config.toString(),
	});
	expect(subject.sent()).toEqual(['1 looking 2@1', '3 looking 2@1']);
	expect(subject.election.vote).toEqual({ leader: 2, zxid: 0x1_0000_0007, electionEpoch: 1, peerEpoch: 1 });
});

it.each([
	['a higher epoch, whatever the rest', 1, { peerEpoch: 5, zxid: 10 }, true],
	['a higher zxid in the same epoch', 1, { peerEpoch: 4, zxid: 101 }, true],
	['a higher id with the same history', 3, { peerEpoch: 4, zxid: 100 }, true],
	['a lower epoch, whatever the rest', 3, { peerEpoch: 3, zxid: 999 }, false],
	['a lower zxid in the same epoch', 3, { peerEpoch: 4, zxid: 99 }, false],
	['a lower id with the same history', 1, { peerEpoch: 4, zxid: 100 }, false],
])('79: a vote for %s', (_, leader, vote, isBetter) => {
	const subject = looking(2, five, 100, 4);
	subject.votes(leader, leader, vote);
	if (isBetter) {
		expect(subject.election.vote).toEqual({ leader, electionEpoch: 1, ...vote });
		expect(subject.sent()).toEqual([1, 3, 4, 5].map((id) => `${id} looking ${leader}@1`));
	} else {
		expect(subject.election.vote.leader).toBe(2);
		// It may not have heard of the better vote.
		expect(subject.sent()).toEqual([`${leader} looking 2@1`]);
	}
});

it('79: a server without weight is not elected, and does not insist on itself', () => {
	const config = ensemble(3, 'group.1=1:2:3', 'weight.3=0');
	const subject = looking(2, config);
	subject.votes(3, 3, { zxid: 900 });
	expect(subject.election.vote.leader).toBe(2);
	const weightless = looking(3, config, 900);
	weightless.votes(1, 1, { zxid: 5 });
	expect(weightless.election.vote.leader).toBe(1);
});

it('79: a quorum of votes waits for a better candidate', () => {
	const subject = looking(2);
	subject.votes(1, 2);
	subject.wait(199);
	expect(subject.outcome).toBeUndefined();
	subject.wait(1);
	expect(subject.outcome).toBe('leading 2@1');
	expect(subject.election.state).toBe('leading');

	const late = looking(2);
	late.votes(1, 2);
	late.wait(150);
	late.votes(3, 3);
	late.wait(199);
	expect(late.outcome).toBeUndefined();
	late.wait(1);
	expect(late.outcome).toBe('following 3@1');
});

it.each([
	[3, 'following 2@1'],
	// One that was not lost may still have a better vote.
	[undefined, undefined],
])('79: the leader that was just lost (%s) is not waited for', (lost, outcome) => {
	const subject = new Subject(1);
	subject.look(0, 0, lost);
	subject.votes(2, 2);
	subject.wait(0);
	expect(subject.outcome).toBe(outcome);
});

it('79: nobody is waited for when all voters agree', () => {
	const subject = looking(2);
	subject.votes(1, 3);
	subject.votes(3, 3);
	subject.wait(0);
	expect(subject.outcome).toBe('following 3@1');
	const alone = new Subject(1, ensemble(1));
	alone.look();
	expect(alone.outcome).toBeUndefined();
	alone.wait(0);
	expect(alone.outcome).toBe('leading 1@1');
});

it('79: the wait ends without a decision when the quorum falls apart', () => {
	const subject = looking(2, five);
	subject.votes(1, 5);
	subject.votes(3, 5);
	subject.wait(100);
	// Restarted, and no longer of that opinion.
	subject.votes(3, 3);
	subject.wait(5000);
	expect(subject.outcome).toBeUndefined();
});

it('79: votes for the same leader with another history are other votes', () => {
	const subject = looking(2, three, 7, 1);
	subject.votes(1, 2, { zxid: 6, peerEpoch: 1 });
	subject.votes(3, 2, { zxid: 7, peerEpoch: 0 });
	subject.wait(5000);
	expect(subject.outcome).toBeUndefined();
});

it('79: a newer round is entered with a fresh vote, and votes of the old one are forgotten', () => {
	const subject = looking(2, five, 50);
	subject.votes(1, 4, { zxid: 60 });
	subject.votes(4, 4, { zxid: 60 });
	subject.sent();
	expect(subject.election.vote.leader).toBe(4);
	// Server 4 may be gone by now.
	subject.wait(150);
	subject.election.stop();
	subject.look(50);
	subject.votes(1, 3, { zxid: 40, electionEpoch: 9 });
	expect(subject.election.vote).toEqual({ leader: 2, zxid: 50, electionEpoch: 9, peerEpoch: 0 });
	subject.votes(3, 3, { zxid: 70, electionEpoch: 10 });
	expect(subject.election.vote).toEqual({ leader: 3, zxid: 70, electionEpoch: 10, peerEpoch: 0 });
	subject.wait(5000);
	expect(subject.outcome).toBeUndefined();
});

it('79: a vote of an older round does not count, and its sender is told of the newer one', () => {
	const subject = looking(2);
	subject.votes(1, 2, { electionEpoch: 5, zxid: -7 });
	subject.sent();
	subject.votes(3, 2, { electionEpoch: 4 });
	expect(subject.sent()).toEqual(['3 looking 2@5']);
	subject.wait(5000);
	expect(subject.outcome).toBeUndefined();
});

it('79: a better candidate of an older round is given the time to come', () => {
	const subject = looking(2);
	subject.votes(1, 2, { electionEpoch: 5 });
	subject.votes(1, 2, { electionEpoch: 5 });
	subject.wait(150);
	subject.votes(3, 3, { electionEpoch: 1 });
	subject.wait(150);
	subject.votes(3, 3, { electionEpoch: 5 });
	subject.wait(200);
	expect(subject.outcome).toBe('following 3@5');
});

it('79: a quorum that waits does not run to a newer round for a worse candidate, and tells it the outcome', () => {
	const subject = looking(2);
	subject.votes(3, 3);
	subject.wait(100);
	subject.votes(1, 1, { electionEpoch: 8 });
	expect(subject.election.vote.electionEpoch).toBe(1);
	subject.sent();
	subject.wait(100);
	expect(subject.outcome).toBe('following 3@1');
	expect(subject.sent()).toEqual(['1 following 3@1']);
});

it('79: the vote is sent again after pauses that double, and anew from the shortest after news', () => {
	const subject = looking(2, five);
	const times: number[] = [];
	for (let ms = 0; ms < 5000; ms += 100) {
		subject.wait(100);
		if (subject.sent().length > 0) times.push(ms + 100);
	}
	expect(times).toEqual([200, 600, 1400, 2400, 3400, 4400]);
	subject.votes(3, 3);
	expect(subject.sent()).toHaveLength(4);
	subject.wait(200);
	expect(subject.sent()).toEqual([1, 3, 4, 5].map((id) => `${id} looking 3@1`));
});

it('79: a server that has decided answers those that look, and only those', () => {
	const subject = looking(2);
	subject.votes(3, 3);
	subject.wait(200);
	subject.sent();
	subject.votes(1, 1);
	expect(subject.lastSent?.config).toBe(three.toString());
	expect(subject.sent()).toEqual(['1 following 3@1']);
	subject.says(3, { state: 'leading' });
	subject.says(1, { state: 'following', leader: 3 });
	expect(subject.sent()).toEqual([]);
	subject.election.update({ ...subject.election.vote, peerEpoch: 7 });
	subject.votes(1, 1);
	expect(subject.lastSent).toMatchObject({ state: 'following', leader: 3, electionEpoch: 1, peerEpoch: 7 });
	expect(subject.decisions).toHaveLength(1);
});

it('79: a latecomer joins the leader that a quorum follows, whatever its own history and round', () => {
	const subject = looking(5, five, 999, 9);
	subject.says(1, { state: 'following', leader: 3, electionEpoch: 4, peerEpoch: 8, zxid: 17 });
	subject.says(2, { state: 'following', leader: 3, electionEpoch: 4, peerEpoch: 8, zxid: 16 });
	expect(subject.outcome).toBeUndefined();
	subject.says(3, { state: 'leading', leader: 3, electionEpoch: 4, peerEpoch: 8, zxid: 17 });
	expect(subject.outcome).toBe('following 3@4');
	expect(subject.election.vote).toEqual({ leader: 3, zxid: 17, electionEpoch: 4, peerEpoch: 8 });
	subject.look(999, 9);
	expect(subject.election.vote.electionEpoch).toBe(5);
});

it('79: a leader that does not say itself that it leads is not followed', () => {
	const subject = looking(5, five);
	for (const id of [1, 2, 4]) subject.says(id, { state: 'following', leader: 3, electionEpoch: 4, peerEpoch: 8 });
	subject.says(3, { state: 'looking', leader: 3, electionEpoch: 1 });
	subject.wait(5000);
	expect(subject.outcome).toBeUndefined();
});

it('79: a leader that no quorum follows is not joined', () => {
	const subject = looking(5, five);
	subject.says(3, { state: 'leading', leader: 3, electionEpoch: 4, peerEpoch: 8 });
	subject.says(1, { state: 'following', leader: 3, electionEpoch: 4, peerEpoch: 8 });
	subject.says(2, { state: 'following', leader: 3, electionEpoch: 3, peerEpoch: 7 });
	subject.says(4, { state: 'observing', leader: 3, electionEpoch: 4, peerEpoch: 8 });
	subject.wait(5000);
	expect(subject.outcome).toBeUndefined();
});

it('79: in the same round the votes of those that look help a leader that others have found', () => {
	const subject = looking(2, five);
	subject.votes(4, 5);
	subject.says(5, { state: 'leading', leader: 5 });
	expect(subject.outcome).toBe('following 5@1');
});

it('79: what servers said in an older round does not help a leader of the newer one', () => {
	const subject = looking(2, five);
	for (const id of [1, 3]) subject.says(id, { state: 'following', leader: 5, peerEpoch: 3 });
	subject.votes(4, 4, { electionEpoch: 2 });
	subject.says(5, { state: 'leading', leader: 5, peerEpoch: 4, electionEpoch: 2 });
	subject.wait(5000);
	expect(subject.outcome).toBeUndefined();
});

it('79: a server leads when a quorum follows it in its present round and with its present history', () => {
	const subject = looking(3, five, 20, 2);
	for (const id of [1, 2]) subject.says(id, { state: 'following', leader: 3, zxid: 20, peerEpoch: 2 });
	expect(subject.outcome).toBe('leading 3@1');
});

it('79: followers of the life before a restart do not make a leader', () => {
	const sameRound = looking(3, five, 25, 3);
	const otherRound = looking(3, five, 20, 2);
	for (const id of [1, 2, 4]) {
		sameRound.says(id, { state: 'following', leader: 3, zxid: 20, peerEpoch: 3 });
		otherRound.says(id, { state: 'following', leader: 3, zxid: 20, peerEpoch: 2, electionEpoch: 6 });
	}
	for (const subject of [sameRound, otherRound]) {
		subject.wait(5000);
		expect(subject.outcome).toBeUndefined();
	}
});

it('79: votes of servers that have none, and votes for such, are ignored', () => {
	const subject = looking(2, ensemble(3, 'server.4=host:1:2:observer'));
	subject.votes(4, 2);
	subject.votes(9, 3);
	subject.votes(1, 9, { zxid: 99 });
	subject.votes(1, 4, { zxid: 99 });
	subject.votes(1, 1, { zxid: -1, electionEpoch: 7 });
	subject.wait(5000);
	expect(subject.election.vote).toMatchObject({ leader: 2, electionEpoch: 1 });
	expect(subject.outcome).toBeUndefined();
});

it('79: a server without a vote that looks is answered, once in a while as long as nothing is decided', () => {
	const subject = looking(2);
	subject.votes(9, noCandidate);
	subject.votes(9, noCandidate);
	expect(subject.sent()).toEqual(['9 looking 2@1']);
	subject.says(9, { state: 'observing', leader: 2 });
	expect(subject.sent()).toEqual([]);
	subject.votes(3, 3);
	subject.sent();
	subject.votes(9, noCandidate);
	expect(subject.sent()).toEqual(['9 looking 3@1']);
	subject.wait(200);
	subject.sent();
	subject.votes(9, noCandidate);
	subject.votes(9, noCandidate);
	expect(subject.sent()).toEqual(['9 following 3@1', '9 following 3@1']);
});

it('79: an observer proposes nobody and learns who leads, from votes or from those that know', () => {
	const config = ensemble(3, 'server.4=host:1:2:observer');
	const subject = new Subject(4, config);
	subject.look(500, 9);
	expect(subject.lastSent).toMatchObject({ leader: noCandidate, zxid: noCandidate, peerEpoch: noCandidate });
	subject.votes(1, 2);
	subject.votes(2, 2);
	subject.wait(200);
	expect(subject.outcome).toBe('observing 2@1');

	const joining = looking(4, config);
	joining.says(1, { state: 'following', leader: 3, electionEpoch: 4, peerEpoch: 2 });
	joining.says(3, { state: 'leading', leader: 3, electionEpoch: 4, peerEpoch: 2 });
	expect(joining.outcome).toBe('observing 3@4');
});

it('79: every search is a round of its own, and a stopped or replaced one decides nothing', () => {
	const subject = looking(2);
	subject.votes(1, 2);
	subject.election.stop();
	subject.wait(5000);
	expect([subject.outcome, subject.election.state]).toEqual([undefined, 'looking']);
	subject.sent();
	subject.votes(1, 1);
	expect(subject.sent()).toEqual([]);
	subject.look();
	subject.votes(1, 2, { electionEpoch: 2 });
	subject.look();
	expect(subject.election.vote.electionEpoch).toBe(3);
	subject.wait(5000);
	expect(subject.outcome).toBeUndefined();
	subject.votes(1, 2, { electionEpoch: 3 });
	subject.wait(200);
	expect(subject.decisions.map(({ vote }) => vote.electionEpoch)).toEqual([3]);
	subject.look();
	expect(subject.election.vote.electionEpoch).toBe(4);
});

it('79, 82: while a reconfiguration is under way the leader needs a quorum of both configurations', () => {
	const subject = new Subject(2);
	subject.nextConfig = ensemble(5, 'version=100000005');
	subject.look();
	expect(subject.sent().map((each) => each.charAt(0))).toEqual(['1', '3', '4', '5']);
	subject.votes(1, 2);
	subject.wait(300);
	expect(subject.outcome).toBeUndefined();
	subject.votes(5, 2);
	subject.wait(200);
	expect(subject.outcome).toBe('leading 2@1');
});

it('82: a newer configuration that comes with a vote is offered while looking', () => {
	const subject = looking(2);
	const newer = five.withVersion(0x1_0000_0001).toString();
	subject.votes(1, 1, { config: three.toString() });
	subject.votes(1, 1, { config: 'server.1=nonsense\nversion=900000000' });
	expect(subject.offered).toEqual([]);
	subject.votes(1, 3, { config: newer });
	expect(subject.offered).toEqual([newer]);
	expect(subject.election.vote.leader).toBe(3);
	subject.wait(200);
	subject.votes(1, 1, { config: newer });
	expect(subject.offered).toHaveLength(1);
});

it('82: after looking anew because of a newer configuration the vote that it came with does not count', () => {
	const subject = looking(2);
	subject.onNewerConfig = () => {
		subject.config = five.withVersion(0x1_0000_0001);
		subject.look();
	};
	subject.votes(4, 4, { electionEpoch: 2, zxid: 9, config: five.withVersion(0x1_0000_0001).toString() });
	expect(subject.election.vote).toEqual({ leader: 2, zxid: 0, electionEpoch: 2, peerEpoch: 0 });
	subject.votes(4, 4, { electionEpoch: 2, zxid: 9 });
	expect(subject.election.vote.leader).toBe(4);
});

it('82: a server that is in no configuration follows without a vote', () => {
	const subject = new Subject(9);
	subject.look(7, 1);
	expect(subject.election.vote.leader).toBe(noCandidate);
	subject.says(1, { state: 'leading', leader: 1 });
	subject.says(2, { state: 'following', leader: 1 });
	expect(subject.outcome).toBe('following 1@1');
});

it('82: a quorum of one configuration is enough to join those who follow a leader, so that those who never joined are not waited for', () => {
	const subject = new Subject(1);
	subject.nextConfig = ensemble(5, 'version=100000005');
	subject.look();
	subject.says(3, { state: 'leading', leader: 3, electionEpoch: 4 });
	expect(subject.outcome).toBeUndefined();
	subject.says(2, { state: 'following', leader: 3, electionEpoch: 4 });
	expect(subject.outcome).toBe('following 3@4');
	// To lead takes both, whatever others say.
	const leader = new Subject(2);
	leader.nextConfig = ensemble(5, 'version=100000005');
	leader.look();
	leader.says(1, { state: 'following', leader: 2 });
	leader.wait(300);
	expect(leader.outcome).toBeUndefined();
});

it('82: whom a reconfiguration makes the leader needs no search, and those that look are told', () => {
	const subject = looking(1);
	subject.election.assume({ leader: 3, zxid: 9, electionEpoch: 4, peerEpoch: 2 }, 'following');
	subject.sent();
	subject.votes(2, 2);
	expect(subject.sent()).toEqual(['2 following 3@4']);
	subject.wait(5000);
	expect(subject.outcome).toBeUndefined();
});

it.each([ensemble(5, 'version=100000005'), undefined])(
	'82: who is no candidate enters the round of those who vote, a former one too: its vote may be needed, whether it knows that or not',
	(next) => {
		const subject = new Subject(5);
		subject.nextConfig = next;
		for (let round = 1; round <= 4; round++) subject.look();
		subject.votes(2, 3, { electionEpoch: 2 });
		expect(subject.election.vote).toEqual({ leader: 3, zxid: 0, electionEpoch: 2, peerEpoch: 0 });
		expect(subject.sent()).toContain('2 looking 3@2');
		subject.votes(1, 1, { electionEpoch: 1 });
		expect(subject.election.vote.electionEpoch).toBe(2);
	},
);
