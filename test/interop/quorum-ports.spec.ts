/** Our quorum and election ports beside real ZooKeeper servers. What the servers are told is written by hand here. */
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Notification } from '#core/ports/election-network';
import { readNotification, writeNotification } from '#jute/quorum/notification';
import { packetType, type QuorumPacket } from '#jute/quorum/packets';
import { ElectionPort } from '#quorum/election-port';
import { QuorumPort } from '#quorum/quorum-port';
import { End, host } from '#test/support/quorum-links';
import { RealEnsemble } from '#test/support/real-ensemble';
import { realCommandLine } from '#test/support/real-zookeeper';

const epoch1 = 2 ** 32;
/** What must come within this has to pass through a server's timeouts, or a Java program that starts. */
const patient = { timeout: 60_000 };

const toClose: { close(): Promise<void> }[] = [];
afterEach(async () => {
	await Promise.all(toClose.splice(0).map((port) => port.close()));
});

/** A member's election port, and what it has heard. */
async function electionPort(ensemble: RealEnsemble, id: number) {
	const heard: { readonly from: number; readonly notification: Notification }[] = [];
	const warnings: string[] = [];
	const addressOf = (member: number) => ({ host, port: ensemble.member(member).electionPort });
	const port = new ElectionPort({
		serverId: id,
		addresses: [addressOf(id)],
		addressesOf: (other) => [addressOf(other)],
		encode: writeNotification,
		decode: readNotification,
		warn: (message) => warnings.push(message),
	});
	toClose.push(port);
	let onHeard = (_from: number, _notification: Notification): void => {};
	await port.open({
		notified: (from, notification) => {
			heard.push({ from, notification });
			onHeard(from, notification);
		},
	});
	return {
		port,
		heard,
		warnings,
		/** Of the last notification that this server sent. */
		voteOf: (from: number): Notification | undefined => heard.findLast((each) => each.from === from)?.notification,
		answer: (run: typeof onHeard): void => {
			onHeard = run;
		},
	};
}

function quorumPort(ensemble: RealEnsemble, id: number): QuorumPort {
	const port = new QuorumPort({
		listenOn: () => [{ host, port: ensemble.member(id).quorumPort }],
		addressesOf: (other) => [{ host, port: ensemble.member(other).quorumPort }],
		connectTimeoutMs: 5000,
		warn: () => {},
	});
	toClose.push(port);
	return port;
}

/** A learner's end that answers pings, from the end of its synchronization on: before, a leader takes nothing but an ACK. */
class Learner extends End {
	#isUpToDate = false;

	override received(packet: QuorumPacket): void {
		if (packet.type === packetType.upToDate) this.#isUpToDate = true;
		if (packet.type === packetType.ping && this.#isUpToDate) this.send('ping', packet.zxid, new Uint8Array(0));
		super.received(packet);
	}

	send(type: keyof typeof packetType, zxid: number, data: Uint8Array | null): void {
		this.link.send({ type: packetType[type], zxid, data, authinfo: null });
	}

	/** The next packet of this kind that has not been asked for. */
	async packet(type: keyof typeof packetType): Promise<QuorumPacket> {
		const index = await vi.waitFor(() => {
			if (this.reasons.length > 0) return -1;
			const found = this.packets.findIndex((packet) => packet.type === packetType[type]);
			if (found === -1) throw new Error(`no ${type} among ${JSON.stringify(this.packets)}`);
			return found;
		}, patient);
		if (index === -1) throw new Error(`closed before ${type} came: ${this.reasons[0]?.message}`);
		return this.packets.splice(0, index + 1).at(-1)!;
	}
}

function learnerInfo(serverId: number): Uint8Array {
	const data = Buffer.alloc(20);
	data.writeBigInt64BE(BigInt(serverId), 0);
	data.writeInt32BE(0x1_0000, 8);
	return data;
}

function int(value: number): Uint8Array {
	const data = Buffer.alloc(4);
	data.writeInt32BE(value);
	return data;
}

/** An observer that has nothing: from its first packet until the leader knows what it lacks. */
async function discovered(ensemble: RealEnsemble, id: number): Promise<Learner> {
	const observer = new Learner();
	await quorumPort(ensemble, id).connect(await ensemble.leader(), observer.connected);
	observer.send('observerInfo', 0, learnerInfo(id));
	const { zxid, data } = await observer.packet('leaderInfo');
	expect(zxid).toBeGreaterThanOrEqual(epoch1);
	expect(zxid % epoch1).toBe(0);
	expect(data).toEqual(Uint8Array.of(0, 1, 0, 0));
	return observer;
}

async function acknowledgeNewLeader(observer: Learner): Promise<void> {
	const { zxid } = await observer.packet('newLeader');
	observer.send('ack', zxid, null);
	await observer.packet('upToDate');
	observer.send('ack', zxid, null);
}

describe('two real servers of three, and an observer of ours', () => {
	let ensemble: RealEnsemble;

	// Ours are the smallest and the largest id, so that both rules of who calls whom are used.
	beforeAll(async () => {
		ensemble = await RealEnsemble.start({ participants: 3, observers: [4], absent: [1, 4] });
	});
	afterAll(() => ensemble?.close());

	const looking = (leader: number, zxid: number): Notification => ({
		state: 'looking',
		leader,
		zxid,
		electionEpoch: 1,
		peerEpoch: 0,
		config: `${ensemble.serverLines.join('\n')}\nversion=0`,
	});

	it.each([1, 4])('answer a server %i that looks, over one connection to each', async (id) => {
		const { port, heard, warnings, voteOf } = await electionPort(ensemble, id);
		const leader = await ensemble.leader();
		const follower = leader === 2 ? 3 : 2;
		for (const to of [2, 3]) port.send(to, looking(id, 0));
		await vi.waitFor(() => {
			expect(voteOf(leader)).toMatchObject({ state: 'leading', leader });
			expect(voteOf(follower)).toMatchObject({ state: 'following', leader });
		}, patient);
		expect(voteOf(leader)?.config).toMatch(/^server\.1=127\.0\.0\.1:.*\nversion=0$/s);
		expect([...port.connected].sort()).toEqual([2, 3]);
		expect(warnings).toEqual([]);
		// The same connections serve a second question.
		const before = heard.length;
		for (const to of [2, 3]) port.send(to, { ...looking(id, 0), electionEpoch: 2 });
		await vi.waitFor(() => expect(heard.length).toBeGreaterThanOrEqual(before + 2), patient);
		expect(warnings).toEqual([]);
	});

	it('answer a server that went and came back, whichever they heard last', async () => {
		for (const id of [1, 4, 1, 4]) {
			const { port, voteOf } = await electionPort(ensemble, id);
			const leader = await ensemble.leader();
			for (const to of [2, 3]) port.send(to, looking(id, 0));
			await vi.waitFor(() => expect(voteOf(leader)).toMatchObject({ state: 'leading', leader }), patient);
			await port.close();
		}
	});

	it('bring an observer up to date by what it lacks, and inform it of what comes then', async () => {
		const leader = await ensemble.leader();
		await realCommandLine(ensemble.member(leader).clientPort, 'create /before 1');
		// Its session, the node, the end of its session; more where it had to connect twice.
		const [, last] = /^Zxid: 0x([0-9a-f]+)$/m.exec(await ensemble.word(leader, 'srvr'))!;
		const observer = await discovered(ensemble, 4);
		// It has the command line's createSession; with nothing at all it would get a snapshot.
		observer.send('ackEpoch', epoch1 + 1, int(0));
		const { zxid: lastZxid } = await observer.packet('diff');
		expect(lastZxid).toBe(Number.parseInt(last!, 16));
		expect(lastZxid).toBeGreaterThanOrEqual(epoch1 + 3);
		const [proposal, commit] = [await observer.packet('proposal'), await observer.packet('commit')];
		expect([proposal.zxid, commit.zxid]).toEqual([epoch1 + 2, epoch1 + 2]);
		expect(proposal.data!.length).toBeGreaterThan(32);
		await acknowledgeNewLeader(observer);
		await realCommandLine(ensemble.member(leader).clientPort, 'create /after 2');
		const inform = await observer.packet('inform');
		expect(inform.zxid).toBeGreaterThan(lastZxid);
		expect(Buffer.from(inform.data!).length).toBeGreaterThan(32);
		// Its pings were answered: the leader keeps it beyond its syncLimit.
		for (let i = 0; i < 8; i++) await observer.packet('ping');
		expect(await ensemble.word(leader, 'mntr')).toMatch(/^zk_synced_observers\t1$/m);
	});

	it('close the link of an observer that says what nobody understands', async () => {
		const observer = await discovered(ensemble, 4);
		observer.send('ping', 0, null);
		await vi.waitFor(() => expect(observer.reasons[0]?.message).toBe('the other side closed the connection'), patient);
	});
});

describe('a real leader that sends snapshots', () => {
	let ensemble: RealEnsemble;

	beforeAll(async () => {
		ensemble = await RealEnsemble.start({
			participants: 1,
			observers: [2],
			absent: [2],
			properties: { 'zookeeper.forceSnapshotSync': 'true' },
			// One participant alone is an ensemble only when it is told to be.
			config: { standaloneEnabled: 'false', reconfigEnabled: 'true' },
		});
	});
	afterAll(() => ensemble?.close());

	it('streams one, and packets behind it', async () => {
		await realCommandLine(ensemble.member(1).clientPort, `create /node ${'x'.repeat(100_000)}`);
		const observer = await discovered(ensemble, 2);
		const signature = Buffer.from('\0\0\0\x0aBenWasHere', 'latin1');
		let stream = Buffer.alloc(0);
		observer.onPacket = ({ type }) => {
			if (type !== packetType.snap) return;
			observer.link.receiveStream((chunk) => {
				const before = stream.length;
				stream = Buffer.concat([stream, chunk]);
				const end = stream.indexOf(signature);
				if (end === -1) return null;
				const rest = chunk.subarray(end + signature.length - before);
				stream = stream.subarray(0, end);
				return rest;
			});
		};
		observer.send('ackEpoch', 0, int(0));
		const snap = await observer.packet('snap');
		expect(snap.zxid).toBeGreaterThan(epoch1);
		await acknowledgeNewLeader(observer);
		expect(stream.includes('x'.repeat(100_000))).toBe(true);
		expect(stream.includes('/zookeeper/config')).toBe(true);
	});
});

describe('a real server that follows us', () => {
	let ensemble: RealEnsemble;

	beforeAll(async () => {
		ensemble = await RealEnsemble.create({ participants: 2, absent: [2] });
	});
	afterAll(() => ensemble?.close());

	it('is elected with, discovered and brought up to date, and serves', async () => {
		const { port, answer } = await electionPort(ensemble, 2);
		const follower = new Learner();
		const stopAccepting = quorumPort(ensemble, 2).accept(follower.connected);
		answer((from, { state, electionEpoch, config }) => {
			if (state === 'looking') port.send(from, { state, leader: 2, zxid: 0, electionEpoch, peerEpoch: 0, config });
		});
		ensemble.launch(1);
		const info = await follower.packet('followerInfo');
		expect([...info.data!]).toEqual([...learnerInfo(1)]);
		follower.send('leaderInfo', epoch1, int(0x1_0000));
		const ack = await follower.packet('ackEpoch');
		expect(ack).toMatchObject({ zxid: 0, data: Uint8Array.of(0, 0, 0, 0) });
		follower.send('diff', 0, null);
		follower.send('newLeader', epoch1, null);
		expect((await follower.packet('ack')).zxid).toBe(epoch1);
		follower.send('upToDate', -1, null);
		await ensemble.serving(1);
		expect(await ensemble.mode(1)).toBe('follower');
		follower.send('ping', epoch1, null);
		stopAccepting();
		// It looks again when its leader goes.
		follower.link.close();
		await vi.waitFor(async () => expect(await ensemble.mode(1)).toBeNull(), patient);
	});
});

describe('real servers as an ensemble', () => {
	let ensemble: RealEnsemble;

	beforeAll(async () => {
		ensemble = await RealEnsemble.start({ participants: 3, observers: [4] });
	});
	afterAll(() => ensemble?.close());

	it('serve, and elect another leader when theirs is killed', async () => {
		const leader = await ensemble.leader();
		expect(await ensemble.mode(4)).toBe('observer');
		await ensemble.kill(leader);
		expect(await ensemble.leader()).not.toBe(leader);
		await ensemble.restart(leader);
		await expect(ensemble.mode(leader)).resolves.toBe('follower');
	});
});
