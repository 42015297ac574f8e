/**
 * Starts a whole server in this process: recovery, the replica, the mirror and the doors, and takes them down again in the opposite order. main.ts calls it, and so do tests,
 * with port 0.
 */
import { crc32 } from 'node:zlib';
import { useNativeCrc32 } from '#jute/crc32';
import { errorName } from '#jute/errors';
import { createLogger, type Logger } from '#telemetry/logger';
import { startMetrics } from '#telemetry/metrics';
import { startTracing } from '#telemetry/tracing';
import type { ServerConfig } from './config/config.ts';
import { loadDoors } from './door-libraries.ts';
import { addGauges } from './gauges.ts';
import { readSecurity } from './grpc/identity/tls-files.ts';
import type { MirrorService } from './mirror/mirror-service.ts';
import { startMirrorService } from './mirror/start-mirror-service.ts';
import { type RecoveredReplica, Replica, recoverReplica } from './replica/replica.ts';
import { StageTracer } from './replica/stage-tracer.ts';
import { ReplicaHealth } from './replica-health.ts';
import { version } from './version.ts';
import { ClientPort } from './zookeeper/client-port.ts';

export interface Addresses {
	/** Of ZooKeeper's client port: `127.0.0.1:2181`; undefined without one. */
	readonly zookeeper: string | undefined;
	/** `127.0.0.1:50051`. */
	readonly grpc: string;
	readonly http: string;
	/** The URL of the mirror's PostgreSQL, with its password; undefined while it is not reached, or without a mirror. */
	readonly postgres: string | undefined;
}

export interface RunningServer {
	readonly config: ServerConfig;
	readonly addresses: Addresses;
	readonly replica: Replica;
	readonly mirror: MirrorService | undefined;
	readonly health: ReplicaHealth;
	readonly recovery: Pick<RecoveredReplica, 'recovered' | 'durationMs'>;
	/** Stops taking calls, makes what was taken durable, flushes the mirror for two seconds at most. A second call is the same one. */
	close(): Promise<void>;
}

/** An ensemble without a quorum is no reason to stay without doors. */
const memberFirstMs = 2000;

/** @throws SecurityProblem, StorageDamage, DirectoryInUse, or Error naming the port that cannot be listened on. */
export async function startServer(
	config: ServerConfig,
	logger: Logger = defaultLogger(config),
): Promise<RunningServer> {
	for (const warning of config.warnings) logger.warn(warning);
	for (const note of config.notes) logger.info(note);
	const tls = await readSecurity(config);
	useNativeCrc32(crc32);
	// Libraries load while recovery reads: it lets other work run now and then.
	const loading = {
		metrics: startMetrics(),
		tracing: startTracing({
			endpoint: config['otel.endpoint'],
			sampleRatio: config['otel.sampleRatio'],
			serviceName: config['otel.serviceName'],
			serviceVersion: version,
			serverId: config.serverId,
			errorName,
		}),
	};
	for (const part of Object.values(loading)) part.catch(() => undefined);
	const recovery = await recoverReplica(config, logger);
	let replica: Replica | undefined;
	let mirror: MirrorService | undefined;
	let clientPort: ClientPort | undefined;
	try {
		const metrics = await loading.metrics;
		const tracing = await loading.tracing;
		const tracer = new StageTracer(tracing, metrics);
		replica = new Replica(recovery, { config, logger, metrics, tracer });
		// Behind a log there must be a snapshot, be it of the empty tree; and what recovery had to work around must not meet the next start.
		if (recovery.recovered.snapshotDue) await replica.snapshots.take();
		// It needs none of the libraries that the other doors load, and PostgreSQL not either: it is there first.
		clientPort = await ClientPort.open({ config, replica, logger, tracing, metrics: metrics.zookeeper });
		await replica.member?.start();
		mirror = startMirrorService(config, replica, logger, tracer);
		const health = new ReplicaHealth(replica, mirror);
		addGauges(metrics, replica, mirror, health, clientPort.view);
		// To load the other doors takes the processor for a while: the ensemble gets its member first.
		await replica.member?.served(memberFirstMs);
		const { openDoors } = await loadDoors();
		const { view } = clientPort;
		const doors = await openDoors({ config, replica, mirror, health, metrics, tracing, logger, view, tls });
		const port = clientPort;
		const close = async () => {
			await Promise.all([port.drain(config['shutdown.timeoutMs']), doors.close()]);
			await replica!.stop();
			port.close();
			await mirror?.stop();
			await tracing.shutdown();
		};
		let closing: Promise<void> | undefined;
		return {
			config,
			addresses: addressesOf(config, { ...doors, clientPort: port.view.clientPort }, mirror),
			replica,
			mirror,
			health,
			recovery,
			close: () => (closing ??= close()),
		};
	} catch (error) {
		await clientPort?.drain(0);
		clientPort?.close();
		if (replica === undefined) recovery.lock.release();
		else await replica.stop().catch(() => undefined);
		await mirror?.stop().catch(() => undefined);
		throw error;
	}
}

export function defaultLogger(config: ServerConfig): Logger {
	return createLogger({ level: config['log.level'], format: config['log.format'] });
}

function addressesOf(
	config: ServerConfig,
	ports: { grpcPort: number; httpPort: number; clientPort: number },
	mirror: MirrorService | undefined,
): Addresses {
	const { clientPort } = ports;
	return {
		zookeeper: clientPort === 0 ? undefined : `${host(config.clientPortAddress)}:${clientPort}`,
		grpc: `${host(config.grpcAddress)}:${ports.grpcPort}`,
		http: `${host(config.httpAddress)}:${ports.httpPort}`,
		get postgres() {
			return mirror?.url;
		},
	};
}

/** An address that stands for all of them is not one to connect to. */
function host(address: string): string {
	if (address === '0.0.0.0' || address === '') return '127.0.0.1';
	if (address === '::') return '[::1]';
	return address.includes(':') ? `[${address}]` : address;
}
