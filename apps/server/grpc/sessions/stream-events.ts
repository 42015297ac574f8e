import type { WatchEvent } from '#core/model/op';
import type { StreamOutput } from './stream-output.ts';

/** The events of a stream. Several of its watches may hear of the same one: it is told once, with the node when one of them asked for that. */
export class StreamEvents {
	readonly #output: StreamOutput;
	/** The last one of this batch, and where it stands. */
	#last: WatchEvent | null = null;
	#from = 0;
	#end = 0;

	constructor(output: StreamOutput) {
		this.#output = output;
	}

	/** @returns whether there is one more than before */
	write(event: WatchEvent, bytes: Uint8Array, hasNode: boolean): boolean {
		const { writer } = this.#output;
		const isAgain = event === this.#last;
		if (isAgain && (!hasNode || writer.position !== this.#end)) return false;
		if (isAgain) writer.rewind(this.#from);
		this.#last = event;
		this.#from = writer.position;
		writer.raw(bytes);
		this.#end = writer.position;
		return !isAgain;
	}

	/** What comes from now on is in another message. */
	endBatch(): void {
		this.#last = null;
	}
}
