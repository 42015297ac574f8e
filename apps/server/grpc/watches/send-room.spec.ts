import { expect, it } from 'vitest';
import { type Sender, SendRoom } from './send-room.ts';

class Stream implements Sender {
	tookMs = performance.now();
	onItsWay = 0;
	isCut = false;
	readonly #room: SendRoom;
	#unsent: number[];

	constructor(room: SendRoom, unsent: number[]) {
		this.#room = room;
		this.#unsent = unsent;
	}

	get unsent(): number {
		return this.#unsent.length;
	}

	flush(): void {
		while (this.#unsent.length > 0) {
			if (this.#room.isFull) {
				this.#room.wait(this);
				return;
			}
			this.onItsWay += this.#unsent[0]!;
			this.#room.take(this.#unsent.shift()!);
		}
	}

	arrived(): void {
		const bytes = this.onItsWay;
		this.onItsWay = 0;
		this.#room.give(bytes);
		this.flush();
	}

	cut(): void {
		this.isCut = true;
		this.#unsent = [];
		this.#room.leave(this);
		this.arrived();
	}
}

it('no more than there is room for is on its way, and who waited longest is next', () => {
	const room = new SendRoom({ maxBytes: 100, stalledMs: 60_000, holders: () => [] });
	const streams = Array.from({ length: 4 }, () => new Stream(room, [60, 60]));
	for (const stream of streams) stream.flush();
	expect([room.bytes, streams.map(({ unsent }) => unsent)]).toEqual([120, [0, 2, 2, 2]]);
	streams[0]!.arrived();
	expect([room.bytes, streams.map(({ unsent }) => unsent)]).toEqual([120, [0, 0, 2, 2]]);
	room.leave(streams[2]!);
	streams[1]!.arrived();
	expect([room.bytes, streams.map(({ unsent }) => unsent)]).toEqual([120, [0, 0, 2, 0]]);
	streams[3]!.arrived();
	expect(room.bytes).toBe(0);
});

it('who takes nothing while others wait is cut, who takes something is not', async () => {
	const streams: Stream[] = [];
	const room = new SendRoom({ maxBytes: 100, stalledMs: 50, holders: () => streams.filter((one) => one.onItsWay > 0) });
	const [stalled, slow, waiting] = [[100], [100], [100]].map((unsent) => new Stream(room, unsent));
	streams.push(stalled!, slow!, waiting!);
	stalled!.flush();
	room.take(-100);
	slow!.flush();
	room.take(100);
	slow!.tookMs = Number.POSITIVE_INFINITY;
	waiting!.flush();
	await expect.poll(() => stalled!.isCut).toBe(true);
	expect([slow!.isCut, waiting!.isCut, waiting!.unsent]).toEqual([false, false, 1]);
	slow!.arrived();
	expect(waiting!.unsent).toBe(0);
});
