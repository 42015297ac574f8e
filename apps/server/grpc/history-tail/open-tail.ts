/** A tail as AdminService sees it: who it is of, how much it was sent, and a way to end it. */
import { noSession } from '#core/model/zxid';
import type { Id } from '#jute/records';
import type { OpenStream } from '../stream-registry.ts';

export class OpenTail implements OpenStream {
	readonly kind = 'grpc-tail';
	readonly sessionId = noSession;
	readonly sessionTimeoutMs = 0;
	readonly outstanding = 0;
	readonly received = 1;
	readonly watches = 0;
	readonly address: string;
	readonly identities: readonly Id[];
	/** Transactions. */
	sent = 0;
	/** Why it is to end; undefined while it is not. */
	reason: string | undefined;
	readonly #closing = new AbortController();

	constructor(address: string, identities: readonly Id[]) {
		this.address = address;
		this.identities = identities;
	}

	/** Fires when it is to end. */
	get closed(): AbortSignal {
		return this.#closing.signal;
	}

	close(reason: string): void {
		this.reason ??= reason;
		this.#closing.abort();
	}
}
