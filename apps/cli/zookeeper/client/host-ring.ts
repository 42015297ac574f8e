/** The servers of a connect string in random order, one after the other, with a pause after each round of failures. */
import type { Host } from './connect-string.ts';

export class HostRing {
	readonly size: number;
	readonly #hosts: readonly Host[];
	#current = -1;
	/** Where the round ends: the last host with which it worked, or the first that was tried. */
	#last = -1;

	constructor(hosts: readonly Host[], random: () => number = Math.random) {
		this.size = hosts.length;
		this.#hosts = shuffled(hosts, random);
	}

	/** The host to try, and whether all others have been tried since one worked. */
	next(): { readonly host: Host; readonly roundIsOver: boolean } {
		this.#current = (this.#current + 1) % this.size;
		const roundIsOver = this.#current === this.#last;
		if (this.#last === -1) this.#last = 0;
		return { host: this.#hosts[this.#current]!, roundIsOver };
	}

	connected(): void {
		this.#last = this.#current;
	}
}

function shuffled(hosts: readonly Host[], random: () => number): readonly Host[] {
	const order = [...hosts];
	for (let i = order.length - 1; i > 0; i--) {
		const j = Math.floor(random() * (i + 1));
		[order[i], order[j]] = [order[j]!, order[i]!];
	}
	return order;
}
