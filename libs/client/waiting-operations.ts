/** Operations that wait for a stream, in their order, and not more than there is room for. */
import { dataBytes, type Submission } from './submission.ts';

export interface WaitingRoom {
	/** Operations that wait while there is no stream; those beyond it fail. */
	readonly mostWaiting: number;
	/** What their data take, likewise. */
	readonly mostWaitingBytes: number;
}

export class WaitingOperations {
	readonly #room: WaitingRoom | undefined;
	#list: Submission[] = [];
	#bytes = 0;

	/** @param room absent: there is always some */
	constructor(room: WaitingRoom | undefined) {
		this.#room = room;
	}

	get length(): number {
		return this.#list.length;
	}

	/** Of their data. */
	get bytes(): number {
		return this.#bytes;
	}

	/** @returns false when there is no room */
	add(submission: Submission): boolean {
		const bytes = this.#bytes + dataBytes(submission.op);
		const room = this.#room;
		if (room !== undefined && (this.#list.length >= room.mostWaiting || bytes > room.mostWaitingBytes)) return false;
		this.#bytes = bytes;
		this.#list.push(submission);
		return true;
	}

	/** In front of those that wait already, and whether or not there is room: they were let in before. */
	putBack(submissions: readonly Submission[]): void {
		const kept = submissions.filter(({ isOfStream, isTakenBack }) => !isOfStream && !isTakenBack);
		for (const { op } of kept) this.#bytes += dataBytes(op);
		this.#list = [...kept, ...this.#list];
	}

	remove(submission: Submission): void {
		const at = this.#list.indexOf(submission);
		if (at < 0) return;
		this.#list.splice(at, 1);
		this.#bytes -= dataBytes(submission.op);
	}

	takeAll(): Submission[] {
		this.#bytes = 0;
		return this.#list.splice(0);
	}
}
