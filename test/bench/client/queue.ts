/** What a queue costs whose elements are few, and one whose elements are many: an element is put, the first is taken and acknowledged, so that there are always as many. */
import { type Chronokeeper, connect, Queue } from '#client/index';

export interface QueueOptions {
	readonly address: string;
	readonly seconds: number;
	/** Of the long queue. */
	readonly elements: number;
}

const few = 100;
const batch = 1000;
const data = Buffer.alloc(100, 120);

/** Prints a line for each. */
export async function measureQueue({ address, seconds, elements }: QueueOptions): Promise<void> {
	for (const count of [few, elements]) {
		await using ck = await connect({ endpoints: address });
		const queue = new Queue(ck, `/bench-queues/${count}`);
		await fill(queue, count);
		const length = `${(await queue.length()).toLocaleString('en')} elements`;
		console.log(`${length}: ${await inTurn(queue, seconds)}`);
		const rate = await consumed(ck, queue, Math.min(count, 10_000));
		console.log(`${length}: ${rate} a second are taken and acknowledged, prefetch 100`);
	}
}

async function fill(queue: Queue, count: number): Promise<void> {
	for (let put = 0; put < count; put += batch)
		await queue.putAll(Array.from({ length: Math.min(batch, count - put) }, () => data));
}

async function inTurn(queue: Queue, seconds: number): Promise<string> {
	const times: Record<'put' | 'take' | 'ack', number[]> = { put: [], take: [], ack: [] };
	const timed = async <T>(what: keyof typeof times, act: () => Promise<T>): Promise<T> => {
		const beganMs = performance.now();
		const result = await act();
		if (beganMs > warmMs) times[what].push(performance.now() - beganMs);
		return result;
	};
	const warmMs = performance.now() + 1000;
	const endMs = warmMs + seconds * 1000;
	while (performance.now() < endMs) {
		await timed('put', () => queue.put(data));
		const item = await timed('take', () => queue.take());
		await timed('ack', () => item.ack());
	}
	return Object.entries(times)
		.map(([what, all]) => {
			all.sort((a, b) => a - b);
			const of = (share: number) => all[Math.min(all.length - 1, Math.floor(all.length * share))]!.toFixed(2);
			return `${what} p50 ${of(0.5)} ms, p99 ${of(0.99)} ms`;
		})
		.join('; ');
}

async function consumed(ck: Chronokeeper, queue: Queue, count: number): Promise<string> {
	const beganMs = performance.now();
	const acks: Promise<unknown>[] = [];
	for await (const item of queue.consume({ prefetch: 100 })) {
		acks.push(item.ack());
		if (acks.length === count) break;
	}
	await Promise.all(acks);
	await ck.sync();
	return Math.round((count * 1000) / (performance.now() - beganMs)).toLocaleString('en');
}
