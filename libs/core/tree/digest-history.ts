/** The tree digest at every 128th zxid, the last 1024 of them: what two replicas compare to find where they part (`hash`). */
import type { Zxid } from '#jute/scalars';

export interface ZxidDigest {
	readonly zxid: Zxid;
	readonly digest: bigint;
}

const interval = 128;
const limit = 1024;

export class DigestHistory {
	#entries: ZxidDigest[] = [];

	/** After each transaction, when the tree is known to be the one of this zxid. The digest is asked for when it is kept. */
	reached(zxid: Zxid, tree: { digest(): bigint }): void {
		if (zxid % interval !== 0) return;
		this.#entries.push({ zxid, digest: tree.digest() });
		if (this.#entries.length >= 2 * limit) this.#entries = this.#entries.slice(-limit);
	}

	/** Oldest first. */
	entries(): readonly ZxidDigest[] {
		return this.#entries.slice(-limit);
	}
}
