/**
 * The proposals that are logged and not yet applied, in zxid order. Within one term of a leader zxids are consecutive, so the
 * place of a zxid is a subtraction.
 */
import { assert } from '../model/assert.ts';
import type { Zxid } from '../model/zxid.ts';
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
			last === undefined || proposal.record.header.zxid === last.record.header.zxid + 1,
			'proposals in flight have consecutive zxids',
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

	/** Undefined when it was applied already. */
	at(zxid: Zxid): Proposal | undefined {
		const first = this.first;
		if (first === undefined) return undefined;
		const distance = zxid - first.record.header.zxid;
		return distance < 0 ? undefined : this.#items[this.#head + distance];
	}
}
