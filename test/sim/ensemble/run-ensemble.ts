import { formatZxid } from '#core/model/zxid';
import { parseQuorumConfig } from '#core/zab/parse-quorum-config';
import { Checkers } from './checkers.ts';
import { SessionClient } from './session-client.ts';
import { SimMember } from './sim-member.ts';
import { SimNetwork } from './sim-network.ts';
import type { StorageCounts } from './sim-storage.ts';
import { World } from './world.ts';

export interface Outcome {
	readonly findings: readonly string[];
	readonly acknowledged: number;
	readonly epochs: number;
	readonly counts: StorageCounts & {
		/** Disks. */
		readonly failed: number;
		/** Epochs. */
		readonly usedUp: number;
	};
}

const steps = 250;
/** Long enough for every connection to be given up, an election, and the synchronization of everybody. */
const quietMs = 60_000;

/** One seed's run: trouble for a while, then quiet, in which all must come together again. */
export async function runEnsemble(seed: number): Promise<Outcome> {
	const world = new World(seed);
	const { random } = world;
	const size = random.pick([3, 3, 5]);
	const lines = Array.from({ length: size }, (_, i) => `server.${i + 1}=10.0.0.${i + 1}:2888:3888:participant`);
	const hasObserver = random.chance(0.3);
	if (hasObserver) lines.push(`server.${size + 1}=10.0.0.9:2888:3888:observer`);
	const config = parseQuorumConfig(lines.join('\n'));
	const checkers = new Checkers();
	let epochs = 0;
	const members: SimMember[] = [];
	const network = new SimNetwork(world, (to, from, notification) => {
		members.find(({ id }) => id === to)?.peer?.notified(from, notification);
	});
	const events = {
		committed: checkers.committed.bind(checkers),
		established: (id: number, epoch: number) => {
			epochs += 1;
			checkers.established(id, epoch);
		},
		tell: (id: number, what: string) => {
			if (process.env.TRACE === '1') console.log(`${Math.round(world.nowMs)} ms, member ${id}: ${what}`);
		},
		usedUp: checkers.usedUp.bind(checkers),
		broken: (id: number, reason: Error) => checkers.find(`member ${id} broke: ${reason.message}`),
		requestFailed: (error: unknown) => checkers.find(`a request met a bug: ${String(error)}`),
	};
	// Epochs whose zxids are used up before long (semantics 7).
	const options = random.chance(0.15) ? { lastCounter: 10 + random.below(60) } : {};
	for (const id of config.servers.keys()) members.push(new SimMember(id, world, network, config, events, options));
	for (const member of members) world.after(random.below(500), () => member.start());
	const clients = ['ada', 'ben', 'cid'].map((name) => new SessionClient(name, random, checkers));
	await world.run(2000);
	for (let step = 0; step < steps; step++) {
		trouble(random.below(100));
		for (const client of clients) live(client);
		await world.run(random.below(120));
	}
	network.heal();
	network.delayMs = 5;
	restartFailed(1);
	for (const member of members) if (!member.isAlive) member.start();
	await world.run(quietMs);
	// However little the trouble let through, now everybody is served.
	for (let step = 0; step < 20; step++) {
		for (const client of clients) live(client);
		await world.run(60);
	}
	await world.run(5000);
	settle();
	const counts = { torn: 0, installed: 0, unproved: 0, refused: 0, failed: 0, usedUp: checkers.usedUpEpochs };
	for (const member of members) {
		for (const name of keysOf(member.counts)) counts[name] += member.counts[name];
		counts.failed += member.failures;
	}
	return { findings: checkers.findings, acknowledged: checkers.acknowledged, epochs, counts };

	function trouble(what: number): void {
		const member = random.pick(members);
		if (what < 4) member.kill(random.below(member.disk.unsynced + 1));
		else if (what < 14) members.find(({ isAlive }) => !isAlive)?.start();
		else if (what < 16) isolate(member.id);
		else if (what < 17) isolate(leader() ?? member.id);
		else if (what < 19) network.cut(member.id, random.pick(members).id);
		else if (what < 24) network.heal();
		else if (what < 25) network.delayMs = random.pick([1, 5, 50, 300]);
		else if (what < 26 && random.chance(0.2))
			for (const each of members) each.kill(random.below(each.disk.unsynced + 1));
		else if (what < 36) member.snapshot();
		else if (what < 37) member.failDisk();
		else if (what < 42) restartFailed(0.3);
	}

	/** Somebody sees to those whose disk failed. */
	function restartFailed(chance: number): void {
		for (const member of members) {
			if (member.host?.state !== 'logFailed' || !random.chance(chance)) continue;
			member.kill(0);
			member.start();
		}
	}

	function leader(): number | undefined {
		return members.find(({ peer }) => peer?.state === 'leading')?.id;
	}

	function isolate(id: number): void {
		for (const { id: other } of members) {
			if (other === id) continue;
			network.cut(id, other);
			if (random.chance(0.7)) network.cut(other, id);
		}
	}

	function live(client: SessionClient): void {
		if (!client.isConnected || random.chance(0.02)) client.connect(random.pick(members));
		for (let i = random.below(4); i > 0; i--) client.act();
	}

	function settle(): void {
		checkers.epochs();
		const digests = new Set<string>();
		for (const member of members) {
			checkers.log(member.id, member.disk.read());
			const { host } = member;
			if (host === undefined || host.state !== 'serving') {
				checkers.find(`member ${member.id} does not serve in the end: ${host?.state} ${host?.stateReason}`);
				continue;
			}
			checkers.whole(member.id, host.lastProcessedZxid);
			digests.add(`${host.tree.digest().toString(16)} at ${formatZxid(host.lastProcessedZxid)}`);
		}
		if (digests.size > 1) checkers.find(`the members end differently: ${[...digests].join(', ')}`);
	}
}

function keysOf<T extends object>(object: T): (keyof T)[] {
	return Object.keys(object) as (keyof T)[];
}
