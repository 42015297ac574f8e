/** How the client is connected, and whom that is told. */
import { EventQueue } from './event-queue.ts';
import { Listeners } from './listeners.ts';

/**
 * `suspended`: no server is connected, the session may live on. `lost`: it does not, or nobody can know; a new one is being opened.
 */
export type ClientState = 'connected' | 'suspended' | 'lost' | 'closed';

/** The session of the client, as its users hold it. */
export interface HeldSession {
	/** 64 bits, as ZooKeeper's. */
	readonly id: bigint;
	/** As the server gave it. */
	readonly timeoutMs: number;
	/**
	 * Aborted when the session is lost: the server said so, or none could be reached for the session's timeout, or the client was closed. From then on nothing
	 * that the session protected may be relied on. The reason is a SessionExpiredError.
	 */
	readonly signal: AbortSignal;
}

export interface StateChange {
	readonly state: ClientState;
	/** The one of then. */
	readonly session: HeldSession;
	/** Why, a sentence, for `suspended` and `lost`. */
	readonly reason?: string | undefined;
}

export class StateFeed extends Listeners<StateChange> {
	iterate(signal?: AbortSignal): AsyncIterableIterator<StateChange, undefined> {
		const queue = new StateQueue(signal);
		queue.begin(this.on((change) => queue.push(change)));
		return queue;
	}
}

class StateQueue extends EventQueue<StateChange> {
	readonly #signal: AbortSignal | undefined;
	readonly #abort = () => this.end();
	#stop: (() => void) | undefined;

	constructor(signal: AbortSignal | undefined) {
		super();
		this.#signal = signal;
	}

	begin(stop: () => void): void {
		this.#stop = stop;
		this.#signal?.addEventListener('abort', this.#abort);
		if (this.#signal?.aborted) this.end();
	}

	override push(change: StateChange): void {
		super.push(change);
		if (change.state === 'closed') this.end();
	}

	protected override ended(): void {
		this.#stop?.();
		this.#signal?.removeEventListener('abort', this.#abort);
	}
}
