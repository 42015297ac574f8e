/**
 * Response streams with backpressure: Nest would buffer without bound for a slow client. The next item is only asked for when the client has taken the last ones; the
 * source is told to end when the client has gone or the server stops, which a stream without end would otherwise hold up, or when the replica has lost its leader: the
 * client finds one that serves.
 */
import { once } from 'node:events';
import type { ServerWritableStream } from '@grpc/grpc-js';
import { Observable } from 'rxjs';
import { refusal, serverStops } from './refusals.ts';

/** Each may have some mebibytes waiting for a client that is slow. */
const mostStreams = 1000;

export class ResponseStreams {
	#serving = new AbortController();
	readonly #maxStreams: number;
	#open = 0;

	constructor(maxStreams = mostStreams) {
		this.#maxStreams = maxStreams;
	}

	/** The source stops soon after its signal is aborted, whatever it waits for. */
	respond<T>(
		call: ServerWritableStream<unknown, T>,
		source: (signal: AbortSignal) => AsyncIterable<T>,
	): Observable<never> {
		return new Observable((subscriber) => {
			if (this.#open >= this.#maxStreams) {
				subscriber.error(tooMany(this.#maxStreams));
				return;
			}
			this.#open += 1;
			const gone = new AbortController();
			const cancel = () => gone.abort();
			call.once('cancelled', cancel);
			if (call.cancelled) cancel();
			const serving = this.#serving.signal;
			const signal = AbortSignal.any([gone.signal, serving]);
			pump(call, source(signal), signal).then(
				() => {
					if (serving.aborted) subscriber.error(ended(serving));
					else subscriber.complete();
				},
				(error: unknown) => {
					if (gone.signal.aborted) subscriber.complete();
					else subscriber.error(serving.aborted ? ended(serving) : error);
				},
			);
			return () => {
				this.#open -= 1;
				call.off('cancelled', cancel);
				gone.abort();
			};
		});
	}

	/** Ends all of them; further ones end at once. */
	stop(): void {
		this.#serving.abort(serverStops);
	}

	/** Ends those that there are. */
	suspend(reason: string): void {
		const { signal } = this.#serving;
		if (signal.aborted) return;
		this.#serving.abort(reason);
		this.#serving = new AbortController();
	}
}

function tooMany(maxStreams: number) {
	const message = `${maxStreams} lists and histories are on their way to clients already`;
	return refusal('TOO_MANY_STREAMS', message);
}

function ended({ reason }: AbortSignal) {
	return refusal('GO_ELSEWHERE', String(reason));
}

async function pump<T>(
	call: ServerWritableStream<unknown, T>,
	items: AsyncIterable<T>,
	ended: AbortSignal,
): Promise<void> {
	for await (const item of items) {
		if (ended.aborted) return;
		if (!call.write(item)) await once(call, 'drain', { signal: ended });
	}
}
