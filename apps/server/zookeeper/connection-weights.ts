/** What a session costs the connection throttle. Without weights each is worth one token. */
import { noSession, type SessionId } from '#core/model/zxid';

export interface WeightOptions {
	/** Whether there are weights. */
	readonly enabled: boolean;
	readonly global: number;
	readonly local: number;
	readonly renew: number;
}

export class ConnectionWeights {
	readonly #enabled: boolean;
	readonly global: number;
	readonly local: number;
	readonly renew: number;

	/** A global or renewed session is never cheaper than a local one. */
	constructor(options: WeightOptions) {
		this.#enabled = options.enabled;
		this.local = options.enabled ? options.local : 1;
		this.global = options.enabled ? Math.max(options.global, options.local) : 1;
		this.renew = options.enabled ? Math.max(options.renew, options.local) : 1;
	}

	/** Bucket and filling are configured in global sessions: so many tokens that is. */
	tokens(globalSessions: number): number {
		return this.#enabled ? globalSessions * this.global : globalSessions;
	}

	/** @param sessionId that the client asks for: noSession for a new one */
	of(sessionId: SessionId, isLocal: boolean): number {
		if (sessionId !== noSession) return this.renew;
		return isLocal ? this.local : this.global;
	}
}
