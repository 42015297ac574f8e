import type { Host } from '#core/host/host';
import type { WatchEvent } from '#core/model/op';
import { ProtoWriter } from './proto-writer.ts';
import { writeEvent } from './response-encoder.ts';

/** The bytes of an event: of one that goes to a thousand streams they are made once. */
export class EventBytes {
	readonly #host: Host;
	readonly #plain = new Cached();
	readonly #withNode = new Cached();

	constructor(host: Host) {
		this.#host = host;
	}

	plain(event: WatchEvent): Uint8Array {
		return this.#plain.bytes(event, (writer) => writeEvent(writer, event, undefined));
	}

	/** With the node as it is now: within the event that is right after it. */
	withNode(event: WatchEvent): Uint8Array {
		return this.#withNode.bytes(event, (writer) => writeEvent(writer, event, this.#host.tree));
	}

	/** The end of a batch. */
	forget(): void {
		this.#plain.forget();
		this.#withNode.forget();
	}
}

class Cached {
	#event: WatchEvent | null = null;
	#writer = new ProtoWriter();

	bytes(event: WatchEvent, write: (writer: ProtoWriter) => void): Uint8Array {
		if (this.#event !== event) {
			this.#event = event;
			this.#writer.reset();
			write(this.#writer);
		}
		return this.#writer.view();
	}

	forget(): void {
		this.#event = null;
		// A large node once is no reason to keep its bytes.
		if (this.#writer.capacity > 1 << 16) this.#writer = new ProtoWriter();
	}
}
