/** The last syncs of the log: which of them was for a transaction. */
import type { LogSync } from '#storage/txn-log';

/** A transaction's stages are told in the turn after its sync: a few in flight are in front of it, no more. */
const kept = 64;

export class LogSyncs {
	/** In the order of their zxids. */
	readonly #syncs: LogSync[] = [];

	add(sync: LogSync): void {
		const last = this.#syncs.at(-1);
		// The log was cut, and goes on from there.
		if (last !== undefined && sync.zxid <= last.zxid) this.#syncs.length = 0;
		this.#syncs.push(sync);
		if (this.#syncs.length > kept) this.#syncs.shift();
	}

	/** The one that made this transaction durable; undefined when it is not known any more, or there was none (`forceSync=no`). */
	of(zxid: number): LogSync | undefined {
		let found: LogSync | undefined;
		// From the newest on: it is one of the last, and to look at the others takes longer than the rest of the span, for they are in no cache any more.
		for (let i = this.#syncs.length - 1; i >= 0; i--) {
			const sync = this.#syncs[i]!;
			if (sync.zxid < zxid) break;
			found = sync;
		}
		return found;
	}
}
