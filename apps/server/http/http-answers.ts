/** What the HTTP port answers. */
import { formatZxid } from '#core/model/zxid';
import type { Metrics } from '#telemetry/metrics';
import type { MirrorService } from '../mirror/mirror-service.ts';
import type { Replica } from '../replica/replica.ts';
import type { ReplicaHealth } from '../replica-health.ts';
import { version } from '../version.ts';

/** The parts of Fastify's reply that are needed. */
export interface HttpReply {
	status(code: number): HttpReply;
	send(body: unknown): unknown;
}

export class HttpAnswers {
	constructor(
		private readonly replica: Replica,
		private readonly mirror: MirrorService | undefined,
		private readonly replicaHealth: ReplicaHealth,
		private readonly allMetrics: Metrics,
		/** Undefined without the AdminServer's commands. */
		private readonly commandsUrl: string | undefined,
	) {}

	about(): object {
		return {
			name: 'chronokeeper',
			version,
			role: this.replica.role,
			zxid: formatZxid(this.replica.host.lastProcessedZxid),
			see: ['/health/live', '/health/ready', '/metrics', ...(this.commandsUrl === undefined ? [] : [this.commandsUrl])],
		};
	}

	metrics(): Promise<string> {
		return this.allMetrics.scrape();
	}

	live(reply: HttpReply): unknown {
		const { live, problems } = this.replicaHealth.check();
		return reply.status(live ? 200 : 503).send({ status: live ? 'ok' : 'failed', problems: live ? [] : problems });
	}

	/** A mirror that lags or is away leaves the replica ready, with a warning. */
	ready(reply: HttpReply): unknown {
		const { ready, status, problems, warnings } = this.replicaHealth.check();
		const mirror = this.mirror?.health();
		return reply.status(ready ? 200 : 503).send({
			status,
			problems,
			warnings,
			zxid: formatZxid(this.replica.host.lastProcessedZxid),
			...(mirror === undefined
				? {}
				: {
						mirror: {
							state: mirror.state,
							zxid: formatZxid(mirror.mirroredZxid),
							lagTxns: mirror.lagTxns,
							lagSeconds: mirror.lagSeconds,
						},
					}),
		});
	}
}
