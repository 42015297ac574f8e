/**
 * Records that a log has twice. A follower of ZooKeeper 3.8 that lost its leader before it had applied what it had logged logs it again, from where its tree was (ZOOKEEPER-4394 makes that
 * frequent): 1 2 3 2 3 4. That is one history as long as what is told again is the same, record by record, and reaches what was told before; anything else is two histories.
 */
import type { Zxid } from '#core/model/zxid';

/** As many as can be told again: more than a follower has under way. */
const remembered = 1 << 14;

export class RetoldRecords {
	/** A ring: the record number n is at n % remembered. */
	readonly #zxids = new Float64Array(remembered);
	readonly #checksums = new Uint32Array(remembered);
	readonly #lengths = new Uint32Array(remembered);
	/** How many records there were, each counted once. */
	#count = 0;
	/** The record that has to come next, while some are told again. */
	#next = 0;

	/** `mixed`: of another history than the records before. */
	take(zxid: Zxid, checksum: number, length: number): 'new' | 'again' | 'mixed' {
		const isRetelling = this.#next < this.#count;
		if (!isRetelling && (this.#count === 0 || zxid > this.#zxids[(this.#count - 1) % remembered]!)) {
			const at = this.#count % remembered;
			this.#zxids[at] = zxid;
			this.#checksums[at] = checksum;
			this.#lengths[at] = length;
			this.#next = ++this.#count;
			return 'new';
		}
		const number = isRetelling && this.#zxids[this.#next % remembered] === zxid ? this.#next : this.#find(zxid);
		// Told again from further back is fine; going on without the rest is not.
		if (number === undefined || number > this.#next) return 'mixed';
		const at = number % remembered;
		if (this.#checksums[at] !== checksum || this.#lengths[at] !== length) return 'mixed';
		this.#next = number + 1;
		return 'again';
	}

	#find(zxid: Zxid): number | undefined {
		const oldest = Math.max(0, this.#count - remembered);
		for (let number = this.#count - 1; number >= oldest; number--) {
			const known = this.#zxids[number % remembered]!;
			if (known <= zxid) return known === zxid ? number : undefined;
		}
		return undefined;
	}
}
