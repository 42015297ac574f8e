/** The replicas of an ensemble, as one client goes through them: in an order of its own, so that many clients spread. */

import type { SecurityOptions } from './channel-security.ts';
import { ChronokeeperClient } from './client.ts';
import type { OperateCall } from './operation-stream.ts';
import { clientError } from './service-error.ts';
import type { Dialer } from './session.ts';

export interface BackOff {
	/** Before the first attempt of another round, milliseconds; doubles with each round. 100 when absent. */
	readonly firstPauseMs?: number | undefined;
	/** 5,000 when absent. */
	readonly longestPauseMs?: number | undefined;
}

export class Endpoints implements Dialer {
	readonly #clients: readonly ChronokeeperClient[];
	readonly #backOff: BackOff;
	#at = -1;
	/** How long the first answer on a stream may take. */
	timeoutMs: number;

	/** @param patienceMs within which all of them are tried @throws RangeError when there is none */
	constructor(
		endpoints: string | readonly string[],
		security: SecurityOptions,
		patienceMs: number,
		backOff: BackOff = {},
	) {
		const list = typeof endpoints === 'string' ? endpoints.split(',') : endpoints;
		const addresses = [...new Set(list.map((address) => address.trim()).filter((address) => address !== ''))];
		if (addresses.length === 0) throw new RangeError('no endpoint is given: host:port');
		this.#clients = shuffled(addresses).map(
			(address) => new ChronokeeperClient({ ...security, address, ownConnection: true }),
		);
		this.#backOff = backOff;
		this.timeoutMs = Math.min(10_000, Math.max(250, patienceMs / (addresses.length + 1)));
	}

	/** The one that was dialed last. */
	get current(): ChronokeeperClient {
		return this.#clients[Math.max(0, this.#at)]!;
	}

	/** All of them, the current one first. */
	get all(): readonly ChronokeeperClient[] {
		const at = Math.max(0, this.#at);
		return [...this.#clients.slice(at), ...this.#clients.slice(0, at)];
	}

	dial(): OperateCall {
		this.#at = (this.#at + 1) % this.#clients.length;
		return this.current.operate();
	}

	errorOf(error: unknown): Error {
		return clientError(error, this.current.address);
	}

	/** Each endpoint is tried once almost at once, then the pauses double. Half of a pause is random: clients that lost the same replica come back one by one. */
	pauseMs(attempt: number): number {
		const { firstPauseMs = 100, longestPauseMs = 5000 } = this.#backOff;
		const round = Math.floor(attempt / this.#clients.length);
		const pauseMs = round === 0 ? 20 : Math.min(longestPauseMs, firstPauseMs * 2 ** (round - 1));
		return pauseMs * (0.5 + Math.random() / 2);
	}

	close(): void {
		for (const client of this.#clients) client.close();
	}
}

function shuffled<T>(items: readonly T[]): T[] {
	const result = [...items];
	for (let i = result.length - 1; i > 0; i--) {
		const j = Math.floor(Math.random() * (i + 1));
		[result[i], result[j]] = [result[j]!, result[i]!];
	}
	return result;
}
