/** What the connections of the client port share. */
import type { Host } from '#core/host/host';
import type { WatchEvent } from '#core/model/op';
import type { SessionId } from '#core/model/zxid';
import { JuteWriter } from '#jute/codec';
import type { DoorMetrics } from '#telemetry/door-metrics';
import type { Logger } from '#telemetry/logger';
import type { Tracing } from '#telemetry/tracing';
import type { ServerConfig } from '../config/config.ts';
import { BackedUp } from './backed-up.ts';
import type { Connections } from './connections.ts';
import type { Limits } from './limits.ts';
import { OutputBuffers } from './output-buffers.ts';
import { writeEvent } from './replies.ts';
import type { ServerView } from './server-view.ts';
import type { ServiceStats } from './service-stats.ts';

/** What is done with a connection when a batch of answers is over. */
export interface BatchedConnection {
	/** Everything that was written leaves. */
	send(): void;
	/** The host has room again. */
	unthrottle(): void;
}

export interface PortContextParts {
	readonly view: ServerView;
	readonly logger: Logger;
	readonly tracing: Tracing;
	readonly metrics: DoorMetrics;
	/** A session was attached at this port: another door gives it up. */
	readonly sessionTaken: (id: SessionId) => void;
}

export class PortContext {
	readonly host: Host;
	readonly config: ServerConfig;
	readonly logger: Logger;
	readonly tracing: Tracing;
	readonly metrics: DoorMetrics;
	readonly connections: Connections;
	readonly stats: ServiceStats;
	readonly view: ServerView;
	readonly limits: Limits;
	readonly sessionTaken: (id: SessionId) => void;
	readonly outputs = new OutputBuffers();
	/** Accepted and not closed yet, those too that only wait for their client to read. */
	sockets = 0;
	/** Connections whose clients read too slowly. */
	readonly backedUp = new BackedUp();
	/** Connections with answers that are not sent yet. */
	#unsent: BatchedConnection[] = [];
	readonly #throttled = new Set<BatchedConnection>();
	#batchMs = 0;
	readonly #eventBytes = new JuteWriter();
	#event: WatchEvent | null = null;

	constructor({ view, logger, tracing, metrics, sessionTaken }: PortContextParts) {
		this.sessionTaken = sessionTaken;
		this.view = view;
		this.logger = logger;
		this.tracing = tracing;
		this.metrics = metrics;
		this.host = view.replica.host;
		this.config = view.config;
		this.connections = view.connections;
		this.stats = view.stats;
		this.limits = view.limits;
	}

	/** The time of this batch of answers: one look at the clock for all of them. */
	get batchMs(): number {
		if (this.#batchMs === 0) this.#batchMs = performance.now();
		return this.#batchMs;
	}

	/** The connection has something to send at the end of the batch. */
	willSend(connection: BatchedConnection): void {
		this.#unsent.push(connection);
	}

	/** True while connections that have requests under way should not be read. */
	get isThrottled(): boolean {
		return this.host.isThrottled || this.isFull;
	}

	/** True while nobody may hand over another request (`request_throttle_max_requests`). */
	get isFull(): boolean {
		return this.limits.requests.isFull(this.host.outstanding);
	}

	/** The connection reads on when the host has room again. */
	throttle(connection: BatchedConnection): void {
		this.#throttled.add(connection);
		this.stats.throttleWaits += 1;
	}

	forget(connection: BatchedConnection): void {
		this.#throttled.delete(connection);
	}

	/** The bytes of an event: of one that goes to a thousand connections they are made once. */
	eventBytes(event: WatchEvent): Uint8Array {
		if (this.#event !== event) {
			this.#event = event;
			this.#eventBytes.reset();
			writeEvent(this.#eventBytes, event, this.config.watchEventZxid ? event.zxid : -1);
		}
		return this.#eventBytes.view();
	}

	/** The end of a batch of answers: they leave, and who had to wait goes on. */
	answered(): void {
		this.#batchMs = 0;
		this.#event = null;
		const unsent = this.#unsent;
		if (unsent.length > 0) {
			this.#unsent = [];
			for (const connection of unsent) connection.send();
			this.backedUp.cutWhenTooMuch();
		}
		if (this.#throttled.size === 0 || this.isThrottled) return;
		for (const connection of this.#throttled) {
			this.#throttled.delete(connection);
			connection.unthrottle();
			if (this.isThrottled) return;
		}
	}
}
