/**
 * How much may be on its way to all streams together. An event with a large node goes to each stream as bytes of its own: what is not on its way is kept once for all of them, so the others
 * wait until some have it. Clients that take nothing while others wait give up their place.
 */

export interface Sender {
	/** When its client took something last, or had nothing to take: performance.now(). */
	readonly tookMs: number;
	/** Sends, if there is room. */
	flush(): void;
	/** Its client keeps others waiting: it ends, and what is on its way to it is dropped. */
	cut(): void;
}

export interface SendRoomParts {
	readonly maxBytes: number;
	/** So long others wait for a client that takes nothing. */
	readonly stalledMs: number;
	/** All to whom something is on its way. */
	readonly holders: () => Iterable<Sender>;
}

export class SendRoom {
	readonly #parts: SendRoomParts;
	#bytes = 0;
	/** In the order they came. */
	readonly #waiting = new Set<Sender>();
	#timer: NodeJS.Timeout | undefined;

	constructor(parts: SendRoomParts) {
		this.#parts = parts;
	}

	/** On their way. */
	get bytes(): number {
		return this.#bytes;
	}

	get isFull(): boolean {
		return this.#bytes >= this.#parts.maxBytes;
	}

	take(bytes: number): void {
		this.#bytes += bytes;
	}

	/** They arrived, or never will: others have their turn. */
	give(bytes: number): void {
		this.#bytes -= bytes;
		for (const sender of this.#waiting) {
			if (this.isFull) return;
			this.#waiting.delete(sender);
			sender.flush();
		}
	}

	/** Until there is room: flush() is called then. */
	wait(sender: Sender): void {
		this.#waiting.add(sender);
		this.#lookSoon();
	}

	leave(sender: Sender): void {
		this.#waiting.delete(sender);
	}

	#lookForStalled(): void {
		this.#timer = undefined;
		if (this.#waiting.size === 0) return;
		const { stalledMs, holders } = this.#parts;
		const beforeMs = performance.now() - stalledMs;
		for (const sender of [...holders()]) if (sender.tookMs <= beforeMs) sender.cut();
		if (this.#waiting.size > 0) this.#lookSoon();
	}

	#lookSoon(): void {
		if (this.#timer !== undefined) return;
		this.#timer = setTimeout(() => this.#lookForStalled(), this.#parts.stalledMs / 8).unref();
	}
}
