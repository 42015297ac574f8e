import type { MirrorOptions } from '#audit/mirror';
import type { Logger } from '#telemetry/logger';
import type { ServerConfig } from '../config/config.ts';
import type { Replica } from '../replica/replica.ts';
import type { StageTracer } from '../replica/stage-tracer.ts';
import { databaseOf } from './database.ts';
import type { MirrorParts } from './mirror-port.ts';
import { MirrorService } from './mirror-service.ts';

/** Undefined with audit.mode=off. Returns at once: the database starts in the background. */
export function startMirrorService(
	config: ServerConfig,
	replica: Replica,
	logger: Logger,
	tracer: StageTracer,
): MirrorService | undefined {
	if (config['audit.mode'] === 'off') return undefined;
	const parts: MirrorParts = {
		async start(databaseUrl, { mirrored, wrote, changed }) {
			const audit = await import('#audit/mirror');
			return audit.startMirror({
				databaseUrl,
				dataDir: config.dataDir,
				dataLogDir: config.dataLogDir,
				writer: `server ${config.serverId}`,
				allowDigestMismatch: config['recovery.allowDigestMismatch'],
				isMember: config.ensemble !== undefined,
				redact: config['audit.redact'],
				...checkpointsOf(config),
				retention: { ageMs: config['audit.retention.age'], bytes: config['audit.retention.size'] },
				yields: config['audit.yields'] && config['audit.mode'] !== 'strict',
				packing: { isOn: config['audit.pack'] },
				partitions: {
					rows: config['audit.partition.rows'],
					bytes: config['audit.partition.size'] || Number.MAX_SAFE_INTEGER,
				},
				mirrored,
				wrote,
				changed,
			});
		},
		async mirroredIn(databaseUrl) {
			const { mirroredIn } = await import('#audit/mirrored-in');
			return mirroredIn(databaseUrl);
		},
	};
	const service = new MirrorService(databaseOf(config), parts, replica.gate, logger, (batch) => tracer.mirrored(batch));
	replica.mirrored = () => service.mirroredZxid;
	service.start();
	return service;
}

function checkpointsOf(config: ServerConfig): Pick<MirrorOptions, 'checkpoints'> {
	const keyFile = config['audit.signingKey'];
	if (keyFile === '') return {};
	const txns = config['audit.checkpoint.intervalTxns'];
	const seconds = config['audit.checkpoint.intervalSeconds'];
	return { checkpoints: { keyFile, txns, seconds } };
}
