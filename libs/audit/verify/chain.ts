/**
 * Follows the hash chain of the transactions. A row that is wrong is told from the rows behind it: those are right when they follow from what the wrong
 * row should have been, from what it says, or from what stood in front of it.
 */
import { hash } from 'node:crypto';
import { nodeFacts, noFacts, sessionFacts } from '../facts.ts';
import { c, createdPaths, type Facts, parentPathOf } from './record.ts';
import { copyRow, fields, int4, type Row, text } from './rows.ts';
import { columnOf } from './tables.ts';

const hashColumn = columnOf('txn', 'hash');
const typeColumn = columnOf('txn', 'type');
const sessionColumn = columnOf('txn', 'session');

export interface Link {
	/** `older`: made before the hash had facts. `behind`: it cannot be told, because what it follows from is missing. */
	readonly state: 'whole' | 'older' | 'wrong' | 'behind';
	/** With these it is whole: those in the rows, or what they must have been. */
	readonly facts: Facts;
	/** Whether the rows have other facts than the hash. */
	readonly factsDiffer: boolean;
}

export class Chain {
	/** What the next transaction may follow from, the likeliest first. */
	#before: Buffer[];
	/** Timeouts that there were: what a row that was altered may have had. */
	readonly #timeouts = new Set<number>();

	constructor(before: Buffer) {
		this.#before = [before];
	}

	/** Of the last transaction. */
	get hash(): Buffer {
		return this.#before[0]!;
	}

	/** Transactions are missing in front of the next one, and nobody knows what it follows from. */
	#isBroken = false;

	broken(): void {
		this.#isBroken = true;
	}

	/** @param cversionBefore of a node before this transaction, for when the rows do not have what the hash is of */
	follow(txn: Row, changes: readonly Row[], facts: Facts, cversionBefore: (path: string) => number | undefined): Link {
		const body = [fields(txn.slice(0, hashColumn)), ...changeBytes(changes)];
		const stored = txn[hashColumn]!;
		const type = text(txn[typeColumn]!);
		const expected = hashOf(this.#before[0]!, body, factsOf(txn, changes, facts));
		const isExpected = expected.equals(stored);
		const link: Link = isExpected
			? { state: 'whole', facts, factsDiffer: false }
			: this.#linkOf(stored, body, txn, changes, facts, cversionBefore);
		const timeoutMs = type === 'createSession' && !link.factsDiffer ? facts.timeoutMs() : undefined;
		if (timeoutMs !== undefined) this.#timeouts.add(timeoutMs);
		const isWrong = link.state === 'wrong';
		this.#before = isWrong ? [stored, expected, this.#before[0]!] : [stored];
		const wasBroken = this.#isBroken;
		this.#isBroken = false;
		return wasBroken && isWrong ? { ...link, state: 'behind' } : link;
	}

	#linkOf(
		stored: Buffer,
		body: readonly Buffer[],
		txn: Row,
		changes: readonly Row[],
		facts: Facts,
		cversionBefore: (path: string) => number | undefined,
	): Link {
		const isOf = (end: Buffer) => this.#before.some((before) => hashOf(before, body, end).equals(stored));
		if (isOf(factsOf(txn, changes, facts))) return { state: 'whole', facts, factsDiffer: false };
		if (isOf(noFacts)) return { state: 'older', facts, factsDiffer: false };
		for (const guess of this.#guesses(txn, changes, cversionBefore)) {
			if (isOf(factsOf(txn, changes, guess))) return { state: 'whole', facts: guess, factsDiffer: true };
		}
		return { state: 'wrong', facts, factsDiffer: false };
	}

	/** What the facts would have been of an ordinary transaction. */
	*#guesses(
		txn: Row,
		changes: readonly Row[],
		cversionBefore: (path: string) => number | undefined,
	): Generator<Facts, void> {
		if (text(txn[typeColumn]!) === 'createSession') {
			for (const timeout of this.#timeouts) yield { owner: none, cversion: none, timeoutMs: () => timeout };
			return;
		}
		const created = createdPaths(changes);
		if (created.length === 0) return;
		const deleted = new Set(
			changes.filter((it) => text(it[c.type]!).startsWith('delete')).map((it) => text(it[c.path]!)),
		);
		const session = txn[sessionColumn]!.readBigUInt64BE(0);
		const cversion = (parent: string): number | undefined => {
			if (deleted.has(parent)) return undefined;
			const children = created.filter((path) => parentPathOf(path) === parent).length;
			return (cversionBefore(parent) ?? 0) + children;
		};
		const owners = [
			() => 0n,
			() => session,
			(path: string) =>
				changes.some((it) => text(it[c.path]!) === path && text(it[c.type]!) === 'createContainer') ? -(2n ** 63n) : 0n,
		];
		for (const ownerOf of owners) {
			yield { owner: (path) => (deleted.has(path) ? undefined : ownerOf(path)), cversion, timeoutMs: none };
		}
	}
}

function hashOf(before: Buffer, body: readonly Buffer[], end: Buffer): Buffer {
	return hash('sha256', Buffer.concat([before, ...body, end]), 'buffer');
}

function none(): undefined {
	return undefined;
}

function factsOf(txn: Row, changes: readonly Row[], facts: Facts): Buffer {
	if (text(txn[typeColumn]!) === 'createSession') {
		const timeoutMs = facts.timeoutMs();
		return timeoutMs === undefined ? noFacts : sessionFacts(timeoutMs);
	}
	const created = createdPaths(changes);
	return created.length === 0 ? noFacts : nodeFacts(created, facts);
}

/** Changes whose data were kept out come behind the others, as they were written. */
function changeBytes(changes: readonly Row[]): Buffer[] {
	const shown = changes.filter((row) => row[c.dataHash] === null).map((row) => copyRow(row.slice(0, c.dataHash)));
	const hidden = changes.filter((row) => row[c.dataHash] !== null).map((row) => copyRow(row));
	return [...shown, ...hidden];
}

export function changeOrdinal(row: Row): number {
	return int4(row[c.ordinal]!);
}
