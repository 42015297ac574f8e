/**
 * One replica, standalone or a member of an ensemble: what recovery found, the host that runs the chain over it, the log behind it, snapshots and purge beside it. It knows no door
 * and no NestJS.
 */
import { Host } from '#core/host/host';
import type { HostState } from '#core/host/host-parts';
import { MirrorHold } from '#core/host/mirror-hold';
import { Tally } from '#core/model/tally';
import type { TxnRecord } from '#core/model/txn-record';
import { epochOf, formatZxid, type SessionId, type Zxid } from '#core/model/zxid';
import type { HostPort } from '#core/zab/quorum-config';
import { DataDirectory } from '#storage/data-directory';
import { DirectoryLock } from '#storage/directory-lock';
import { type Recovered, recover } from '#storage/recovery';
import { FileSnapshotStore } from '#storage/snapshot-store';
import { FileTxnLog } from '#storage/txn-log';
import type { Logger } from '#telemetry/logger';
import type { Metrics } from '#telemetry/metrics';
import type { ServerConfig } from '../config/config.ts';
import { Autopurge } from './autopurge.ts';
import { chainOptions } from './chain-options.ts';
import { CommitGate } from './commit-gate.ts';
import { Member } from './member.ts';
import { RecoveryProgress } from './recovery-progress.ts';
import { Snapshots } from './snapshots.ts';
import type { StageTracer } from './stage-tracer.ts';
import { systemClock } from './system-clock.ts';

/** A locked directory and the state that its files give: read while the doors are still being loaded. */
export interface RecoveredReplica {
	readonly directory: DataDirectory;
	readonly lock: DirectoryLock;
	readonly recovered: Recovered;
	readonly durationMs: number;
}

/** @throws StorageDamage when the files do not give a tree that is proved to be right, DirectoryInUse. */
export async function recoverReplica(config: ServerConfig, logger: Logger): Promise<RecoveredReplica> {
	const startMs = performance.now();
	const directory = new DataDirectory(config.dataDir, config.dataLogDir);
	const lock = DirectoryLock.acquire(directory);
	const progress = new RecoveryProgress(logger);
	try {
		const recovered = await recover({
			dataDir: config.dataDir,
			dataLogDir: config.dataLogDir,
			options: {
				allowDigestMismatch: config['recovery.allowDigestMismatch'],
				trustEmptySnapshots: config['snapshot.trust.empty'],
				progress: (step) => progress.update(step),
			},
		});
		for (const warning of recovered.warnings) logger.warn(warning);
		return { directory, lock, recovered, durationMs: performance.now() - startMs };
	} catch (error) {
		lock.release();
		throw error;
	} finally {
		progress.stop();
	}
}

export interface ReplicaParts {
	readonly config: ServerConfig;
	readonly logger: Logger;
	readonly metrics: Metrics;
	readonly tracer: StageTracer;
}

/** What a door is told of the replica's work; see HostEvents. */
export interface ReplicaDoor {
	/** The end of a batch of answers. */
	answered(): void;
	sessionClosed(id: SessionId): void;
	/** There is no leader, or nobody is to be served without one any more: connections are closed. */
	suspended?(reason: Error): void;
	/** A reconfiguration says that clients connect there. */
	moved?(address: HostPort): void;
	/** The session was attached at another door: no connection of this one has it any more. */
	sessionTaken?(id: SessionId): void;
}

export class Replica {
	readonly host: Host;
	readonly gate: CommitGate;
	readonly snapshots: Snapshots;
	readonly autopurge: Autopurge;
	readonly directory: DataDirectory;
	/** Undefined for a standalone replica. */
	readonly member: Member | undefined;
	readonly startedMs = performance.now();
	/** What this start began with. */
	readonly recovery: Pick<RecoveredReplica, 'recovered' | 'durationMs'>;
	/** Milliseconds of the log's syncs and of the snapshots written. */
	readonly syncs = new Tally();
	readonly snapshotTimes = new Tally();
	/** Syncs above `fsync.warningthresholdms`. */
	slowSyncs = 0;
	/** Told of every transaction right after it was applied, while somebody tails the history. */
	committed: ((record: TxnRecord) => void) | undefined;
	/** What the mirror has; a purge goes no further. Without a mirror there is nothing to wait for. */
	mirrored: () => Zxid;
	readonly #lock: DirectoryLock;
	readonly #logger: Logger;
	readonly #ticker: NodeJS.Timeout;
	#toldRefused = false;
	readonly #doors: ReplicaDoor[] = [];

	constructor(recoveredReplica: RecoveredReplica, parts: ReplicaParts) {
		const { directory, lock, recovered } = recoveredReplica;
		const { config, logger, metrics, tracer } = parts;
		this.directory = directory;
		this.recovery = recoveredReplica;
		this.#lock = lock;
		this.#logger = logger;
		const slowSyncMs = config['fsync.warningthresholdms'];
		const log = new FileTxnLog({
			directory: directory.logDirectory,
			lastZxid: recovered.lastZxid,
			preAllocSizeKiB: config.preAllocSize,
			forceSync: config.forceSync,
			synced: (sync) => {
				const durationMs = sync.endMs - sync.startMs;
				tracer.synced(sync);
				this.syncs.add(durationMs);
				if (durationMs <= slowSyncMs) return;
				this.slowSyncs += 1;
				logger.warn({ durationMs: Math.round(durationMs) }, 'a sync of the log was slow');
			},
		});
		const { ensemble } = config;
		const isMember = ensemble !== undefined;
		const gate = new CommitGate(log, recovered.lastZxid, isMember);
		log.listen(gate);
		this.gate = gate;
		const hold =
			config['audit.mode'] === 'strict'
				? new MirrorHold({
						clock: systemClock,
						patienceMs: config['audit.strict.patienceMs'],
						mirror: (zxid) => gate.committed(zxid),
					})
				: undefined;
		this.host = new Host({
			tree: recovered.tree,
			sessions: recovered.sessions,
			lastZxid: recovered.lastZxid,
			epoch: epochOf(recovered.lastZxid),
			log: gate,
			clock: systemClock,
			tracer,
			schedule: (turn) => void setImmediate(turn),
			// Without a `myid` a single server's sessions are those of server 1, as ZooKeeper's are.
			serverId: config.serverId === 0 ? 1 : config.serverId,
			options: chainOptions(config),
			isMember,
			hold,
			events: {
				applied: (zxid) => {
					gate.committed(zxid);
					this.snapshots.applied();
				},
				durable: (zxid) => this.member?.history.noteDurable(zxid),
				committed: (record) => {
					this.member?.history.noteCommitted(record);
					this.committed?.(record);
				},
				exhausted: () => this.member?.peer.exhausted(),
				answered: () => {
					for (const door of this.#doors) door.answered();
				},
				sessionClosed: (id) => {
					for (const door of this.#doors) door.sessionClosed(id);
				},
				stateChanged: (state, reason) => this.#stateChanged(state, reason),
				requestFailed: (error, request) => logger.error({ err: error, op: request.op.kind }, 'a request met a bug'),
			},
		});
		gate.listen(this.host);
		tracer.watch(this.host);
		const store = new FileSnapshotStore(directory.snapshotDirectory);
		const unfinished = store.removeUnfinished();
		if (unfinished.length > 0) logger.info({ files: unfinished }, 'removed unfinished snapshots');
		this.snapshots = new Snapshots(
			this.host,
			gate,
			store,
			{
				snapCount: config.snapCount,
				snapSizeLimitBytes: config.snapSizeLimitInKb * 1024,
				txnsBehind: recovered.txnsReplayed,
			},
			{ next: Math.random },
			logger,
			(info) => {
				metrics.snapshot(info.durationMs);
				this.snapshotTimes.add(info.durationMs);
			},
		);
		this.member =
			ensemble &&
			new Member({
				config,
				ensemble,
				host: this.host,
				hold,
				logger,
				directory,
				log,
				store,
				snapshotsSettled: () => this.snapshots.settled(),
				firstEpoch: epochOf(recovered.lastZxid),
				mirrors: (isMirroring) => {
					if (isMirroring) gate.mirror(this.host.lastProcessedZxid);
					else gate.standBy();
				},
				clientsMoved: (address) => {
					for (const door of this.#doors) door.moved?.(address);
				},
			});
		this.mirrored = () => this.host.lastProcessedZxid;
		this.autopurge = new Autopurge(
			directory,
			{
				retain: config['autopurge.snapRetainCount'],
				intervalHours: config['autopurge.purgeInterval'],
				keepFromZxid: () => (this.mirrored() + 1) as Zxid,
			},
			logger,
		);
		this.#ticker = setInterval(() => this.#tick(), Math.max(1, Math.floor(config.tickTime / 2)));
		this.#ticker.unref();
	}

	/** From now on this door is told of what it needs for its connections. */
	attach(door: ReplicaDoor): void {
		this.#doors.push(door);
	}

	/** A session was attached at this door. */
	sessionTaken(id: SessionId, by: ReplicaDoor): void {
		for (const door of this.#doors) if (door !== by) door.sessionTaken?.(id);
	}

	/** What it is to its ensemble, in ZooKeeper's words; `looking` while it has no leader. */
	get role(): 'standalone' | 'leader' | 'follower' | 'observer' | 'looking' {
		if (this.member === undefined) return 'standalone';
		return this.host.state === 'looking' ? 'looking' : (this.member.mode ?? 'looking');
	}

	/** Nothing further is taken; what was taken becomes durable, and the directory is free for the next. */
	async stop(): Promise<void> {
		clearInterval(this.#ticker);
		this.autopurge.stop();
		await this.member?.stop();
		await this.host.stop();
		await this.snapshots.settled();
		this.#lock.release();
	}

	#tick(): void {
		this.host.tick();
		const { areWritesRefused } = this.host.refusals;
		if (areWritesRefused === this.#toldRefused) return;
		this.#toldRefused = areWritesRefused;
		if (areWritesRefused) this.#logger.error('new writes are refused: PostgreSQL takes nothing (audit.mode=strict)');
		else this.#logger.info('new writes are taken again');
	}

	#stateChanged(state: HostState, reason: Error): void {
		const zxid = formatZxid(this.host.lastProcessedZxid);
		if (state === 'stopped') this.#logger.info({ zxid }, 'stopped');
		else if (state === 'readOnly')
			this.#logger.warn({ zxid }, 'no leader: reads are served, to clients that accept that');
		else if (state === 'looking') for (const door of this.#doors) door.suspended?.(reason);
		else {
			this.#logger.fatal({ err: reason, state, zxid }, reason.message);
			// It can keep no promise any more: the others go on without it, with another leader if it led.
			void this.member?.stop();
		}
	}
}
