/** Whether the replica serves in full, and what keeps it from that or soon could. */
import type { MirrorHealth, MirrorService } from './mirror/mirror-service.ts';
import type { Replica } from './replica/replica.ts';

export interface Health {
	/** False: it has to be started again. */
	readonly live: boolean;
	/** Reads are served, and writes, unless audit.mode=strict refuses them for a while. */
	readonly ready: boolean;
	/** `ok`; `degraded`: it serves, but see the warnings; `failed`: not ready. */
	readonly status: 'ok' | 'degraded' | 'failed';
	/** Why it is not ready. */
	readonly problems: readonly string[];
	/** What an operator should look at although everything is served. */
	readonly warnings: readonly string[];
}

const writesRefused =
	'new writes are refused until PostgreSQL takes what waits (audit.mode=strict); reads and sessions go on';
/** Behind for longer, the mirror is worth a warning. */
const lagWarningSeconds = 30;

export class ReplicaHealth {
	constructor(
		private readonly replica: Replica,
		private readonly mirror: MirrorService | undefined,
	) {}

	check(): Health {
		const { host, snapshots } = this.replica;
		const mirror = this.mirror?.health();
		const problems: string[] = [];
		const warnings: string[] = [];
		if (host.state === 'looking' || host.isReadOnly) problems.push('there is no leader at the moment');
		else if (host.state !== 'serving' || host.stateReason !== '') problems.push(host.stateReason);
		if (mirror !== undefined) {
			const trouble = mirrorTrouble(mirror);
			if (trouble !== '') warnings.push(trouble);
		}
		if (host.refusals.areWritesRefused) warnings.push(writesRefused);
		if (snapshots.lastError !== undefined) warnings.push(`the last snapshot failed: ${snapshots.lastError.message}`);
		const ready = problems.length === 0;
		return {
			live: host.state !== 'broken',
			ready,
			status: ready ? (warnings.length === 0 ? 'ok' : 'degraded') : 'failed',
			problems,
			warnings,
		};
	}
}

function mirrorTrouble({ state, lagTxns, lagSeconds, lastError }: MirrorHealth): string {
	if (state === 'away') return `the mirror is away${lastError === null ? '' : `: ${lastError}`}`;
	if (lagSeconds > lagWarningSeconds)
		return `the mirror is ${lagTxns} transactions (${Math.round(lagSeconds)} s) behind`;
	return '';
}
