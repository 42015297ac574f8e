/** Who is connected to this replica, by whichever door: listed, and sent away when load is to be shed. */
import { status } from '@grpc/grpc-js';
import { noSession } from '#core/model/zxid';
import { hideDigests } from '#core/tree/acl-check';
import type { Id } from '#jute/records';
import type { Connection, ShedLoadRequest } from '#proto/chronokeeper/v1/admin';
import type { Connection as ClientConnection, Connections } from '../zookeeper/connections.ts';
import { grpcError, invalidField } from './grpc-error.ts';
import type { OpenStream, StreamRegistry } from './stream-registry.ts';

/** One of either kind. */
interface Closable {
	close(reason: string): void;
}

const reason = 'an operator sheds load: connect to another replica, or again';

export class ConnectionList {
	readonly #connections: Connections;
	readonly #streams: StreamRegistry;
	readonly #random: () => number;
	/** Given to each when it is first asked for: what is never listed costs nothing. */
	readonly #numbers = new WeakMap<Closable, bigint>();
	#last = 0n;

	constructor(connections: Connections, streams: StreamRegistry, random: () => number = Math.random) {
		this.#connections = connections;
		this.#streams = streams;
		this.#random = random;
	}

	/** By kind. */
	counts(): Readonly<Record<string, number>> {
		return {
			zookeeper: this.#connections.size,
			'grpc-session': this.#streams.count('grpc-session'),
			'grpc-watch': this.#streams.count('grpc-watch'),
			'grpc-tail': this.#streams.count('grpc-tail'),
		};
	}

	list(): Connection[] {
		const connections = Array.from(this.#connections, (one) => this.#connection(one));
		return [...connections, ...Array.from(this.#streams, (one) => this.#stream(one))];
	}

	/**
	 * Their sessions live on.
	 * @returns how many were closed
	 * @throws RpcException for a request that names none
	 */
	shed({ which }: ShedLoadRequest): number {
		const chosen = this.#chosen(which);
		for (const one of chosen) one.close(reason);
		return chosen.length;
	}

	#chosen(which: ShedLoadRequest['which']): readonly Closable[] {
		const all: readonly Closable[] = [...this.#connections, ...this.#streams];
		switch (which?.$case) {
			case undefined:
				throw grpcError(status.INVALID_ARGUMENT, 'say which: some connections, or a share of all', { field: 'which' });
			case 'connections': {
				const ids = new Set(which.value.ids);
				if (ids.size === 0)
					throw invalidField('connections.ids', 'there must be at least one number of ListConnections');
				return all.filter((one) => ids.has(this.#numberOf(one)));
			}
			case 'share': {
				const share = which.value;
				if (!(share > 0 && share <= 1)) throw invalidField('share', 'the share must be above 0 and at most 1');
				return this.#some(all, Math.ceil(all.length * share));
			}
		}
	}

	/** So many of them at random. */
	#some(all: readonly Closable[], count: number): readonly Closable[] {
		const drawn = [...all];
		for (let i = 0; i < count; i++) {
			const other = i + Math.floor(this.#random() * (drawn.length - i));
			[drawn[i], drawn[other]] = [drawn[other]!, drawn[i]!];
		}
		return drawn.slice(0, count);
	}

	#numberOf(one: Closable): bigint {
		let number = this.#numbers.get(one);
		if (number === undefined) {
			number = ++this.#last;
			this.#numbers.set(one, number);
		}
		return number;
	}

	#connection(one: ClientConnection): Connection {
		const { address, port, stats } = one;
		return {
			id: this.#numberOf(one),
			kind: 'zookeeper',
			address: `${address.includes(':') ? `[${address}]` : address}:${port}`,
			sessionId: one.sessionId,
			timeoutMs: one.sessionTimeoutMs,
			outstanding: one.outstanding,
			received: BigInt(stats.packetsReceived),
			sent: BigInt(stats.packetsSent),
			watches: one.watches,
			ageMs: BigInt(Math.max(0, Date.now() - stats.establishedMs)),
			identities: shown(one.identities),
		};
	}

	#stream(one: OpenStream): Connection {
		return {
			id: this.#numberOf(one),
			kind: one.kind,
			address: one.address,
			sessionId: one.sessionId,
			timeoutMs: one.sessionId === noSession ? 0 : one.sessionTimeoutMs,
			outstanding: one.outstanding,
			received: BigInt(one.received),
			sent: BigInt(one.sent),
			watches: one.watches,
			ageMs: BigInt(Math.round(performance.now() - this.#streams.openedMs(one))),
			identities: shown(one.identities),
		};
	}
}

/** A digest is as good as the password that it is made of, to whoever has time. */
function shown(identities: readonly Id[]): Id[] {
	return hideDigests(identities.map((id) => ({ ...id, perms: 0 }))).map(({ scheme, id }) => ({ scheme, id }));
}
