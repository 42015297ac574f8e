/**
 * audit.mode=strict: a transaction is committed when it is decided (a quorum has it on its disks, alone this disk) and mirrored. What is decided survives every election, so it may be written to
 * PostgreSQL before it is committed; and since it is committed only then, nobody sees or is told what is not there.
 *
 * Patience: when something waits and the mirror has not moved for that long, new writes are refused before they are proposed, until it moves. What is proposed already goes on waiting.
 */
import { type Zxid, zeroZxid } from '../model/zxid.ts';
import type { Clock } from '../ports/clock.ts';
import type { CommitHold } from '../ports/commit-hold.ts';

export interface MirrorHoldParts {
	readonly clock: Pick<Clock, 'monotonicMs'>;
	readonly patienceMs: number;
	/** The mirror may write everything up to this zxid. */
	readonly mirror: (zxid: Zxid) => void;
}

export class MirrorHold implements CommitHold {
	readonly #parts: MirrorHoldParts;
	#decided: Zxid = zeroZxid;
	#mirrored: Zxid = zeroZxid;
	/** Monotonic: since when somebody waits, or the mirror moved while somebody did. */
	#sinceMs = 0;

	constructor(parts: MirrorHoldParts) {
		this.#parts = parts;
	}

	begin(): void {
		this.#decided = zeroZxid;
	}

	decided(zxid: Zxid): Zxid {
		if (zxid > this.#decided) {
			if (!this.#isAwaited) this.#sinceMs = this.#parts.clock.monotonicMs();
			this.#decided = zxid;
			this.#parts.mirror(zxid);
		}
		return this.through;
	}

	/** Everything up to this zxid is in PostgreSQL. Less than before when another PostgreSQL has taken its place. */
	mirrored(zxid: Zxid): void {
		if (zxid === this.#mirrored) return;
		this.#mirrored = zxid;
		this.#sinceMs = this.#parts.clock.monotonicMs();
	}

	/** Decided and mirrored. */
	get through(): Zxid {
		return Math.min(this.#decided, this.#mirrored) as Zxid;
	}

	get isOverdue(): boolean {
		return this.#isAwaited && this.#parts.clock.monotonicMs() - this.#sinceMs > this.#parts.patienceMs;
	}

	get #isAwaited(): boolean {
		return this.#decided > this.#mirrored;
	}
}
