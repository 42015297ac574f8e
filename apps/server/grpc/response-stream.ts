/**
 * A response stream with backpressure: Nest would buffer without bound for a slow client. The next item is only asked for when the client has taken the last ones, and
 * the source is told to end when the client has gone.
 */
import { once } from 'node:events';
import type { ServerWritableStream } from '@grpc/grpc-js';
import { Observable } from 'rxjs';

/** The source stops soon after the signal is aborted, whatever it waits for. */
export function respond<T>(
	call: ServerWritableStream<unknown, T>,
	source: (signal: AbortSignal) => AsyncIterable<T>,
): Observable<never> {
	return new Observable((subscriber) => {
		const gone = new AbortController();
		const cancel = () => gone.abort();
		call.once('cancelled', cancel);
		if (call.cancelled) cancel();
		pump(call, source(gone.signal), gone.signal).then(
			() => subscriber.complete(),
			(error) => (gone.signal.aborted ? subscriber.complete() : subscriber.error(error)),
		);
		return () => {
			call.off('cancelled', cancel);
			gone.abort();
		};
	});
}

async function pump<T>(
	call: ServerWritableStream<unknown, T>,
	items: AsyncIterable<T>,
	gone: AbortSignal,
): Promise<void> {
	for await (const item of items) {
		if (gone.aborted) return;
		if (!call.write(item)) await once(call, 'drain', { signal: gone });
	}
}
