/** The limits of the client port that the configuration sets, for all connections together. Most are off by default. */
import type { SessionId } from '#core/model/zxid';
import type { ServerConfig } from '../config/config.ts';
import { ConnectionThrottle } from './connection-throttle.ts';
import { ConnectionWeights } from './connection-weights.ts';
import { LargeRequests } from './large-requests.ts';
import { RequestThrottle } from './request-throttle.ts';

export class Limits {
	readonly connections: ConnectionThrottle;
	readonly requests: RequestThrottle;
	readonly largeRequests: LargeRequests;
	/** False by default: then no request is looked at for their sake. */
	readonly lookAtRequests: boolean;
	readonly #weights: ConnectionWeights;

	constructor(config: ServerConfig) {
		this.#weights = new ConnectionWeights({
			enabled: config.connection_throttle_weight_enabled,
			global: config.connection_throttle_global_session_weight,
			local: config.connection_throttle_local_session_weight,
			renew: config.connection_throttle_renew_session_weight,
		});
		this.connections = new ConnectionThrottle(
			{
				maxTokens: this.#weights.tokens(config.connectionMaxTokens),
				fillCount: this.#weights.tokens(config.connectionTokenFillCount),
				fillTimeMs: config.connectionTokenFillTime,
				freezeTimeMs: config.connectionFreezeTime,
				dropIncrease: config.connectionDropIncrease,
				dropDecrease: config.connectionDropDecrease,
				decreaseRatio: config.connectionDecreaseRatio,
			},
			Math.random,
			performance.now(),
		);
		this.requests = new RequestThrottle({
			maxRequests: config.request_throttle_max_requests,
			dropStale: config.request_throttle_drop_stale,
			staleLatencyCheck: config.request_stale_latency_check,
			throttledOpWaitMs: config.throttled_op_wait_time,
		});
		this.largeRequests = new LargeRequests(config.largeRequestThreshold, config.largeRequestMaxBytes);
		this.lookAtRequests = this.requests.looksAtAge || config.largeRequestThreshold !== -1;
	}

	/** @param sessionId that the client asks for: noSession for a new one */
	admitsSession(sessionId: SessionId): boolean {
		// Sessions are local in an ensemble only.
		return this.connections.admits(this.#weights.of(sessionId, false), performance.now());
	}
}
