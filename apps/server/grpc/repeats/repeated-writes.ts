/**
 * Writes that were sent before and never answered. The session has been attached here: what its earlier streams left behind was ordered in front of that, or is refused (SessionMoved). A sync
 * within the session waits for what is still under way, here and at the leader; behind it the log says of each operation whether it was done, by its session and cxid.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { Host } from '#core/host/host';
import { systemCaller } from '#core/host/own-requests';
import type { Reply } from '#core/model/op';
import type { SessionId, Zxid } from '#core/model/zxid';
import { errors } from '#jute/errors';
import type { SessionLog, SessionWrites } from './session-log.ts';

export interface RepeatedWritesParts {
	readonly host: Host;
	readonly log: SessionLog;
	/** For requests of the server within a session. */
	readonly nextCxid: () => number;
	/** It is attached elsewhere. */
	readonly moved: (sessionId: SessionId) => void;
}

/** How long what was proposed may stay undecided, and between two looks at it. */
const [patienceMs, pauseMs] = [10_000, 2];

const unknownWrites: SessionWrites = { results: new Map(), isComplete: false };

export class RepeatedWrites {
	/** Times that the log was asked. */
	lookups = 0;
	readonly #parts: RepeatedWritesParts;

	constructor(parts: RepeatedWritesParts) {
		this.#parts = parts;
	}

	get host(): Host {
		return this.#parts.host;
	}

	/** For a request that its client has not numbered. */
	nextCxid(): number {
		return this.#parts.nextCxid();
	}

	/** All that the session wrote behind `after`. */
	async of(sessionId: SessionId, after: Zxid): Promise<SessionWrites> {
		const { host, log, nextCxid, moved } = this.#parts;
		this.lookups += 1;
		const synced = await new Promise<Reply>((reply) => {
			const op = { kind: 'sync', path: '/' } as const;
			// Not one caller's request: what throttles callers does not refuse it.
			host.submit({ sessionId, cxid: nextCxid(), op, caller: systemCaller, reply });
		});
		if (synced.error === errors.sessionMoved.code) moved(sessionId);
		if (synced.error !== 0) return unknownWrites;
		return (await this.#isDecided()) ? log.find(sessionId, after, host.lastProcessedZxid) : unknownWrites;
	}

	/** With audit.mode=strict a sync may be answered while PostgreSQL holds up what was proposed in front of it: that may be committed yet. */
	async #isDecided(): Promise<boolean> {
		const { host } = this.#parts;
		const proposed = host.lastProposed;
		const untilMs = performance.now() + patienceMs;
		while (host.lastProcessedZxid < proposed) {
			if (host.state !== 'serving' || performance.now() > untilMs) return false;
			await wait(pauseMs);
		}
		return true;
	}
}
