/**
 * Response streams with backpressure: Nest would buffer without bound for a slow client. The next item is only asked for when the client has taken the last ones; the
 * source is told to end when the client has gone or the server stops, which a stream without end would otherwise hold up.
 */
import { once } from 'node:events';
import { type ServerWritableStream, status } from '@grpc/grpc-js';
import { Observable } from 'rxjs';
import { grpcError } from './grpc-error.ts';

export class ResponseStreams {
	readonly #stop = new AbortController();

	/** The source stops soon after its signal is aborted, whatever it waits for. */
	respond<T>(
		call: ServerWritableStream<unknown, T>,
		source: (signal: AbortSignal) => AsyncIterable<T>,
	): Observable<never> {
		return new Observable((subscriber) => {
			const gone = new AbortController();
			const cancel = () => gone.abort();
			call.once('cancelled', cancel);
			if (call.cancelled) cancel();
			const signal = AbortSignal.any([gone.signal, this.#stop.signal]);
			pump(call, source(signal), signal).then(
				() => {
					if (this.#stop.signal.aborted) subscriber.error(stopping());
					else subscriber.complete();
				},
				(error: unknown) => {
					if (gone.signal.aborted) subscriber.complete();
					else subscriber.error(this.#stop.signal.aborted ? stopping() : error);
				},
			);
			return () => {
				call.off('cancelled', cancel);
				gone.abort();
			};
		});
	}

	/** Ends all of them. */
	stop(): void {
		this.#stop.abort();
	}
}

function stopping() {
	return grpcError(status.UNAVAILABLE, 'the server is stopping');
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
