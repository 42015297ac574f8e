import { Injectable } from '@nestjs/common';
import type { Chronokeeper } from '#client/index';
import { InjectChronokeeper } from './tokens.ts';

/** As @nestjs/terminus has it. */
export type ChronokeeperHealth = Readonly<
	Record<
		string,
		{ readonly status: 'up' | 'down'; readonly state: string; readonly session: string; readonly message?: string }
	>
>;

/** For Terminus: `health.check([() => indicator.isHealthy()])`. It works without Terminus, too. */
@Injectable()
export class ChronokeeperHealthIndicator {
	readonly #ck: Chronokeeper;

	constructor(@InjectChronokeeper() ck: Chronokeeper) {
		this.#ck = ck;
	}

	/** Up when a quorum of the ensemble answers within `timeoutMs`, 1,000 when absent. */
	async isHealthy(
		key = 'chronokeeper',
		{ timeoutMs = 1000 }: { readonly timeoutMs?: number } = {},
	): Promise<ChronokeeperHealth> {
		const ck = this.#ck;
		const known = () => ({ state: ck.state, session: `0x${ck.session.id.toString(16)}` });
		try {
			await ck.sync('/', { timeoutMs });
			return { [key]: { status: 'up', ...known() } };
		} catch (error) {
			return { [key]: { status: 'down', ...known(), message: (error as Error).message } };
		}
	}
}
