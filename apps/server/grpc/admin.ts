/** AdminService: the state of this replica. */
import type { SnapshotInfo } from '#core/ports/snapshot-store';
import { formatQuorumServer } from '#core/zab/quorum-server';
import type {
	StatusResponse,
	StatusResponse_Ensemble,
	StatusResponse_Mirror,
	TakeSnapshotResponse,
} from '#proto/chronokeeper/v1/admin';
import type { ServerConfig } from '../config/config.ts';
import type { MirrorService } from '../mirror/mirror-service.ts';
import type { Member } from '../replica/member.ts';
import type { Replica } from '../replica/replica.ts';
import type { ReplicaHealth } from '../replica-health.ts';
import { version } from '../version.ts';

export class Admin {
	constructor(
		private readonly config: ServerConfig,
		private readonly replica: Replica,
		private readonly mirror: MirrorService | undefined,
		private readonly health: ReplicaHealth,
	) {}

	status(): StatusResponse {
		const { host, snapshots, startedMs, directory, member } = this.replica;
		const { tree } = host;
		const { ready, problems, warnings } = this.health.check();
		return {
			version,
			role: this.replica.role,
			serverId: this.config.serverId,
			lastZxid: BigInt(host.lastProcessedZxid),
			digest: tree.digest(),
			znodes: BigInt(tree.size),
			ephemerals: BigInt(tree.ephemeralCount),
			sessions: host.sessions.size,
			approximateDataSize: BigInt(tree.approximateDataSize),
			outstanding: host.outstanding,
			uptimeMs: BigInt(Math.round(performance.now() - startedMs)),
			dataDir: directory.snapshotDirectory,
			dataLogDir: directory.logDirectory,
			ready,
			problems: [...problems, ...warnings],
			mirror: this.mirror === undefined ? undefined : mirrorMessage(this.config, this.mirror),
			lastSnapshot: snapshots.last === undefined ? undefined : snapshotMessage(snapshots.last),
			ensemble: member === undefined ? undefined : ensembleMessage(member),
		};
	}

	async takeSnapshot(): Promise<TakeSnapshotResponse> {
		return snapshotMessage(await this.replica.snapshots.take());
	}
}

function mirrorMessage(config: ServerConfig, mirror: MirrorService): StatusResponse_Mirror {
	const { state, mirroredZxid, lagTxns, lagSeconds, lastError } = mirror.health();
	return {
		mode: config['audit.mode'],
		state,
		mirroredZxid: BigInt(mirroredZxid),
		lagTxns: BigInt(lagTxns),
		lagSeconds,
		lastError: lastError ?? '',
	};
}

function ensembleMessage({ membership, mode, peer }: Member): StatusResponse_Ensemble {
	const { version, servers } = membership.current;
	return {
		version: BigInt(version),
		leader: mode === undefined ? undefined : peer.vote.leader,
		members: [...servers.values()].map((server) => ({
			serverId: server.id,
			role: server.role,
			address: formatQuorumServer(server),
		})),
	};
}

function snapshotMessage(info: SnapshotInfo): TakeSnapshotResponse {
	return {
		zxid: BigInt(info.zxid),
		digest: info.digest,
		file: info.file,
		bytes: BigInt(info.bytes),
		durationMs: BigInt(Math.round(info.durationMs)),
	};
}
