/**
 * A process that takes a lock, or leads, again and again, and tells its parent a line of JSON for each thing that happens. While it has it, it writes a node in transactions of the lock.
 *
 *     possession-worker.ts lock|leader ENDPOINTS SESSION-TIMEOUT-MS PATH
 *
 * Below the path are `possession` and the node that is written, `journal`.
 */
import { connect, DistributedLock, type HeldLock, LeaderElection, NoNodeError } from '#client/index';
import type { PossessionEvent } from './possession-workers.ts';

const [recipe, endpoints, timeout, path] = process.argv.slice(2) as [string, string, string, string];
const ck = await connect({ endpoints, sessionTimeoutMs: Number(timeout), connectTimeoutMs: 60_000 });

function say(kind: PossessionEvent['kind'], { token }: HeldLock, zxid?: bigint): void {
	process.stdout.write(`${JSON.stringify({ kind, token: `${token}`, zxid: zxid && `${zxid}` })}\n`);
}

/** For a moment, or until it is lost. */
async function use(held: HeldLock): Promise<void> {
	const untilMs = performance.now() + Math.random() * 40;
	do {
		try {
			const [, written] = await held.transaction().set(`${path}/journal`, `${held.token}`).commit();
			say('wrote', held, written!.zxid);
		} catch (error) {
			// Whatever else it is, nobody knows then whether it was written.
			say(error instanceof NoNodeError ? 'refused' : 'failed', held);
			return;
		}
	} while (held.isHeld && performance.now() < untilMs);
}

async function have(held: HeldLock): Promise<void> {
	say('has', held);
	held.signal.addEventListener('abort', () => say(held.session.signal.aborted ? 'lost' : 'left', held), { once: true });
	await use(held);
}

const lock = new DistributedLock(ck, `${path}/possession`, { id: `${process.pid}` });
const election = new LeaderElection(ck, `${path}/possession`, { id: `${process.pid}` });
for (;;) {
	if (recipe === 'lock') await lock.run(have);
	else await election.run(have);
}
