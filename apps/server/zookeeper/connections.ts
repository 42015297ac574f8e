/** The connections of the client port, by themselves, by session and by address. */
import type { SessionId } from '#core/model/zxid';
import type { Id } from '#jute/records';
import type { ConnectionStats } from './connection-stats.ts';

/** What others may know of a connection, and do with it. */
export interface Connection {
	/** The client's, without its port. */
	readonly address: string;
	readonly port: number;
	/** 0n before the handshake. */
	readonly sessionId: SessionId;
	/** As granted; 0 before the handshake. */
	readonly sessionTimeoutMs: number;
	/** Its identities: `ip`, and what it has proved since. */
	readonly identities: readonly Id[];
	/** Requests taken and not yet answered. */
	readonly outstanding: number;
	/** Watches that it has set: pairs of it and a path. */
	readonly watches: number;
	/** False while no more is read from it. */
	readonly isReading: boolean;
	readonly stats: ConnectionStats;
	/** Sends what is answered already, then closes. */
	close(reason: string): void;
}

export class Connections<C extends Connection = Connection> {
	readonly #all = new Set<C>();
	readonly #bySession = new Map<SessionId, C>();
	readonly #perAddress = new Map<string, number>();

	get size(): number {
		return this.#all.size;
	}

	[Symbol.iterator](): IterableIterator<C> {
		return this.#all.values();
	}

	add(connection: C): void {
		this.#all.add(connection);
		this.#perAddress.set(connection.address, this.countFrom(connection.address) + 1);
	}

	/** Twice is once. */
	remove(connection: C): void {
		if (!this.#all.delete(connection)) return;
		const left = this.countFrom(connection.address) - 1;
		if (left === 0) this.#perAddress.delete(connection.address);
		else this.#perAddress.set(connection.address, left);
		if (this.#bySession.get(connection.sessionId) === connection) this.#bySession.delete(connection.sessionId);
	}

	/** The connection has this session from now on. */
	bind(id: SessionId, connection: C): void {
		this.#bySession.set(id, connection);
	}

	ofSession(id: SessionId): C | undefined {
		return this.#bySession.get(id);
	}

	countFrom(address: string): number {
		return this.#perAddress.get(address) ?? 0;
	}
}
