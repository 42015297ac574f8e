import type { Logger } from '#telemetry/logger';
import type { ServerConfig } from '../config/config.ts';
import type { RecoveredReplica, Replica } from '../replica/replica.ts';
import { databaseOf } from './database.ts';
import { MirrorService } from './mirror-service.ts';

/** Undefined with audit.mode=off. Returns at once: the database starts in the background. */
export function startMirrorService(
	config: ServerConfig,
	replica: Replica,
	_recovery: RecoveredReplica,
	logger: Logger,
): MirrorService | undefined {
	if (config['audit.mode'] === 'off') return undefined;
	const service = new MirrorService(
		databaseOf(config),
		() => Promise.reject(new Error('TODO: not wired')),
		replica.gate,
		logger,
	);
	replica.mirrored = () => service.mirroredZxid;
	service.start();
	return service;
}
