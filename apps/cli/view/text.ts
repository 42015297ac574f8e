/** How values look to people: one form each, everywhere. */
import type { Acl } from '#jute/records';

/** Hexadecimal, the form ZooKeeper's people know: `0x500000012`. Session ids too. */
export function hex(value: bigint | number): string {
	return `0x${value.toString(16)}`;
}

/** ISO 8601 in UTC; the number itself where there is no such date. */
export function time(ms: number | bigint): string {
	const date = new Date(Number(ms));
	return Number.isNaN(date.getTime()) ? `${ms}` : date.toISOString();
}

export function size(bytes: number): string {
	if (bytes < 1024) return `${bytes} B`;
	const units = ['KiB', 'MiB', 'GiB', 'TiB'];
	let value = bytes;
	let unit = '';
	for (unit of units) {
		value /= 1024;
		if (value < 1024) break;
	}
	return `${value.toFixed(value < 10 ? 1 : 0)} ${unit}`;
}

export function duration(ms: number): string {
	if (ms < 1000) return `${Math.round(ms)} ms`;
	if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
	const seconds = Math.round(ms / 1000);
	return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

export function count(value: number | bigint): string {
	return value.toLocaleString('en-US');
}

const permissions = [
	['c', 4],
	['d', 8],
	['r', 1],
	['w', 2],
	['a', 16],
] as const;

/** As zkCli has it: `world:anyone:cdrwa`. */
export function aclText(acl: readonly Acl[]): string {
	return acl.map((entry) => `${entry.scheme}:${entry.id}:${permsText(entry.perms)}`).join(',');
}

function permsText(perms: number): string {
	const text = permissions.map(([letter, bit]) => (perms & bit ? letter : '')).join('');
	return text === '' ? '-' : text;
}

/** What a permission letter stands for; undefined for another letter. */
export function permissionBit(letter: string): number | undefined {
	return permissions.find(([known]) => known === letter)?.[1];
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text that the bytes are in UTF-8; undefined when they are not. */
export function utf8(bytes: Uint8Array): string | undefined {
	try {
		return strict.decode(bytes);
	} catch {
		return undefined;
	}
}

/** Short and safe on a terminal: text in quotes, other bytes in hexadecimal, at most `longest` characters of it. */
export function preview(data: Uint8Array | null, longest = 60): string {
	if (data === null) return 'null';
	// A character is four bytes at most; one may be cut at the end of the slice.
	const head = data.subarray(0, longest * 4);
	const text = utf8(head) ?? (head.length < data.length ? utf8(cutCharacter(head)) : undefined);
	if (text === undefined) {
		const shown = data.subarray(0, longest >> 1);
		return `0x${Buffer.from(shown).toString('hex')}${shown.length < data.length ? '…' : ''}`;
	}
	const escaped = printable(text);
	const cut = escaped.length > longest || head.length < data.length;
	return cut ? `"${escaped.slice(0, longest)}…"` : `"${escaped}"`;
}

/** Characters that would move the cursor or change colours are shown as escapes. */
export function printable(text: string): string {
	return text.replace(unsafe, (unit) => (unit === '"' || unit === '\\' ? `\\${unit}` : escaped(unit)));
}

/** Controls, what changes the direction of writing, line separators, halves of a surrogate pair; and what quotes need escaped. */
const unsafe = /[\p{Cc}"\\\u200e\u200f\u2028-\u202e\u2066-\u2069]|\p{Surrogate}/gu;

function escaped(unit: string): string {
	const known: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };
	return known[unit] ?? `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function cutCharacter(bytes: Uint8Array): Uint8Array {
	let end = bytes.length - 1;
	while (end > 0 && end > bytes.length - 4 && (bytes[end]! & 0xc0) === 0x80) end--;
	return bytes.subarray(0, end);
}
