/** AdminService: the state of this replica, who is connected to it, the members of its ensemble. */
import { configPath } from '#core/model/path';
import type { SnapshotInfo } from '#core/ports/snapshot-store';
import { formatQuorumServer } from '#core/zab/quorum-server';
import type { Stat } from '#jute/records';
import type {
	GetConfigResponse,
	ListConnectionsResponse,
	ReconfigRequest,
	ReconfigResponse,
	ShedLoadRequest,
	ShedLoadResponse,
	StatusResponse,
	StatusResponse_Ensemble,
	StatusResponse_Mirror,
	TakeSnapshotResponse,
	WatchStatusRequest,
	WatchStatusResponse,
} from '#proto/chronokeeper/v1/admin';
import type { Metrics } from '#telemetry/metrics';
import type { ServerConfig } from '../config/config.ts';
import type { MirrorService } from '../mirror/mirror-service.ts';
import type { Member } from '../replica/member.ts';
import type { Replica } from '../replica/replica.ts';
import type { ReplicaHealth } from '../replica-health.ts';
import { version } from '../version.ts';
import type { Connections } from '../zookeeper/connections.ts';
import { ConnectionList } from './connection-list.ts';
import type { GrpcCall } from './grpc-call.ts';
import { invalidField } from './grpc-error.ts';
import { ResponseStreams } from './response-streams.ts';
import { intervalOf, StatusWatch } from './status-watch.ts';
import type { StreamRegistry } from './stream-registry.ts';
import type { Submission } from './submission.ts';
import { stat as statMessage } from './znode-responses.ts';

export interface AdminParts {
	readonly config: ServerConfig;
	readonly replica: Replica;
	readonly mirror: MirrorService | undefined;
	readonly health: ReplicaHealth;
	readonly metrics: Metrics;
	readonly submission: Submission;
	/** Of the client port. */
	readonly connections: Connections;
	readonly registry: StreamRegistry;
}

export class Admin {
	/** An operator goes on watching a replica that has lost its leader. */
	readonly streams = new ResponseStreams();
	readonly #submission: Submission;
	readonly #connections: ConnectionList;
	readonly #watch: StatusWatch;
	private readonly config: ServerConfig;
	private readonly replica: Replica;
	private readonly mirror: MirrorService | undefined;
	private readonly health: ReplicaHealth;

	constructor({ config, replica, mirror, health, metrics, submission, connections, registry }: AdminParts) {
		this.config = config;
		this.replica = replica;
		this.mirror = mirror;
		this.health = health;
		this.#submission = submission;
		const list = new ConnectionList(connections, registry);
		this.#connections = list;
		this.#watch = new StatusWatch({
			metrics,
			status: () => this.status(),
			connections: () => list.counts(),
			watches: () => replica.host.watches.summary().watches,
		});
	}

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

	/** @throws RpcException */
	watchStatus({ intervalMs }: WatchStatusRequest, signal: AbortSignal): AsyncIterable<WatchStatusResponse> {
		return this.#watch.watch(intervalOf(intervalMs), signal);
	}

	/** By kind. */
	connectionCounts(): Readonly<Record<string, number>> {
		return this.#connections.counts();
	}

	listConnections(): ListConnectionsResponse {
		return { connections: this.#connections.list() };
	}

	shedLoad(request: ShedLoadRequest): ShedLoadResponse {
		return { closed: this.#connections.shed(request) };
	}

	async getConfig(call: GrpcCall): Promise<GetConfigResponse> {
		const { result } = await this.#submission.submit({ kind: 'getData', path: configPath, watch: false }, call);
		return configMessage(result);
	}

	/** @throws RpcException, also for what contradicts itself */
	async reconfig(request: ReconfigRequest, call: GrpcCall): Promise<ReconfigResponse> {
		const { joining, leaving, newMembers, fromVersion } = request;
		const isWhole = newMembers !== '';
		if (isWhole && (joining !== '' || leaving !== ''))
			throw invalidField('new_members', 'either the new members as a whole, or who joins and who leaves');
		if (!isWhole && joining === '' && leaving === '')
			throw invalidField('joining', 'say who joins, who leaves, or who the new members are');
		const op = {
			kind: 'reconfig',
			joiningServers: joining === '' ? null : joining,
			leavingServers: leaving === '' ? null : leaving,
			newMembers: isWhole ? newMembers : null,
			configId: fromVersion ?? anyVersion,
		} as const;
		const { result } = await this.#submission.submit(op, call);
		return configMessage(result);
	}
}

/** ZooKeeper's. */
const anyVersion = -1n;

function configMessage({ data, stat }: { readonly data: Uint8Array | null; readonly stat: Stat }): GetConfigResponse {
	return { config: Buffer.from(data ?? []).toString('utf8'), stat: statMessage(stat) };
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
