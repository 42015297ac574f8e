/**
 * WatchService: the streams that hear of changes, and the end of the batch that sends them what they heard.
 *
 * An event goes from the transaction that made it to all its streams before the transaction's answer leaves. What waits for a stream is bounded, and shared by all that
 * have to send the same.
 */
import { Observable, type Subscriber } from 'rxjs';
import type { Host } from '#core/host/host';
import type { OpenWatchesOp, WatchEvent } from '#core/model/op';
import { errors } from '#jute/errors';
import { ZooKeeperError } from '../grpc-error.ts';
import { refusal, serverStops } from '../refusals.ts';
import type { StreamRegistry } from '../stream-registry.ts';
import type { Submission } from '../submission.ts';
import { HeardEvent } from './heard-event.ts';
import { SendRoom } from './send-room.ts';
import { WatchMessages } from './watch-message.ts';
import { missingNode, openWatches } from './watch-requests.ts';
import { type WatchCall, type WatchContext, WatchStream } from './watch-stream.ts';

/** Bytes on their way to all streams together. */
const maxInFlightBytes = 1 << 28;
/** A client that takes nothing for so long, while others wait, is cut. */
const stalledMs = 3000;

export interface WatchStreamsParts {
	readonly host: Host;
	readonly submission: Submission;
	readonly registry: StreamRegistry;
	/** `grpc.maxStreams`, of all kinds. */
	readonly maxStreams: number;
	readonly maxUnsentBytes: number;
	readonly maxUnsentEvents: number;
	readonly skipAcl: boolean;
}

export class WatchStreams implements WatchContext {
	readonly host: Host;
	readonly maxUnsentBytes: number;
	readonly maxUnsentEvents: number;
	readonly messages = new WatchMessages();
	readonly room = new SendRoom({ maxBytes: maxInFlightBytes, stalledMs, holders: () => this.#holders() });
	readonly #parts: WatchStreamsParts;
	readonly #open = new Set<WatchStream>();
	/** Of the transaction that is being applied, or of the last one: who heard what, in order. */
	#heard: (readonly [WatchStream, HeardEvent])[] = [];
	/** An event that several hear of is the same object for all of them. */
	#event: WatchEvent | undefined;
	#heardEvent: HeardEvent | undefined;
	/** Those with something to send at the end of the batch. */
	#toSend = new Set<WatchStream>();
	#stopped: string | undefined;
	readonly #keep = (): void => this.#keepHeard();

	constructor(parts: WatchStreamsParts) {
		this.#parts = parts;
		this.host = parts.host;
		this.maxUnsentBytes = parts.maxUnsentBytes;
		this.maxUnsentEvents = parts.maxUnsentEvents;
	}

	/** Never gives a value: messages go to the call. */
	watch(call: WatchCall): Observable<never> {
		return new Observable((subscriber) => {
			const opening = { stream: undefined as WatchStream | undefined, isGone: false };
			this.#begin(call, subscriber, opening).catch((error: unknown) => {
				if (opening.stream !== undefined) opening.stream.fail(error);
				else subscriber.error(error);
			});
			return () => {
				opening.isGone = true;
				opening.stream?.gone();
			};
		});
	}

	heard(stream: WatchStream, event: WatchEvent): void {
		if (event !== this.#event) {
			this.#event = event;
			this.#heardEvent = new HeardEvent(event, this.host.tree);
		}
		if (this.#heard.length === 0) this.host.watches.whenApplied(this.#keep);
		this.#heard.push([stream, this.#heardEvent!]);
	}

	/** The end of a batch: sends. */
	answered(): void {
		this.#keepHeard();
		if (this.#toSend.size === 0) return;
		const streams = this.#toSend;
		this.#toSend = new Set();
		for (const stream of streams) stream.flush();
		this.messages.forget();
	}

	ended(stream: WatchStream): void {
		this.#open.delete(stream);
		this.#parts.registry.remove(stream);
		this.host.disconnect(stream);
	}

	/** Ends those that there are: the client finds a replica that serves. */
	suspend(reason: string): void {
		this.answered();
		for (const stream of [...this.#open]) stream.close(reason);
	}

	/** Ends all of them; further ones are refused. */
	stop(): void {
		this.#stopped = serverStops;
		this.suspend(this.#stopped);
	}

	*#holders(): Generator<WatchStream> {
		for (const stream of this.#open) if (stream.inFlightBytes > 0) yield stream;
	}

	/** The transaction is done, and no other one begun: what the nodes are now is what they were right after it. */
	#keepHeard(): void {
		if (this.#heard.length === 0) return;
		const heard = this.#heard;
		this.#heard = [];
		this.#event = undefined;
		this.#heardEvent = undefined;
		for (const [stream, event] of heard) {
			stream.add(stream.withData ? event.full(stream.identities, this.#parts.skipAcl) : event.plain);
			this.#toSend.add(stream);
		}
	}

	async #begin(
		call: WatchCall,
		subscriber: Subscriber<never>,
		opening: { stream: WatchStream | undefined; readonly isGone: boolean },
	): Promise<void> {
		const { submission, registry, maxStreams } = this.#parts;
		if (this.#stopped !== undefined) throw refusal('GO_ELSEWHERE', this.#stopped);
		const op = openWatches(call.request);
		registry.admit(maxStreams);
		const context = await submission.contextOf(call);
		if (opening.isGone) return;
		const stream = new WatchStream(this, call, subscriber, context.caller, isOneShot(op));
		opening.stream = stream;
		this.#open.add(stream);
		registry.add(stream);
		try {
			const watching = { ...context, caller: { ...context.caller, watcher: stream } };
			const { zxid } = await submission.submitAs(watching, op, call);
			stream.opened(zxid);
		} catch (error) {
			throw namingPath(error, op, this.host);
		}
	}
}

function isOneShot({ targets }: OpenWatchesOp): boolean {
	return targets.every(({ kind }) => kind === 'data' || kind === 'child');
}

function namingPath(error: unknown, { targets }: OpenWatchesOp, { tree }: Host): unknown {
	if (!(error instanceof ZooKeeperError) || error.failure.code !== errors.noNode.code) return error;
	const paths = targets.filter(({ kind }) => kind === 'child').map(({ path }) => path);
	return new ZooKeeperError({ ...error.failure, ...missingNode(paths, (path) => tree.has(path)) });
}
