/** What must be true of something that so many can have at a time, of all that its holders say. */
import { ok } from 'node:assert/strict';
import type { PossessionWord } from './recipes-words.ts';

/** Transactions in which one holder has proved that it held: from the first to the last of them nobody else may have done so, unless there is room. */
interface Span {
	readonly token: bigint;
	readonly isWhole: boolean;
	first: bigint;
	last: bigint;
}

export class Possession {
	readonly name: string;
	/** How often it was taken. */
	turns = 0;
	/** How often someone found it lost: by its signal, or by a transaction that was refused. */
	losses = 0;
	writes = 0;
	readonly #most: number;
	readonly #tokens = new Set<string>();
	readonly #spans = new Map<string, Span>();

	/** @param most so many have a part of it at a time */
	constructor(name: string, most: number) {
		this.name = name;
		this.#most = most;
	}

	hear({ kind, token, share, zxid }: PossessionWord): void {
		// A writer that becomes a reader goes on with its token.
		const key = `${token} ${share}`;
		switch (kind) {
			case 'has':
				ok(!this.#tokens.has(key), `${this.name}: two have had the token ${token}`);
				this.#tokens.add(key);
				this.turns += 1;
				return;
			case 'wrote': {
				this.writes += 1;
				const at = BigInt(zxid!);
				const span = this.#spans.get(key);
				if (span === undefined)
					this.#spans.set(key, { token: BigInt(token), isWhole: share === 'all', first: at, last: at });
				else span.last = at;
				return;
			}
			case 'lost':
			case 'refused':
				this.losses += 1;
				return;
			case 'failed':
			case 'left':
				return;
		}
	}

	/** There was room for everyone, and whoever had it alone has a greater token than all before. */
	check(): void {
		const spans = [...this.#spans.values()].sort((one, other) => (one.first < other.first ? -1 : 1));
		let having: Span[] = [];
		let greatest = 0n;
		let greatestAlone = 0n;
		for (const span of spans) {
			const { token, isWhole, first } = span;
			const problem = `${this.name}: at ${first} one with the token ${token} had ${isWhole ? 'all' : 'a part'} of it`;
			having = having.filter(({ last }) => last > first);
			const others = having.map((other) => `${other.token} until ${other.last}`).join(', ');
			const hasRoom = isWhole ? having.length === 0 : having.length < this.#most && !having.some((one) => one.isWhole);
			ok(hasRoom, `${problem}, beside ${others}`);
			const isFirst = isWhole ? token > greatest : token >= greatestAlone;
			ok(isFirst, `${problem}, behind one with the token ${isWhole ? greatest : greatestAlone}`);
			having.push(span);
			if (token > greatest) greatest = token;
			if (isWhole) greatestAlone = token;
		}
	}
}
