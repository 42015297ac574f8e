/** The log behind a restored snapshot: it closes the sessions of then, as expiry would have. */
import type { TxnRecord } from '#core/model/txn-record';
import type { Zxid } from '#core/model/zxid';
import type { DataTree } from '#core/tree/data-tree';
import { digestVersion } from '#core/tree/digest';
import type { SessionId } from '#jute/scalars';
import type { DataDirectory } from '#storage/data-directory';
import { FileTxnLog } from '#storage/txn-log';

/** What the audit shows as the request that did it. */
const requestId = 'restore';
const batch = 1000;

/**
 * Writes it, and applies it to the tree. Ephemeral nodes go with their sessions.
 * @returns the last zxid: the tree's own when there is no session
 */
export async function endSessions(
	directory: DataDirectory,
	tree: DataTree,
	sessions: Iterable<SessionId>,
): Promise<Zxid> {
	// A session without a row can own nodes: of a history that begins with a snapshot of an older release.
	const all = [...new Set([...sessions, ...tree.sessionsWithEphemerals()])];
	if (all.length === 0) return tree.lastProcessedZxid;
	const log = new FileTxnLog({
		directory: directory.logDirectory,
		lastZxid: tree.lastProcessedZxid,
		preAllocSizeKiB: 64,
	});
	const time = Date.now();
	let records: TxnRecord[] = [];
	for (const sessionId of all) {
		const zxid = (tree.lastProcessedZxid + 1) as Zxid;
		const header = { sessionId, cxid: 0, zxid, time };
		const txn = { kind: 'closeSession', paths: tree.ephemeralsOf(sessionId) } as const;
		tree.apply({ header, txn });
		const context = { traceparent: '', identities: [], address: '', door: 'system', requestId } as const;
		records.push({ header, txn, digest: { version: digestVersion, value: tree.digest() }, context });
		if (records.length < batch) continue;
		log.append(records);
		records = [];
	}
	if (records.length > 0) log.append(records);
	await log.close();
	return tree.lastProcessedZxid;
}
