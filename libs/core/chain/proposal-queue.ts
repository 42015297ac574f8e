/** The proposals that are logged and not yet applied, in zxid order. */
import { assert } from '../model/assert.ts';
import { isContiguous, type Zxid } from '../model/zxid.ts';
import type { Proposal } from './proposal.ts';

const compactFrom = 4096;

export class ProposalQueue {
	#items: (Proposal | undefined)[] = [];
	#head = 0;

	get size(): number {
		return this.#items.length - this.#head;
	}

	get first(): Proposal | undefined {
		return this.#items[this.#head];
	}

	get last(): Proposal | undefined {
		return this.size === 0 ? undefined : this.#items[this.#items.length - 1];
	}

	push(proposal: Proposal): void {
		const last = this.last;
		assert(
			last === undefined || isContiguous(last.record.header.zxid, proposal.record.header.zxid),
			'proposals in flight have no hole',
		);
		this.#items.push(proposal);
	}

	shift(): Proposal | undefined {
		const first = this.#items[this.#head];
		if (first === undefined) return undefined;
		this.#items[this.#head] = undefined;
		this.#head += 1;
		if (this.#head === this.#items.length) {
			this.#items = [];
			this.#head = 0;
		} else if (this.#head >= compactFrom && this.#head * 2 >= this.#items.length) {
			this.#items = this.#items.slice(this.#head);
			this.#head = 0;
		}
		return first;
	}

	/** Puts another in the place of each. Answers with those that were there. */
	replaceAll(replace: (proposal: Proposal) => Proposal): Proposal[] {
		const before = this.#items.slice(this.#head).filter((item) => item !== undefined);
		this.#items = before.map(replace);
		this.#head = 0;
		return before;
	}

	/** Those behind this zxid go. */
	cut(zxid: Zxid): void {
		for (let last = this.last; last !== undefined && last.record.header.zxid > zxid; last = this.last)
			this.#items.pop();
	}
}
