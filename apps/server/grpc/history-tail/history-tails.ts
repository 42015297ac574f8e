/**
 * TailTransactions and Watch of HistoryService: what is committed, each once and in order, from the cheapest source that has it. A tail is a position and no more: what comes
 * behind it is asked for when its client has taken what came before, from memory, from the log, from PostgreSQL. So nothing waits for a slow client, and the handover
 * between sources can neither lose nor repeat anything. What is encoded is kept for a moment, for the others that are at the same place.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { ServerWritableStream } from '@grpc/grpc-js';
import type { Observable } from 'rxjs';
import type { History } from '#audit/history';
import { HistoryServiceService } from '#proto/chronokeeper/v1/history';
import type { DataDirectory } from '#storage/data-directory';
import type { Callers } from '../identity/callers.ts';
import type { Roles } from '../identity/roles.ts';
import { refusal } from '../refusals.ts';
import { resetWhenStuck } from '../reset-when-stuck.ts';
import { ResponseStreams } from '../response-streams.ts';
import type { StreamRegistry } from '../stream-registry.ts';
import { OpenTail } from './open-tail.ts';
import { type FedReplica, TailFeed } from './tail-feed.ts';
import { TailParts } from './tail-parts.ts';
import { TailSources } from './tail-sources.ts';
import { TailView, tailMessage } from './tail-view.ts';
import type { TailWish } from './tail-wish.ts';

export interface HistoryTailsParts {
	readonly replica: FedReplica & { readonly directory: DataDirectory };
	readonly callers: Callers;
	readonly roles: Roles;
	readonly registry: StreamRegistry;
	/** `grpc.maxStreams`, of all kinds. */
	readonly maxStreams: number;
	readonly skipAcl: boolean;
	/** Undefined without a mirror. */
	readonly database: (() => Promise<History>) | undefined;
}

/** How long a tail waits for what is ahead of this replica, or not in any source yet. */
const patienceMs = 3000;
/** Between looks at sources that do not tell of news. */
const lookMs = 50;

export class HistoryTails {
	readonly #parts: HistoryTailsParts;
	readonly #feed: TailFeed;
	readonly #sources: TailSources;
	readonly #ready = new TailParts();
	readonly #streams = new ResponseStreams(Number.POSITIVE_INFINITY);

	constructor(parts: HistoryTailsParts) {
		this.#parts = parts;
		this.#feed = new TailFeed(parts.replica);
		this.#sources = new TailSources(this.#feed, parts.replica, parts.database);
	}

	/** @param wish reads what was asked for. @throws RpcException */
	respond<Request>(call: ServerWritableStream<Request, Buffer>, wish: () => TailWish): Observable<never> {
		return this.#streams.respond(call, (ended) => this.#tail(wish, call, ended));
	}

	/** Responses, until the signal fires. The next is made when the client has taken the last. */
	async *#tail<Request>(
		wishOf: () => TailWish,
		call: ServerWritableStream<Request, Buffer>,
		signal: AbortSignal,
	): AsyncGenerator<Buffer, void> {
		const { registry, maxStreams, callers, roles, skipAcl } = this.#parts;
		const wish = wishOf();
		this.#admit();
		if (registry.size >= maxStreams)
			throw refusal('TOO_MANY_STREAMS', `there are ${maxStreams} streams here already (grpc.maxStreams)`);
		const { identities, address } = await callers.of(call);
		this.#admit();
		const view = new TailView(wish, { identities, skipAcl, hasHistoryRole: roles.has('history', identities) });
		const open = new OpenTail(address, identities);
		registry.add(open);
		// One that waits for its client to read does not see that it is to end.
		open.closed.addEventListener('abort', () => resetWhenStuck(call));
		this.#feed.enter();
		try {
			yield* this.#responses(wish, view, open, AbortSignal.any([signal, open.closed]));
		} finally {
			this.#feed.leave();
			registry.remove(open);
			resetWhenStuck(call);
		}
	}

	/** The end of a batch. */
	answered(): void {
		this.#feed.answered();
	}

	/** Ends all of them; further ones end at once. */
	stop(): void {
		this.#streams.stop();
		this.#forget();
	}

	/** Log and tree may become others: ends those that there are, with the reason. */
	suspend(reason: string): void {
		this.#streams.suspend(reason);
		this.#forget();
	}

	#forget(): void {
		this.#feed.forget();
		this.#sources.forget();
		this.#ready.clear();
	}

	#admit(): void {
		const { state } = this.#parts.replica.host;
		// What one without a leader has applied may be taken back.
		if (state !== 'serving')
			throw refusal('NO_LEADER', `this replica is ${state}: what is committed is not known here`);
	}

	async *#responses(wish: TailWish, view: TailView, open: OpenTail, ended: AbortSignal): AsyncGenerator<Buffer, void> {
		let position = wish.from ?? this.#parts.replica.host.lastProcessedZxid;
		/** When the client was last told how far the tail is. A new one is told at once. */
		let toldMs = Number.NEGATIVE_INFINITY;
		/** Since when nothing was found although there is something. */
		let missingMs: number | undefined;
		while (!ended.aborted) {
			this.#admit();
			const found = this.#ready.get(view, position) ?? (await this.#sources.after(position, view));
			if (ended.aborted) break;
			const nowMs = performance.now();
			let bytes: Buffer | null = null;
			if (found === 'tip') {
				missingMs = undefined;
			} else if ('missing' in found) {
				missingMs ??= nowMs;
				if (nowMs - missingMs >= patienceMs) throw found.missing;
			} else {
				missingMs = undefined;
				const part = 'entries' in found ? this.#ready.put(view, position, found.entries) : found;
				position = part.through;
				open.sent += part.count;
				({ bytes } = part);
			}
			const isDue = nowMs - toldMs >= wish.progressMs && missingMs === undefined;
			if (isDue) bytes ??= tailMessage([], position);
			if (bytes !== null) {
				toldMs = nowMs;
				yield bytes;
			} else if (found !== 'tip' && missingMs === undefined) await turn();
			else if (missingMs !== undefined) await this.#feed.news(lookMs, ended);
			else if (found === 'tip') await this.#feed.news(toldMs + wish.progressMs - nowMs, ended);
		}
		if (open.reason !== undefined) throw refusal('GO_ELSEWHERE', open.reason);
	}
}

/** Its tails are bytes already. */
export const historyService = {
	...HistoryServiceService,
	tailTransactions: { ...HistoryServiceService.tailTransactions, responseSerialize: (bytes: Buffer) => bytes },
	watch: { ...HistoryServiceService.watch, responseSerialize: (bytes: Buffer) => bytes },
};
