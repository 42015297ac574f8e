import { Membership, type MembershipParts } from '#core/zab/membership';
import type { QuorumConfig } from '#core/zab/quorum-config';

/** A membership in which everybody is a quorum of the configuration in force, while it is broken on purpose. */
export class BreakableMembership extends Membership {
	readonly #isBroken: () => boolean;

	constructor(parts: MembershipParts, isBroken: () => boolean) {
		super(parts);
		this.#isBroken = isBroken;
	}

	override get next(): QuorumConfig | null {
		return process.env.UNBOUND === '1' ? null : super.next;
	}

	override get current(): QuorumConfig {
		const config = super.current;
		return this.#isBroken() ? Object.assign(Object.create(config) as QuorumConfig, { isQuorum: () => true }) : config;
	}
}

/** Of those whose configuration stays what it is. */
export const noStore = { saveNext: (): void => {}, saveCurrent: (): void => {} };
