/** A replica's files with a history in them that recovery believes: several logs, snapshots, digests, sessions, two epochs. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { TxnRecord } from '#core/model/txn-record';
import { makeZxid, type SessionId, type Zxid, zeroZxid } from '#core/model/zxid';
import { DataTree } from '#core/tree/data-tree';
import { frozenNodes } from '#core/tree/frozen-tree';
import { openAcl } from '#jute/acl';
import type { Txn } from '#jute/txn';
import { LogFileReader } from '#storage/log-file-reader';
import { trackSession } from '#storage/replay';
import { writeSnapshotFile } from '#storage/snapshot-writer';
import { FileTxnLog } from '#storage/txn-log';

export interface State {
	readonly digest: bigint;
	readonly sessions: ReadonlyMap<SessionId, number>;
}

/** A history that is made in memory, a transaction at a time, and what the state was at each of them. */
export class MadeHistory {
	readonly tree = new DataTree();
	readonly sessions = new Map<SessionId, number>();
	readonly records: TxnRecord[] = [];
	readonly states = new Map<Zxid, State>();
	lastZxid: Zxid = zeroZxid;
	/** Makes what this history writes another one's. */
	readonly #name: string;

	constructor(name = 'n') {
		this.#name = name;
		this.#note();
	}

	/** The next transactions of an epoch: nodes and sessions come and go. */
	add(epoch: number, from: number, count: number): TxnRecord[] {
		const added: TxnRecord[] = [];
		for (let counter = from; counter < from + count; counter++) {
			const zxid = makeZxid(epoch, counter);
			const sessionId = (0x1000n + BigInt(counter % 7)) as SessionId;
			const header = { sessionId, cxid: counter, zxid, time: 1_795_245_000_000 + counter };
			const txn = this.#txn(counter, epoch, sessionId);
			this.tree.apply({ header, txn });
			const record: TxnRecord = { header, txn, digest: { version: 2, value: this.tree.digest() }, context: null };
			trackSession(this.sessions, record);
			this.lastZxid = zxid;
			this.records.push(record);
			added.push(record);
			this.#note();
		}
		return added;
	}

	writeSnapshot(directory: string): void {
		const frozen = this.tree.freeze();
		frozen.sessions = this.sessions;
		const { acls, digest, sessions, zxid } = frozen;
		writeSnapshotFile(directory, { zxid, sessions, acls, nodes: frozenNodes(frozen.transferable()) }, digest);
		frozen.release();
	}

	#txn(counter: number, epoch: number, sessionId: SessionId): Txn {
		const at = `/${this.#name}-${epoch}-${counter}`;
		if (counter % 5 === 0) return { kind: 'createSession', timeoutMs: 1000 * counter };
		if (counter % 11 === 0) return { kind: 'closeSession', paths: this.tree.ephemeralsOf(sessionId) };
		const data = new Uint8Array(counter % 3 === 0 ? 300 : 20).fill(counter);
		const parentCversion = this.tree.storedStat('/')!.cversion + 1;
		return { kind: 'create', path: at, data, acl: openAcl, ephemeral: counter % 4 === 0, parentCversion };
	}

	#note(): void {
		this.states.set(this.lastZxid, { digest: this.tree.digest(), sessions: new Map(this.sessions) });
	}
}

/**
 * Writes (1, 1) to (1, 60) and (2, 1) to (2, 40) into logs of 20 and a snapshot at the beginning, at (1, 30), (1, 50), (2, 10) and (2, 30).
 */
export async function writeStoredHistory(dataDir: string, dataLogDir = dataDir): Promise<MadeHistory> {
	const snapshots = path.join(dataDir, 'version-2');
	const logs = path.join(dataLogDir, 'version-2');
	for (const directory of [snapshots, logs]) mkdirSync(directory, { recursive: true });
	const history = new MadeHistory();
	history.writeSnapshot(snapshots);
	const log = new FileTxnLog({ directory: logs, lastZxid: zeroZxid, preAllocSizeKiB: 4 });
	for (const [epoch, from] of [
		...[1, 11, 21, 31, 41, 51].map((at) => [1, at]),
		...[1, 11, 21, 31].map((at) => [2, at]),
	]) {
		if (from! % 20 === 1) log.roll();
		log.append(history.add(epoch!, from!, 10));
		const isDue = epoch === 1 ? from === 21 || from === 41 : from === 1 || from === 21;
		if (isDue) history.writeSnapshot(snapshots);
	}
	await log.close();
	return history;
}

/** A bit of this transaction in a log file is another one from now on. @param where in its body, or in its end mark: then the log seems to end there */
export function damageRecord(log: string, zxid: Zxid, where: 'body' | 'mark' = 'body'): void {
	const reader = new LogFileReader(log);
	for (let entry = reader.next(); entry.kind === 'record'; entry = reader.next()) {
		if (entry.record.header.zxid !== zxid) continue;
		const bytes = readFileSync(log);
		bytes[entry.offset + entry.length - (where === 'body' ? 2 : 1)]! ^= 1;
		writeFileSync(log, bytes);
		break;
	}
	reader.close();
}
