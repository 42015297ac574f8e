/**
 * Those who want to know that this leader still leads and that what was proposed before is committed (semantics 69 says how ZooKeeper answers without
 * asking anybody). A quorum that answers a ping sent after the question has promised no later epoch by then: no other leader can have committed.
 */
import type { Zxid } from '../../model/zxid.ts';

interface Barrier {
	/** The round of pings whose answers count; null until the next one begins. */
	round: number | null;
	readonly zxid: Zxid;
	/** It is answered behind this zxid, however long that takes. */
	readonly isOrdered: boolean;
	readonly done: (error?: Error) => void;
}

export class Barriers {
	/** In the order they came: they are answered in it. */
	#waiting: Barrier[] = [];

	get size(): number {
		return this.#waiting.length;
	}

	add(zxid: Zxid, done: (error?: Error) => void, isOrdered = false): void {
		this.#waiting.push({ round: null, zxid, done, isOrdered });
	}

	/** Whether some have to wait for a round that has not begun. */
	get needRound(): boolean {
		return this.#waiting.at(-1)?.round === null;
	}

	began(round: number): void {
		for (let i = this.#waiting.length - 1; i >= 0; i--) {
			const barrier = this.#waiting[i]!;
			if (barrier.round !== null) return;
			barrier.round = round;
		}
	}

	/**
	 * @param confirmed the last round that a quorum answered
	 * @param isOverdue the mirror keeps commits waiting (CommitHold): nobody was told of what is proposed and not committed, so who asks may go on without it
	 */
	check(confirmed: number, committed: Zxid, isOverdue: boolean): void {
		const ready = (barrier: Barrier | undefined): barrier is Barrier =>
			barrier !== undefined &&
			barrier.round !== null &&
			barrier.round <= confirmed &&
			(barrier.zxid <= committed || (isOverdue && !barrier.isOrdered));
		let count = 0;
		while (ready(this.#waiting[count])) count += 1;
		for (const { done } of this.#waiting.splice(0, count)) done();
	}

	fail(error: Error): void {
		for (const { done } of this.#waiting.splice(0)) done(error);
	}
}
