import { describe, expect, it } from 'vitest';
import type { WatchEvent } from '#core/model/op';
import type { Zxid } from '#core/model/zxid';
import { DataTree } from '#core/tree/data-tree';
import { WatchResponse } from '#proto/chronokeeper/v1/watch';
import { type EventFrame, HeardEvent } from './heard-event.ts';
import { WatchMessages } from './watch-message.ts';

const tree = new DataTree();
const before = 7 as Zxid;

/** About a fifth of what a message has room for. */
function frame(zxid: number, pathLength = 13_000): EventFrame {
	const event: WatchEvent = { type: 'nodeCreated', path: `/${'x'.repeat(pathLength)}`, zxid };
	return new HeardEvent(event, tree).plain;
}

/** The messages in which all of them leave, as clients read them: zxids of the events, and the message's own. */
function sent(messages: WatchMessages, frames: readonly EventFrame[]): [readonly (bigint | undefined)[], bigint][] {
	const all: [readonly (bigint | undefined)[], bigint][] = [];
	for (let from = 0; from < frames.length; ) {
		const { bytes, count } = messages.of(frames, from, before);
		const { events, zxid } = WatchResponse.decode(bytes);
		expect(events).toHaveLength(count);
		all.push([events.map((event) => event.zxid), zxid]);
		from += count;
	}
	return all;
}

describe('the zxid of a message', () => {
	it('is that of its last event when all of that transaction is told, and the one before when it goes on', () => {
		const frames = [1, 2, 3, 3, 3, 3, 4].map((zxid) => frame(zxid));
		expect(sent(new WatchMessages(), frames)).toEqual([
			[[1n, 2n, 3n, 3n, 3n], 2n],
			[[3n, 4n], 4n],
		]);
		expect(sent(new WatchMessages(), frames.slice(0, 5))).toEqual([[[1n, 2n, 3n, 3n, 3n], 3n]]);
	});

	it('54: of events that tell of what was before is that of the state they tell of, with the last of them', () => {
		const frames = [-1, -1, -1, -1, -1, -1, 8].map((zxid) => frame(zxid));
		const none = undefined;
		expect(sent(new WatchMessages(), frames)).toEqual([
			[[none, none, none, none, none], 0n],
			[[none, 8n], 8n],
		]);
		expect(sent(new WatchMessages(), frames.slice(0, 2))).toEqual([[[none, none], 7n]]);
	});
});

describe('a message', () => {
	it('of the same events is the same bytes for all streams, of others it is not', () => {
		const messages = new WatchMessages();
		const frames = [1, 2].map((zxid) => frame(zxid));
		const first = messages.of(frames, 0, before);
		expect(messages.of([...frames], 0, before).bytes).toBe(first.bytes);
		expect(messages.of([frame(9), ...frames], 1, before).bytes).toBe(first.bytes);
		expect(messages.of([...frames, frame(2)], 0, before).bytes).not.toBe(first.bytes);
		expect(WatchResponse.decode(messages.of([frames[0]!], 0, before).bytes).events).toHaveLength(1);
		// The state before is not the same for all.
		const told = [frame(-1)];
		expect(WatchResponse.decode(messages.of(told, 0, 3 as Zxid).bytes).zxid).toBe(3n);
		expect(WatchResponse.decode(messages.of(told, 0, 4 as Zxid).bytes).zxid).toBe(4n);
	});

	it('has one event at least, however large', () => {
		expect(sent(new WatchMessages(), [frame(1, 1 << 20), frame(2, 1 << 20)])).toEqual([
			[[1n], 1n],
			[[2n], 2n],
		]);
	});
});
