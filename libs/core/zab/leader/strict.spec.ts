/** audit.mode=strict: what a quorum has is committed when it is mirrored, too, and learners hear of a mirror that keeps everybody waiting. */
import { describe, expect, it } from 'vitest';
import { packetType } from '#jute/quorum/packets';
import type { SessionId } from '#jute/scalars';
import { ack, LeaderFixture } from '#test/sim/leader-fixture';
import { epochRecords } from '#test/sim/scripted-peer';
import { MirrorHold } from '../../host/mirror-hold.ts';
import { makeZxid } from '../../model/zxid.ts';
import { packet, requestPacket, syncRequest } from '../messages.ts';

const patienceMs = 1000;
const log = epochRecords(1, 5);
const window = { windowSize: 3, logReach: 0 };

class Strict {
	readonly writable: number[] = [];
	readonly hold: MirrorHold;
	readonly fixture: LeaderFixture;

	constructor() {
		const clock = { monotonicMs: () => this.fixture?.timers.nowMs ?? 0 };
		const mirror = (zxid: number) => void this.writable.push(zxid % 2 ** 32);
		this.hold = new MirrorHold({ clock, patienceMs, mirror });
		this.fixture = new LeaderFixture(log, window, 3, log.length, this.hold);
	}

	mirrored(counter: number): void {
		this.hold.mirrored(makeZxid(2, counter));
		this.fixture.leader.mirrored();
	}
}

describe('audit.mode=strict in an ensemble', () => {
	it('the mirror may write what a quorum and this server have logged, and that is committed when it has', async () => {
		const strict = new Strict();
		const { fixture } = strict;
		const two = await fixture.established();
		const { learner: three } = await fixture.upTo(3, makeZxid(1, 5));
		three.send(ack(makeZxid(2, 0)));
		await three.heard();
		fixture.propose(2);
		await two.heard();
		for (const counter of [1, 2]) for (const each of [two, three]) each.send(ack(makeZxid(2, counter)));
		// A quorum has it, but not the log that the mirror reads.
		expect(strict.writable).toEqual([]);
		fixture.leader.logged(makeZxid(2, 1));
		fixture.leader.logged(makeZxid(2, 2));
		expect(strict.writable).toEqual([1, 2]);
		expect([fixture.told.slice(1), await two.heard()]).toEqual([[], []]);
		strict.mirrored(1);
		expect(fixture.told.slice(1)).toEqual(['committed 1']);
		expect(await two.heard()).toEqual(['COMMIT 0x200000001']);
		// Of one that is ahead: another quorum may have decided that, not this one.
		strict.mirrored(9);
		fixture.propose(1);
		expect(fixture.told.slice(1)).toEqual(['committed 1', 'committed 2']);
	});

	it('learners hear with a ping that new writes are refused, and at once when they are taken again', async () => {
		const strict = new Strict();
		const { fixture } = strict;
		const two = await fixture.established();
		const pings = () => two.packets.filter(({ type }) => type === packetType.ping).map(({ data }) => data?.[0] ?? 0);
		fixture.propose(1);
		await two.heard();
		two.send(ack(makeZxid(2, 1)));
		fixture.leader.logged(makeZxid(2, 1));
		for (let passed = 0; passed < patienceMs; passed += 50) {
			fixture.timers.advance(50);
			two.send(packet(packetType.ping, 0));
			await two.heard();
		}
		expect(strict.hold.isOverdue).toBe(false);
		expect(new Set(pings())).toEqual(new Set([0]));
		fixture.timers.advance(60);
		await two.heard();
		expect(pings().at(-1)).toBe(1);
		const told = pings().length;
		strict.mirrored(1);
		await two.heard();
		expect(pings().slice(told)).toEqual([0]);
	});

	it('69: a barrier does not wait for what nobody was told while the mirror keeps it, but for a quorum; a ZooKeeper is answered in turn', async () => {
		const strict = new Strict();
		const { fixture } = strict;
		const two = await fixture.established();
		const answers: string[] = [];
		fixture.propose(1);
		await two.heard();
		two.send(ack(makeZxid(2, 1)));
		fixture.leader.logged(makeZxid(2, 1));
		fixture.leader.barrier(() => answers.push('barrier'));
		two.send(packet(packetType.ping, 0));
		await two.heard();
		expect(answers).toEqual([]);
		for (let passed = 0; passed <= patienceMs; passed += 50) {
			fixture.timers.advance(50);
			two.send(packet(packetType.ping, 0));
			await two.heard();
		}
		expect(answers).toEqual(['barrier']);
		two.send(requestPacket(syncRequest(0x1000n as SessionId, 1, '/a')));
		two.send(packet(packetType.ping, 0), packet(packetType.ping, 0));
		expect((await two.heard()).filter((name) => name.startsWith('SYNC'))).toEqual([]);
		strict.mirrored(1);
		expect((await two.heard()).filter((name) => /SYNC|COMMIT/.test(name))).toEqual(['COMMIT 0x200000001', 'SYNC 0x0']);
	});

	it('69: a Chronokeeper hears with the answer up to where was proposed when it asked: an observer sees none of that before the mirror lets it', async () => {
		const strict = new Strict();
		const { fixture } = strict;
		const two = await fixture.established();
		const { learner: four } = await fixture.upTo(4, makeZxid(1, 5), 1, 'observerInfo', true);
		four.send(ack(makeZxid(2, 0)));
		// Nothing is proposed in this epoch: there is nothing to wait for.
		four.send(requestPacket(syncRequest(0x1000n as SessionId, 1, '/a')));
		await four.heard();
		two.send(packet(packetType.ping, 0));
		await two.heard();
		expect((await four.heard()).at(-1)).toBe('SYNC 0x0');
		fixture.propose(2);
		await two.heard();
		for (const counter of [1, 2]) two.send(ack(makeZxid(2, counter)));
		fixture.leader.logged(makeZxid(2, 2));
		four.send(requestPacket(syncRequest(0x1000n as SessionId, 1, '/a')));
		await four.heard();
		fixture.propose(1);
		two.send(ack(makeZxid(2, 3)));
		for (let passed = 0; passed <= patienceMs; passed += 50) {
			fixture.timers.advance(50);
			for (const each of [two, four]) each.send(packet(packetType.ping, 0));
			await two.heard();
		}
		expect((await four.heard()).filter((name) => /SYNC|INFORM/.test(name))).toEqual(['SYNC 0x200000002']);
	});

	it('a follower that was away gets what is not mirrored yet, and no commit of it', async () => {
		const strict = new Strict();
		const { fixture } = strict;
		const two = await fixture.established();
		fixture.propose(1);
		two.send(ack(makeZxid(2, 1)));
		fixture.leader.logged(makeZxid(2, 1));
		const { learner, heard } = await fixture.upTo(3, makeZxid(1, 5), 1, 'followerInfo', true);
		expect(heard).toEqual(['DIFF 0x100000005', 'PROPOSAL 0x200000001', 'NEWLEADER 0x200000000']);
		learner.send(ack(makeZxid(2, 0)));
		expect(await learner.heard()).toEqual(['UPTODATE']);
		strict.mirrored(1);
		expect(await learner.heard()).toEqual(['COMMIT 0x200000001']);
	});
});
