/** The next elements of a queue that are free, as one look has found them: so that a long queue is not listed for each of them. */
import type { Chronokeeper } from '../chronokeeper.ts';
import { NoNodeError } from '../errors.ts';
import type { AclOption } from './acl-option.ts';
import type { ChangeBell } from './change-bell.ts';
import { overSessions } from './over-sessions.ts';

/** Where a queue keeps what: Kazoo's LockingQueue's nodes. */
export interface QueuePaths {
	/** Elements, in the order of their names. */
	readonly entries: string;
	/** Locks: ephemeral nodes, named as the elements are that somebody has taken. */
	readonly taken: string;
}

/** What a look has found. */
export interface Outlook {
	/** In their order. */
	readonly free: readonly string[];
	/** How long until the next element is due; undefined when no more is known of than what is free. */
	readonly waitMs: number | undefined;
}

/** What was found so long ago is not believed any more: elements that are to come first may have come since. */
const goodForMs = 1000;

export class LookAhead {
	readonly #ck: Chronokeeper;
	readonly #paths: QueuePaths;
	readonly #acl: AclOption['acl'];
	readonly #size: number;
	readonly #waitMsOf: (name: string) => number;
	#names: string[] = [];
	#lookedMs = 0;
	#looking: Promise<void> | undefined;

	/**
	 * @param size so many elements at most are looked at in advance
	 * @param waitMsOf how long until the element of this name is due; elements behind one that is not due are not due either
	 */
	constructor(
		ck: Chronokeeper,
		paths: QueuePaths,
		acl: AclOption['acl'],
		size: number,
		waitMsOf: (name: string) => number,
	) {
		this.#ck = ck;
		this.#acl = acl;
		this.#paths = paths;
		this.#size = size;
		this.#waitMsOf = waitMsOf;
	}

	/** Up to `count` names that nobody else here gets; others may have taken them meanwhile. None: the queue has nothing for anybody, or the signal has fired and takes nothing from others. */
	async next(count: number, signal?: AbortSignal): Promise<string[]> {
		if (this.#names.length === 0 || performance.now() - this.#lookedMs > goodForMs) {
			this.#looking ??= this.#refill();
			await this.#looking;
		}
		if (signal?.aborted) return [];
		// What time it is may have become known since the look.
		const due = this.#names.slice(0, count).filter((name) => this.#waitMsOf(name) <= 0).length;
		if (due === 0) this.#names = [];
		return this.#names.splice(0, due);
	}

	/** An element is free again, which may be the first of all. */
	forget(): void {
		this.#names = [];
	}

	/** One round trip, unless so many are taken that a free one is on another page. The bell rings when there may be another outlook. */
	look(bell?: ChangeBell): Promise<Outlook> {
		return overSessions(this.#ck, async () => {
			try {
				return await this.#look(bell);
			} catch (error) {
				if (!(error instanceof NoNodeError)) throw error;
				for (const path of [this.#paths.entries, this.#paths.taken])
					await this.#ck.ensurePath(path, { acl: this.#acl });
				return this.#look(bell);
			}
		});
	}

	async #refill(): Promise<void> {
		try {
			const { free } = await this.look();
			this.#names = [...free];
			this.#lookedMs = performance.now();
		} finally {
			this.#looking = undefined;
		}
	}

	async #look(bell: ChangeBell | undefined): Promise<Outlook> {
		const { entries, taken } = this.#paths;
		const pageSize = this.#size;
		type Watch = (() => void) | undefined;
		const readEntries = (watch?: Watch) => this.#ck.childPage(entries, { pageSize, watch });
		const readTaken = (watch?: Watch) => this.#ck.children(taken, { watch });
		const both = [
			bell === undefined ? readEntries() : bell.read(entries, readEntries),
			bell === undefined ? readTaken() : bell.read(taken, readTaken),
		] as const;
		// Neither is left behind when the other one fails.
		await Promise.allSettled(both);
		let page = await both[0];
		const locked = new Set((await both[1]).names);
		for (;;) {
			const free: string[] = [];
			for (const name of page.names) {
				const waitMs = this.#waitMsOf(name);
				if (waitMs > 0) return { free, waitMs };
				if (!locked.has(name)) free.push(name);
			}
			if (free.length > 0 || page.nextPageToken === '') return { free, waitMs: undefined };
			page = await this.#ck.childPage(entries, { pageSize, pageToken: page.nextPageToken });
		}
	}
}
