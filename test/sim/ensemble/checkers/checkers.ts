/** What must hold whatever happens to the members. Each finding is one sentence. */
import type { TxnRecord } from '#core/model/txn-record';
import { formatZxid, type Zxid } from '#core/model/zxid';
import { CommittedHistory } from './committed-history.ts';
import { Promises } from './promises.ts';

export class Checkers {
	readonly findings: string[] = [];
	readonly history: CommittedHistory;
	readonly promises: Promises;
	readonly #leaders = new Map<number, number>();
	readonly #usedUp = new Set<number>();

	constructor(nowMs: () => number) {
		const find = (finding: string) => this.find(finding);
		this.promises = new Promises(find, nowMs);
		this.history = new CommittedHistory(find, (record: TxnRecord) => this.promises.committed(record));
	}

	find(finding: string): void {
		if (this.findings.length < 20) this.findings.push(finding);
	}

	/** It leads the epoch, and what it has applied is committed. */
	established(id: number, epoch: number, zxid: Zxid): void {
		const other = this.#leaders.get(epoch);
		if (other !== undefined) this.find(`epoch ${epoch} is led by member ${other}, and then by ${id}`);
		this.#leaders.set(epoch, id);
		// One that did nothing for a while may begin behind its successors, whom nobody leaves for it.
		const before = this.history.lastOfEpochsBefore(epoch);
		if (zxid < before)
			this.find(`member ${id} leads epoch ${epoch} from ${formatZxid(zxid)} on, ${formatZxid(before)} is committed`);
		this.history.committed(id, zxid);
	}

	get epochs(): number {
		return this.#leaders.size;
	}

	/** Its leader gave out the last zxid of this epoch. */
	usedUp(epoch: number): void {
		this.#usedUp.add(epoch);
	}

	get usedUpEpochs(): number {
		return this.#usedUp.size;
	}

	/** At the end: an epoch that was used up is followed by another (semantics 7). */
	noEpochIsLast(): void {
		const last = Math.max(...this.#leaders.keys());
		for (const epoch of this.#usedUp) {
			if (epoch >= last) this.find(`no epoch begins behind ${epoch}, whose zxids are used up`);
		}
	}
}
