import { describe, expect, it } from 'vitest';
import { protocolVersion, writeIntData, writeLearnerInfo } from '#jute/quorum/learner-info';
import { packetType } from '#jute/quorum/packets';
import { configOf, epochRecords, fixedMembership, ScriptedPeer } from '#test/sim/scripted-peer';
import { HistoryDisk, SimHistory } from '#test/sim/sim-history';
import { VirtualTimers } from '#test/sim/virtual-timers';
import { makeZxid, type Zxid } from '../../model/zxid.ts';
import { packet } from '../messages.ts';
import { Leader } from './leader.ts';
import type { SyncLimits } from './sync-throttle.ts';

const newLeader = 'NEWLEADER 0x200000000';
const inStep = makeZxid(1, 5);

/** Server 1 of three participants and three observers, with five transactions, the last three of them in memory. */
class Fixture {
	readonly lost: string[] = [];
	readonly #leader: Leader;

	constructor(limits: Partial<SyncLimits>, logReach = 0) {
		const disk = new HistoryDisk();
		disk.log = epochRecords(1, 5);
		disk.synced = 5;
		disk.acceptedEpoch = 1;
		disk.currentEpoch = 1;
		const timers = new VirtualTimers();
		const history = new SimHistory(disk, { windowSize: 3, logReach });
		this.#leader = new Leader(
			{
				serverId: 1,
				membership: fixedMembership(1, configOf(3, 3)),
				history,
				after: timers.after,
				nowMs: () => timers.nowMs,
				limits: { tickMs: 100, initLimit: 10, syncLimit: 5 },
				syncLimits: { forceSnapshot: false, maxConcurrentSnapSyncs: 10, maxConcurrentDiffSyncs: 10, ...limits },
			},
			{
				established: () => {},
				committed: (zxid) => history.commit(zxid),
				request: () => {},
				inTurn: (run) => run(),
				touched: () => {},
				revalidate: () => true,
				stepDown: (reason) => this.lost.push(`stepDown: ${reason.message}`),
				learnerLost: (learner, _address, reason) => this.lost.push(`${learner}: ${reason.message}`),
			},
		);
		this.#leader.start();
	}

	/** A learner whose history ends at `zxid`, and what it is sent up to NEWLEADER. */
	async join(id: number, zxid: Zxid) {
		const learner = new ScriptedPeer('learner', (link) => this.#leader.connected(link));
		const info = writeLearnerInfo({ serverId: id, protocolVersion, configVersion: 0, isMarked: false });
		learner.send(packet(id > 3 ? packetType.observerInfo : packetType.followerInfo, makeZxid(1, 0), info));
		await learner.heard();
		learner.send(packet(packetType.ackEpoch, zxid, writeIntData(1)));
		const heard = (await learner.heard()).filter((each) => !/PROPOSAL|COMMIT/.test(each));
		return {
			heard,
			acknowledge: () => learner.send(packet(packetType.ack, makeZxid(2, 0))),
			/** What it says costs it the link. */
			fail: () => learner.send(packet(packetType.ping)),
		};
	}
}

describe('forceSnapshotSync', () => {
	it.each([
		[true, 'SNAP 0x100000005'],
		[false, 'DIFF 0x100000005'],
	])('%s: a learner that has everything is sent %s', async (forceSnapshot, sent) => {
		const fixture = new Fixture({ forceSnapshot });
		expect((await fixture.join(2, inStep)).heard).toEqual([sent, newLeader]);
		expect(fixture.lost).toEqual([]);
	});
});

describe.each([
	{ key: 'maxConcurrentSnapSyncs', way: 'a snapshot', zxid: 0 as Zxid, logReach: 0 },
	{
		key: 'maxConcurrentSnapSyncs',
		way: 'a snapshot, in place of a log with a gap',
		zxid: makeZxid(0, 7),
		logReach: 100,
	},
	{ key: 'maxConcurrentDiffSyncs', way: 'what is in memory', zxid: inStep, logReach: 0 },
	{ key: 'maxConcurrentDiffSyncs', way: 'the log on disk', zxid: makeZxid(1, 1), logReach: 100 },
])('$key, of learners that are sent $way', ({ key, zxid, logReach }) => {
	const busy = `as many as ${key}=1 allows are brought up already: an observer has to come again`;

	it('counts all, and sends away observers only, until the first ones have acknowledged NEWLEADER', async () => {
		const fixture = new Fixture({ [key]: 1 }, logReach);
		const two = await fixture.join(2, zxid);
		expect(two.heard.at(-1)).toBe(newLeader);
		expect((await fixture.join(4, zxid)).heard).toEqual([]);
		expect(fixture.lost).toEqual([`4: ${busy}`]);
		const three = await fixture.join(3, zxid);
		expect(three.heard.at(-1)).toBe(newLeader);
		two.acknowledge();
		three.acknowledge();
		// In the same way as those before it.
		expect((await fixture.join(4, zxid)).heard).toEqual(two.heard);
		expect(fixture.lost).toHaveLength(1);
	});

	it('does not count one that has left', async () => {
		const fixture = new Fixture({ [key]: 1 }, logReach);
		(await fixture.join(2, zxid)).acknowledge();
		const observer = await fixture.join(4, zxid);
		observer.fail();
		expect((await fixture.join(5, zxid)).heard.at(-1)).toBe(newLeader);
		expect(fixture.lost).toEqual([expect.stringMatching(/^4: .*PING/)]);
	});
});

it('learners that are sent a snapshot do not count among those that are not, nor the other way round', async () => {
	const fixture = new Fixture({ maxConcurrentSnapSyncs: 1, maxConcurrentDiffSyncs: 1 });
	(await fixture.join(2, inStep)).acknowledge();
	expect((await fixture.join(4, inStep)).heard.at(-1)).toBe(newLeader);
	expect((await fixture.join(5, 0 as Zxid)).heard.at(-1)).toBe(newLeader);
	expect(fixture.lost).toEqual([]);
});
