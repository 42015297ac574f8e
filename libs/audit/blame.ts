/** Who is to blame for what a node is: for its being there, its data, its ACL, its end; and for each line of its data, where they are text. */

import type { Zxid } from '#jute/scalars';
import { lineOrigins } from './line-origins.ts';

/** Nulls where the history does not go back as far, or does not say. */
export interface Culprit {
	readonly zxid: Zxid;
	readonly timeMs: number | null;
	readonly principal: string | null;
	readonly address: string | null;
	readonly door: string | null;
	readonly requestId: string | null;
	readonly traceId: string | null;
}

export interface BlamedFact extends Culprit {
	readonly what: 'created' | 'data' | 'acl' | 'deleted';
	/** After it: of the data, for acl of the ACL. */
	readonly version: number;
}

export interface BlamedLine {
	readonly line: string;
	readonly by: Culprit;
}

export interface Blame {
	/** In this order: created, data, acl, deleted. */
	readonly facts: readonly BlamedFact[];
	/** Null when the data are not text, or are not in PostgreSQL. */
	readonly lines: readonly BlamedLine[] | null;
}

/** What the data were from one transaction on. */
export interface DataVersion {
	readonly by: Culprit;
	readonly data: Uint8Array | null;
	/** They are not in PostgreSQL, or not for this user. */
	readonly isHidden: boolean;
}

/** The versions of the data in order, the last one being the one that is blamed for. Of data that were no text in between every line behind is new. */
export function blameLines(versions: readonly DataVersion[]): BlamedLine[] | null {
	let blamed: BlamedLine[] | null = [];
	for (const { by, data, isHidden } of versions) {
		const text = isHidden ? null : textOf(data);
		if (text === null) {
			blamed = null;
			continue;
		}
		const before: readonly BlamedLine[] = blamed ?? [];
		const after = linesOf(text);
		const origins = lineOrigins(
			before.map((it) => it.line),
			after,
		);
		blamed = after.map((line, at) => before[origins[at]!] ?? { line, by });
	}
	return blamed;
}

/** The line feed at the end of a text begins no line. */
function linesOf(text: string): string[] {
	if (text === '') return [];
	return (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n');
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function textOf(data: Uint8Array | null): string | null {
	if (data === null) return '';
	try {
		const text = decoder.decode(data);
		return text.includes('\0') ? null : text;
	} catch {
		return null; // Bytes.
	}
}
