import type { QuorumNetwork } from '#core/ports/quorum-link';
import type { Membership } from '#core/zab/membership';
import type { MembershipStore } from '#core/zab/membership-store';
import { parseQuorumConfig } from '#core/zab/parse-quorum-config';
import type { QuorumConfig } from '#core/zab/quorum-config';
import type { MembershipBreach } from '../breakable-membership.ts';
import type { Breach } from './breach.ts';

/** What a member has on its disk of configurations, as text: it outlives its processes and every power cut. */
export class StoredMembership implements MembershipStore {
	readonly #breach: Breach | undefined;
	#current: string;
	#next: string | null = null;
	/** Writes. */
	saved = 0;

	constructor(config: QuorumConfig, breach?: Breach) {
		this.#current = config.toString();
		this.#breach = breach;
	}

	get current(): QuorumConfig {
		return parseQuorumConfig(this.#current);
	}

	get next(): QuorumConfig | undefined {
		return this.#next === null ? undefined : parseQuorumConfig(this.#next);
	}

	saveNext(config: QuorumConfig): void {
		if (this.#breach === 'forgottenNext') return;
		this.#next = config.toString();
		this.saved += 1;
	}

	saveCurrent(config: QuorumConfig): void {
		this.#current = config.toString();
		this.saved += 1;
	}
}

/** What a breach makes of a leader's membership. */
export function membershipBreach(breach: Breach | undefined): MembershipBreach {
	if (breach === 'commitWithoutQuorum') return 'everybody';
	return breach === 'newQuorumAlone' ? breach : null;
}

/** A server that no configuration has has no address. */
export function onlyKnown(network: QuorumNetwork, membership: Membership): QuorumNetwork {
	return {
		accept: (listener) => network.accept(listener),
		connect: (to, listener) =>
			membership.servers(to).length > 0
				? network.connect(to, listener)
				: Promise.reject(new Error(`server ${to} is in no configuration`)),
	};
}
