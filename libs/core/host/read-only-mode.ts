/**
 * A member without a leader serves reads after a while, to clients that accept that (semantics 67). It ends when an election is decided: whoever leads, those
 * clients find a replica that serves in full.
 */
import type { After } from '../ports/timers.ts';
import type { Host } from './host.ts';

export class ReadOnlyMode {
	readonly #host: Host;
	readonly #after: After;
	readonly #graceMs: number | null;
	#cancel: () => void = () => {};

	/** @param graceMs how long it looks for a leader first: short partitions are not worth a change; null: it serves nobody without one */
	constructor(host: Host, after: After, graceMs: number | null) {
		this.#host = host;
		this.#after = after;
		this.#graceMs = graceMs;
	}

	looking(): void {
		this.#cancel();
		if (this.#graceMs !== null) this.#cancel = this.#after(this.#graceMs, () => this.#host.serveReadOnly());
	}

	/** An election is decided, or this replica stops. */
	end(reason: string): void {
		this.#cancel();
		this.#cancel = () => {};
		if (this.#host.isReadOnly) this.#host.look(new Error(reason));
	}
}
