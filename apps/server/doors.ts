/** Opens the gRPC and the HTTP port over a replica. Importing this file loads NestJS: door-libraries.ts does it. */
import 'reflect-metadata';
import { type Server, setLogger } from '@grpc/grpc-js';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { HealthImplementation } from 'grpc-health-check';
import { AdminServiceService } from '#proto/chronokeeper/v1/admin';
import { RestoreServiceService } from '#proto/chronokeeper/v1/restore';
import { ZnodeServiceService } from '#proto/chronokeeper/v1/znode';
import type { Logger } from '#telemetry/logger';
import type { Metrics } from '#telemetry/metrics';
import type { Tracing } from '#telemetry/tracing';
import { AppModule } from './app.module.ts';
import type { ServerConfig } from './config/config.ts';
import { portOrAny } from './default-port.ts';
import { Admin } from './grpc/admin.ts';
import { grpcControllers } from './grpc/grpc.module.ts';
import { GrpcDoor } from './grpc/grpc-door.ts';
import { Histories } from './grpc/histories.ts';
import { HistoryTails, historyService } from './grpc/history-tail/history-tails.ts';
import { openSecurity } from './grpc/identity/grpc-security.ts';
import type { TlsMaterial } from './grpc/identity/tls-files.ts';
import { ReadBarrier } from './grpc/read-barrier.ts';
import { addReflection } from './grpc/reflection.ts';
import { RepeatedWrites } from './grpc/repeats/repeated-writes.ts';
import { SessionLog } from './grpc/repeats/session-log.ts';
import { ResponseStreams } from './grpc/response-streams.ts';
import { GrpcSessions } from './grpc/sessions/grpc-sessions.ts';
import { OperateStreams, sessionService } from './grpc/sessions/operate-streams.ts';
import { SessionCalls } from './grpc/sessions/session-calls.ts';
import { StreamRegistry } from './grpc/stream-registry.ts';
import { Submission } from './grpc/submission.ts';
import { watchService } from './grpc/watches/watch-message.ts';
import { WatchStreams } from './grpc/watches/watch-streams.ts';
import { ZnodeRequests } from './grpc/znode-requests.ts';
import { Znodes } from './grpc/znodes.ts';
import { Commands } from './http/commands/commands.ts';
import { HttpAnswers } from './http/http-answers.ts';
import type { MirrorService } from './mirror/mirror-service.ts';
import { NestLogger } from './nest-logger.ts';
import { chainOptions } from './replica/chain-options.ts';
import type { Replica, ReplicaDoor } from './replica/replica.ts';
import type { ReplicaHealth } from './replica-health.ts';
import { Restores } from './restore/restores.ts';
import type { ServerView } from './zookeeper/server-view.ts';

export interface DoorParts {
	readonly config: ServerConfig;
	readonly replica: Replica;
	readonly mirror: MirrorService | undefined;
	readonly health: ReplicaHealth;
	readonly metrics: Metrics;
	readonly tracing: Tracing;
	readonly logger: Logger;
	/** The gRPC port's certificates; undefined without TLS. */
	readonly tls: TlsMaterial | undefined;
	/** What the AdminServer's commands look at. */
	readonly view: ServerView;
}

export interface OpenDoors {
	readonly grpcPort: number;
	readonly httpPort: number;
	/** Waits for calls under way, for `shutdown.timeoutMs` at most. */
	close(): Promise<void>;
}

const services = {
	'chronokeeper.v1.ZnodeService': ZnodeServiceService,
	'chronokeeper.v1.SessionService': sessionService,
	'chronokeeper.v1.WatchService': watchService,
	'chronokeeper.v1.HistoryService': historyService,
	'chronokeeper.v1.AdminService': AdminServiceService,
	'chronokeeper.v1.RestoreService': RestoreServiceService,
};
/** Beside the data of a node: its path, its ACL. */
const requestOverheadBytes = 1 << 20;
const healthCheckMs = 500;

export async function openDoors(parts: DoorParts): Promise<OpenDoors> {
	const { config, replica, mirror, health, metrics, tracing, logger, view } = parts;
	const chain = chainOptions(config);
	const { superDigest } = chain;
	const digestEnabled = config['DigestAuthenticationProvider.enabled'];
	const security = await openSecurity(config, parts.tls, metrics, logger);
	const { callers } = security;
	const barrier = new ReadBarrier(replica.host, config['grpc.maxWaiting']);
	metrics.counter('read_barrier_rounds', 'Quorum rounds for linearizable reads.', () => barrier.rounds);
	metrics.queue('door', () => submission.waiting);
	metrics.gauge('read_barrier_waiting', 'Linearizable reads that wait for one.', () => barrier.size);
	const sessions = new GrpcSessions({
		host: replica.host,
		callers,
		maxSessions: config['grpc.maxSessions'],
		admits: (id) => view.limits.admitsSession(id),
		taken: (id) => replica.sessionTaken(id, door),
	});
	const submission = new Submission(replica.host, sessions, tracing, metrics, barrier, config['grpc.maxWaiting']);
	const histories = new Histories(mirror, callers, config.skipACL);
	const streams = new ResponseStreams();
	const registry = new StreamRegistry();
	const watchStreams = new WatchStreams({
		host: replica.host,
		submission,
		registry,
		maxStreams: config['grpc.maxStreams'],
		maxUnsentBytes: config['grpc.maxUnsentBytes'],
		maxUnsentEvents: config['grpc.maxUnsentEvents'],
		skipAcl: config.skipACL,
	});
	const historyTails = new HistoryTails({
		replica,
		callers,
		roles: security.roles,
		registry,
		maxStreams: config['grpc.maxStreams'],
		skipAcl: config.skipACL,
		database: mirror && (() => histories.open()),
	});
	const restores = new Restores({
		host: replica.host,
		serverId: config.serverId,
		maxBuffer: config['jute.maxbuffer'],
		histories,
		callers,
		logger,
	});
	const repeats = new RepeatedWrites({
		host: replica.host,
		log: new SessionLog({
			directory: replica.directory,
			lastDurable: () => replica.member?.history.lastDurable ?? replica.host.lastProcessedZxid,
			isServing: () => replica.host.state === 'serving',
			logger,
		}),
		nextCxid: () => sessions.nextCxid(),
		moved: (id) => sessions.moved(id, 'the session has moved to another replica'),
	});
	const requests = new ZnodeRequests(config['jute.maxbuffer']);
	const sessionCalls = new SessionCalls(submission, sessions, replica.host, digestEnabled);
	const operateStreams = new OperateStreams(
		{
			host: replica.host,
			sessions,
			requests,
			barrier,
			repeats,
			registry,
			tracing,
			metrics,
			logger,
			authenticate: (request) => sessionCalls.identitiesFor(request),
			maxUnsentBytes: config['grpc.maxUnsentBytes'],
		},
		config['grpc.maxStreams'],
	);
	const { connections } = view;
	const admin = new Admin({ config, replica, mirror, health, metrics, submission, connections, registry });
	metrics.gauges('connections', 'Connections and streams that are open, by kind.', () =>
		Object.entries(admin.connectionCounts()).map(([kind, count]) => [{ kind }, count]),
	);
	const commandsUrl = config['admin.enableServer'] ? config['admin.commandURL'] : undefined;
	const adapter = new FastifyAdapter({ forceCloseConnections: true });
	const app = await NestFactory.create<NestFastifyApplication>(
		AppModule.over({
			znodes: new Znodes(submission, requests, replica.host, chain),
			sessionCalls,
			operateStreams,
			histories,
			historyTails,
			streams,
			watchStreams,
			admin,
			restores,
			http: new HttpAnswers(replica, mirror, health, metrics, commandsUrl),
			commands: commandsUrl === undefined ? undefined : { url: commandsUrl, commands: new Commands(view, superDigest) },
		}),
		adapter,
		{ logger: new NestLogger(logger), abortOnError: false },
	);
	// What it calls an error stands in the exception too.
	const tell = (...words: unknown[]) => logger.debug(`grpc-js: ${words.join(' ')}`);
	setLogger({ error: tell, info: tell, debug: tell });
	const healthService = new HealthImplementation();
	showHealth(healthService, health);
	const door: ReplicaDoor = {
		answered() {
			watchStreams.answered();
			operateStreams.answered();
			historyTails.answered();
			submission.letIn();
		},
		sessionClosed: (id) => sessions.closed(id),
		sessionTaken: (id) => sessions.moved(id, 'the session was attached at the ZooKeeper port of this replica'),
		suspended(reason) {
			const lost = `this replica has no leader any more: ${reason.message}`;
			streams.suspend(lost);
			historyTails.suspend(lost);
			watchStreams.suspend(lost);
			operateStreams.suspend(lost);
			sessions.forgetAll();
			showHealth(healthService, health);
		},
	};
	replica.attach(door);
	const grpc = new GrpcDoor({
		address: config.grpcAddress,
		port: await portOrAny(config, 'grpcPort', config.grpcAddress, logger),
		credentials: security.credentials,
		guard: security.guard,
		packageName: 'chronokeeper.v1',
		services,
		controllers: grpcControllers.map((controller): object => app.get(controller)),
		maxMessageBytes: config['jute.maxbuffer'] + requestOverheadBytes,
		maxBuffer: config['jute.maxbuffer'],
		keepAliveMs: config['grpc.keepAliveMs'],
		keepAliveTimeoutMs: config['grpc.keepAliveTimeoutMs'],
		shutdownTimeoutMs: config['shutdown.timeoutMs'],
		onServer: (server) => {
			healthService.addToServer(server as Server);
			addReflection(server as Server).catch((error) => logger.warn({ err: error }, 'gRPC reflection is not there'));
		},
	});
	app.connectMicroservice({ strategy: grpc }, { inheritAppConfig: false });
	try {
		await app.startAllMicroservices();
		await app.listen(await portOrAny(config, 'httpPort', config.httpAddress, logger), config.httpAddress);
	} catch (error) {
		security.close();
		await app.close().catch(() => undefined);
		throw listenError(error, config);
	}
	const watch = setInterval(() => showHealth(healthService, health), healthCheckMs);
	watch.unref();
	// A few times within the shortest timeout there is.
	const keepAlive = setInterval(() => sessions.keepAlive(), Math.max(1, Math.floor(config.tickTime / 2)));
	keepAlive.unref();
	const address = adapter.getHttpServer().address();
	return {
		grpcPort: grpc.port,
		httpPort: address !== null && typeof address === 'object' ? address.port : config.httpPort,
		async close() {
			clearInterval(watch);
			clearInterval(keepAlive);
			security.close();
			for (const name of ['', ...Object.keys(services)]) healthService.setStatus(name, 'NOT_SERVING');
			streams.stop();
			historyTails.stop();
			admin.streams.stop();
			await restores.stop(config['shutdown.timeoutMs']);
			watchStreams.stop();
			operateStreams.stop();
			submission.stop();
			await app.close();
			await histories.close();
		},
	};
}

function showHealth(service: HealthImplementation, health: ReplicaHealth): void {
	const status = health.check().ready ? 'SERVING' : 'NOT_SERVING';
	for (const name of ['', ...Object.keys(services)]) service.setStatus(name, status);
}

function listenError(error: unknown, config: ServerConfig): Error {
	if ((error as NodeJS.ErrnoException).syscall !== 'listen') return error as Error;
	return new Error(
		`the HTTP port ${config.httpAddress}:${config.httpPort} cannot be listened on (httpPort, httpAddress): ${(error as Error).message}`,
		{ cause: error },
	);
}
