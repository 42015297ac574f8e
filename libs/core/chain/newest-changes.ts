/**
 * The newest outstanding change of each path.
 *
 * What is applied is not deleted one by one: two maps take turns, and the older one is dropped as a whole once all of it is applied.
 * A Map in which entries come and go for ever replaces its table every few dozen of them, each old table refers to its successor, and
 * the first of them that V8 moved to the old generation keeps all that follow, with every change in them, alive through each scavenge.
 */
import { type Zxid, zeroZxid } from '../model/zxid.ts';

/** How many paths the younger map holds before it may become the older one. */
const generation = 128;

export class NewestChanges<Change extends { readonly zxid: Zxid; readonly path: string }> {
	#young = new Map<string, Change>();
	#old = new Map<string, Change>();
	/** Nothing in the older map is newer. */
	#lastOfOld: Zxid = zeroZxid;
	#applied: Zxid = zeroZxid;

	/** Undefined when nothing is outstanding for this path. */
	get(path: string): Change | undefined {
		const change = this.#young.get(path) ?? this.#old.get(path);
		return change !== undefined && change.zxid > this.#applied ? change : undefined;
	}

	set(change: Change): void {
		this.#young.set(change.path, change);
	}

	/** @param previous what get() said before `change` was set; it is so again */
	restore(change: Change, previous: Change | undefined): void {
		if (previous === undefined) this.#young.delete(change.path);
		else this.#young.set(change.path, previous);
	}

	/** Everything up to `zxid` is forgotten; `last` is the newest change of all. */
	applied(zxid: Zxid, last: Zxid): void {
		this.#applied = zxid;
		if (this.#young.size < generation || this.#lastOfOld > zxid) return;
		this.#old = this.#young;
		this.#lastOfOld = last;
		this.#young = new Map();
	}
}
