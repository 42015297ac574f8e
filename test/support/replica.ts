/** A standalone replica in this process, with real files: what `ck server` runs, without its doors. */
import { join } from 'node:path';
import { type ChainOptions, defaultChainOptions } from '#core/chain/options';
import { Host } from '#core/host/host';
import type { Caller, Op, Reply, Request } from '#core/model/op';
import { epochOf, noSession, type SessionId } from '#core/model/zxid';
import type { SnapshotInfo } from '#core/ports/snapshot-store';
import type { Tracer } from '#core/ports/tracer';
import { DataDirectory } from '#storage/data-directory';
import { type Recovered, recover } from '#storage/recovery';
import { FileSnapshotStore } from '#storage/snapshot-store';
import { FileTxnLog } from '#storage/txn-log';
import { superUser } from './real-zookeeper.ts';

const quiet: Tracer = { stage: () => {}, batch: () => {} };
const clock = { now: () => Date.now(), monotonicMs: () => performance.now() };

export const anyone: Caller = { door: 'grpc', identities: [], address: '203.0.113.7:51234' };

export class TestReplica {
	readonly recovered: Recovered;
	readonly host: Host;
	private readonly snapshots: FileSnapshotStore;
	private cxid = 0;

	private constructor(recovered: Recovered, host: Host, snapshots: FileSnapshotStore) {
		this.recovered = recovered;
		this.host = host;
		this.snapshots = snapshots;
	}

	/** Recovers what is in the directory and goes on from there. A new replica begins with a snapshot, as ZooKeeper's does. */
	static async open(dataDir: string, options: Partial<ChainOptions> = {}, epoch = 0): Promise<TestReplica> {
		const directory = new DataDirectory(dataDir);
		directory.create();
		const recovered = await recover({ dataDir });
		const { tree, sessions, lastZxid } = recovered;
		const log = new FileTxnLog({ directory: directory.logDirectory, lastZxid, preAllocSizeKiB: 1024 });
		const host = new Host({
			tree,
			sessions,
			lastZxid,
			epoch: Math.max(epoch, epochOf(lastZxid)),
			log,
			clock,
			tracer: quiet,
			schedule: (turn) => setImmediate(turn),
			serverId: 1,
			options: { ...defaultChainOptions, extendedTypesEnabled: true, superDigest: superUser.digest, ...options },
		});
		log.listen(host);
		const replica = new TestReplica(recovered, host, new FileSnapshotStore(directory.snapshotDirectory));
		if (recovered.snapshot === null) await replica.snapshot();
		return replica;
	}

	/** @throws nothing for an error code: it is in the reply. */
	call(
		op: Op,
		sessionId: SessionId = noSession,
		caller: Caller = anyone,
		extra: Partial<Request> = {},
	): Promise<Reply> {
		return new Promise((reply) => {
			this.host.submit({ sessionId, cxid: ++this.cxid, op, caller, reply, ...extra });
		});
	}

	async openSession(timeoutMs: number): Promise<SessionId> {
		const { result } = await this.call({ kind: 'createSession', timeoutMs });
		if (result?.kind !== 'createSession') throw new Error('no session was created');
		return result.sessionId;
	}

	async snapshot(): Promise<SnapshotInfo> {
		const frozen = this.host.snapshotPoint();
		try {
			return await this.snapshots.write(frozen);
		} finally {
			frozen.release();
		}
	}

	close(): Promise<void> {
		return this.host.stop();
	}
}

export function versionDirectory(dataDir: string): string {
	return join(dataDir, 'version-2');
}
