/**
 * JSON as ZooKeeper's AdminServer writes it, piece by piece: numbers of 64 bits are written in full, and what is long (a hundred thousand
 * watches) is never in memory as a whole.
 */
import { Decimal } from '../../zookeeper/figures/decimal.ts';

export type Json = null | boolean | number | bigint | string | Decimal | Entries | JsonObject | Iterable<Json>;

export interface JsonObject {
	readonly [key: string]: Json;
}

/** An object whose keys are not known beforehand. */
export class Entries {
	constructor(readonly entries: Iterable<readonly [key: string, value: Json]>) {}
}

const pieceCharacters = 1 << 16;

/** @returns pieces of about 64 KiB */
export function* jsonPieces(value: Json): IterableIterator<string> {
	let piece = '';
	for (const text of texts(value, 0)) {
		piece += text;
		if (piece.length < pieceCharacters) continue;
		yield piece;
		piece = '';
	}
	yield piece;
}

function* texts(value: Json, depth: number): IterableIterator<string> {
	if (value === null || typeof value === 'boolean' || typeof value === 'number') yield JSON.stringify(value);
	else if (typeof value === 'bigint' || value instanceof Decimal) yield String(value);
	else if (typeof value === 'string') yield JSON.stringify(value);
	else if (value instanceof Entries) yield* objectTexts(value.entries, depth);
	else if (isIterable(value)) yield* arrayTexts(value, depth);
	else yield* objectTexts(Object.entries(value), depth);
}

function isIterable(value: Iterable<Json> | JsonObject): value is Iterable<Json> {
	return Symbol.iterator in value;
}

function* objectTexts(entries: Iterable<readonly [string, Json]>, depth: number): IterableIterator<string> {
	const indent = '  '.repeat(depth + 1);
	let before = '{\n';
	for (const [key, value] of entries) {
		yield `${before}${indent}${JSON.stringify(key)} : `;
		yield* texts(value, depth + 1);
		before = ',\n';
	}
	yield before === '{\n' ? '{ }' : `\n${'  '.repeat(depth)}}`;
}

function* arrayTexts(values: Iterable<Json>, depth: number): IterableIterator<string> {
	let before = '[ ';
	for (const value of values) {
		yield before;
		yield* texts(value, depth);
		before = ', ';
	}
	yield before === '[ ' ? '[ ]' : ' ]';
}
