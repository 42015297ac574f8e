import { Membership, type MembershipParts } from '#core/zab/membership';
import type { QuorumConfig } from '#core/zab/quorum-config';

/**
 * What a membership that is broken on purpose says of itself. everybody: whoever is there is a quorum of the configuration in force; newQuorumAlone: the next
 * one is in force already.
 */
export type MembershipBreach = 'everybody' | 'newQuorumAlone' | null;

export class BreakableMembership extends Membership {
	readonly #breach: () => MembershipBreach;

	/** @param breach of the moment */
	constructor(parts: MembershipParts, breach: () => MembershipBreach) {
		super(parts);
		this.#breach = breach;
	}

	override get current(): QuorumConfig {
		const config = super.current;
		const breach = this.#breach();
		if (breach === 'newQuorumAlone') return super.next ?? config;
		if (breach !== 'everybody') return config;
		return Object.assign(Object.create(config) as QuorumConfig, { isQuorum: () => true });
	}

	override get next(): QuorumConfig | null {
		return this.#breach() === 'newQuorumAlone' ? null : super.next;
	}
}

/** Of those whose configuration stays what it is. */
export const noStore = { saveNext: (): void => {}, saveCurrent: (): void => {} };
