/**
 * A time without a stream, as watches see it: what happened then comes from the history, and what happens now waits until that is told.
 */
import { type TailSource, tailTransactions } from './tail.ts';
import { watchedEvents } from './watched-changes.ts';
import type { NodeEvent } from './watched-event.ts';

export interface GapView {
	/** The server's paths; absent: everything. */
	readonly paths: readonly string[] | undefined;
	readonly withData: boolean;
}

const fillMs = 15_000;
/** Events that wait meanwhile. */
const mostHeld = 65_536;

export class WatchGap {
	readonly #abandoned = new AbortController();
	/** Of the transaction that was being told when the stream was lost. */
	readonly #toldInPart: NodeEvent[];
	#position: bigint;
	#held: NodeEvent[] = [];

	/** @param fromZxid everything up to it was told @param toldInPart events behind it that were told, too */
	constructor(fromZxid: bigint, toldInPart: readonly NodeEvent[]) {
		this.#position = fromZxid;
		this.#toldInPart = toldInPart.filter(({ zxid }) => zxid! > fromZxid);
	}

	/** Everything up to here has been told. */
	get position(): bigint {
		return this.#position;
	}

	get held(): readonly NodeEvent[] {
		return this.#held;
	}

	/** Of now. @returns false when there are too many: then something is missed */
	hold(event: NodeEvent): boolean {
		this.#held.push(event);
		return this.#held.length < mostHeld;
	}

	/** Another one takes its place, from its position. */
	abandon(): void {
		this.#held = [];
		this.#abandoned.abort();
	}

	/**
	 * @param throughZxid what is behind it is told by the stream
	 * @returns false when nobody knows all of it, or nobody answers
	 */
	async fill(
		sources: readonly TailSource[],
		throughZxid: bigint,
		view: GapView,
		tell: (event: NodeEvent) => void,
	): Promise<boolean> {
		const late = new AbortController();
		const timer = setTimeout(() => late.abort(), fillMs);
		const paths = view.paths?.map((path) => ({ path, recursive: true }));
		const options = {
			fromZxid: this.#position,
			withData: view.withData,
			progressIntervalMs: 100,
			...(paths === undefined ? {} : { paths }),
		};
		try {
			const signal = AbortSignal.any([late.signal, this.#abandoned.signal]);
			for await (const { items, zxid } of tailTransactions(sources, options, signal)) {
				if (this.#abandoned.signal.aborted) return false;
				for (const transaction of items) {
					if (transaction.zxid > throughZxid) break;
					for (const event of watchedEvents(transaction)) if (!this.#wasTold(event)) tell(event);
				}
				this.#position = zxid < throughZxid ? zxid : throughZxid;
				if (zxid >= throughZxid) return true;
			}
		} catch {
			// The history does not have it, or not for this client: the caller says so to those who listen.
		} finally {
			clearTimeout(timer);
		}
		return false;
	}

	#wasTold({ zxid, type, path }: NodeEvent): boolean {
		const at = this.#toldInPart.findIndex((told) => told.zxid === zxid && told.type === type && told.path === path);
		if (at >= 0) this.#toldInPart.splice(at, 1);
		return at >= 0;
	}
}
