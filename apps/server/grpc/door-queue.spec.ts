import { EventEmitter } from 'node:events';
import { status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { DoorQueue } from './door-queue.ts';

class Call extends EventEmitter {
	cancelled = false;

	cancel(): void {
		this.cancelled = true;
		this.emit('cancelled');
	}
}

/** Room for so many; each that goes in takes its place at once. */
function door(room: number, maxWaiting: number) {
	const seen: string[] = [];
	const behind = {
		room,
		get isThrottled() {
			return this.room <= 0;
		},
	};
	const queue = new DoorQueue({ behind, maxWaiting });
	const enter = (name: string) => {
		const call = new Call();
		queue.enter(
			call,
			() => {
				behind.room -= 1;
				seen.push(name);
			},
			(error) => {
				const { code } = (error as unknown as { error: { code: status } }).error;
				seen.push(`${name} ${status[code]}`);
			},
		);
		return call;
	};
	const leave = (count: number) => {
		behind.room += count;
		queue.letIn();
	};
	return { queue, seen, enter, leave };
}

describe('the queue at the door', () => {
	it('lets in as many as there is room for, in order', () => {
		const { queue, seen, enter, leave } = door(1, 10);
		for (const name of ['a', 'b', 'c', 'd']) enter(name);
		expect([seen, queue.size]).toEqual([['a'], 3]);
		leave(2);
		expect([seen, queue.size]).toEqual([['a', 'b', 'c'], 1]);
		leave(5);
		enter('e');
		expect(seen).toEqual(['a', 'b', 'c', 'd', 'e']);
	});

	it('refuses who would make it too long, and has room for others when somebody goes', () => {
		const { queue, seen, enter, leave } = door(0, 2);
		const [first] = [enter('a'), enter('b')];
		enter('c');
		expect(seen).toEqual(['c RESOURCE_EXHAUSTED']);
		first!.cancel();
		enter('d');
		expect(seen).toEqual(['c RESOURCE_EXHAUSTED', 'a CANCELLED']);
		leave(5);
		expect(seen.slice(2)).toEqual(['b', 'd']);
		expect([queue.size, first!.listenerCount('cancelled')]).toEqual([0, 0]);
	});

	it('does not begin what nobody waits for any more', () => {
		const { queue, seen, enter, leave } = door(0, 2);
		const call = enter('a');
		call.cancel();
		leave(1);
		expect([seen, queue.size]).toEqual([['a CANCELLED'], 0]);
		const entered = enter('b');
		expect(entered.listenerCount('cancelled')).toBe(0);
	});
});
