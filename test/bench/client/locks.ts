/** What a lock costs: acquired and released when it is free, and handed on when a thousand wait for it. */
import { type Chronokeeper, connect, DistributedLock } from '#client/index';
import { SessionRelay } from '../../support/session-relay.ts';

export interface LocksOptions {
	readonly address: string;
	readonly seconds: number;
	readonly contenders: number;
}

const percentile = (sorted: readonly number[], share: number): string =>
	sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!.toFixed(2);

/** Prints a line for each. Round trips and events are counted between client and server, in a run that is not timed. */
export async function measureLocks({ address, seconds, contenders }: LocksOptions): Promise<void> {
	await countRoundTrips(address);
	for (const clients of [1, 16]) await measureFree(address, clients, seconds);
	await measureLine(address, contenders);
	await countEvents(address, contenders);
}

async function countRoundTrips(address: string): Promise<void> {
	const relay = await SessionRelay.start(address);
	await using ck = await connect({ endpoints: relay.address });
	const lock = new DistributedLock(ck, '/bench-locks/counted');
	await (await lock.acquire()).release();
	const { messages, operations } = await relay.during(async () => (await lock.acquire()).release());
	console.log(`free: ${messages} round trips, ${operations} operations`);
	await ck.close();
	relay.close();
}

/** Each client its own lock, one time after the other. */
async function measureFree(address: string, clients: number, seconds: number): Promise<void> {
	const sessions = await open(address, clients);
	const times: number[] = [];
	const endMs = performance.now() + (seconds + 1) * 1000;
	const warmMs = performance.now() + 1000;
	const work = async (ck: Chronokeeper, index: number): Promise<void> => {
		const lock = new DistributedLock(ck, `/bench-locks/own-${clients}-${index}`);
		for (let now = performance.now(); now < endMs; ) {
			const held = await lock.acquire();
			await held.release();
			const done = performance.now();
			if (now > warmMs) times.push(done - now);
			now = done;
		}
	};
	await Promise.all(sessions.map(work));
	await close(sessions);
	times.sort((a, b) => a - b);
	const rate = Math.round(times.length / seconds).toLocaleString('en');
	const took = `p50 ${percentile(times, 0.5)} ms, p99 ${percentile(times, 0.99)} ms`;
	console.log(`free, ${clients} clients: ${rate} acquired and released a second, ${took}`);
}

/** All wait in one line, over 20 sessions; each holds it for no time. */
async function measureLine(address: string, contenders: number): Promise<void> {
	const sessions = await open(address, 20);
	const first = await new DistributedLock(sessions[0]!, '/bench-locks/line').acquire();
	const times: number[] = [];
	let before = 0;
	const turns = Array.from({ length: contenders }, async (_, i) => {
		const held = await new DistributedLock(sessions[i % sessions.length]!, '/bench-locks/line').acquire();
		const now = performance.now();
		times.push(now - before);
		before = now;
		await held.release();
	});
	await inLine(sessions[0]!, '/bench-locks/line', contenders + 1);
	before = performance.now();
	const begun = before;
	await first.release();
	await Promise.all(turns);
	const tookMs = performance.now() - begun;
	await close(sessions);
	times.sort((a, b) => a - b);
	const took = `p50 ${percentile(times, 0.5)} ms, p99 ${percentile(times, 0.99)} ms`;
	console.log(`${contenders} in line: all served in ${Math.round(tookMs)} ms, handed on within ${took}`);
}

async function countEvents(address: string, contenders: number): Promise<void> {
	const relay = await SessionRelay.start(address);
	const sessions = await open(relay.address, 20);
	const first = await new DistributedLock(sessions[0]!, '/bench-locks/events').acquire();
	const turns = Array.from({ length: contenders }, (_, i) =>
		new DistributedLock(sessions[i % sessions.length]!, '/bench-locks/events').run(() => Promise.resolve()),
	);
	await inLine(sessions[0]!, '/bench-locks/events', contenders + 1);
	const { events } = await relay.during(async () => {
		await first.release();
		await Promise.all(turns);
	});
	await close(sessions);
	relay.close();
	console.log(`${contenders} in line: ${(events / (contenders + 1)).toFixed(3)} events for each release`);
}

async function inLine(ck: Chronokeeper, path: string, count: number): Promise<void> {
	while ((await ck.children(path)).names.length < count) await ck.sync();
}

function open(address: string, count: number): Promise<Chronokeeper[]> {
	return Promise.all(Array.from({ length: count }, () => connect({ endpoints: address })));
}

async function close(sessions: readonly Chronokeeper[]): Promise<void> {
	await Promise.all(sessions.map((session) => session.close()));
}
