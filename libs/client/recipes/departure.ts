import type { Chronokeeper } from '../chronokeeper.ts';
import { tailTransactions } from '../tail.ts';

/**
 * How an ephemeral node went. `left`: somebody deleted it, mostly its owner. `closed`: its owner closed the session. `expired`: the session timed out: its owner died, hangs, or is cut off.
 * `ended`: the session is over, and who asks may not know how (it takes the role `history`).
 */
export type Departure = 'left' | 'closed' | 'expired' | 'ended';

/** Where the history is not to be had, it is not waited for longer. */
const patienceMs = 3000;

/** Asks the history about the transaction that deleted it. Undefined when the history cannot tell. */
export async function departureAt(ck: Chronokeeper, zxid: bigint, signal: AbortSignal): Promise<Departure | undefined> {
	const end = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
	try {
		for await (const { items } of tailTransactions(ck.replicas, { fromZxid: zxid - 1n }, end)) {
			const transaction = items.find((each) => each.zxid >= zxid);
			if (transaction === undefined) continue;
			if (transaction.zxid !== zxid) return undefined;
			if (transaction.type !== 'closeSession') return 'left';
			// The system ends sessions by itself only when they expire.
			const { context } = transaction;
			if (context === undefined) return 'ended';
			return context.door === 'system' ? 'expired' : 'closed';
		}
	} catch {
		// It is not known any more, may not be asked, or no server is there.
	}
	return undefined;
}
