/** Java's properties format, which zoo.cfg is written in, with the line of each entry. */
import { readFileSync } from 'node:fs';
import type { Entry } from './entry.ts';

export interface Property {
	readonly key: string;
	readonly value: string;
	/** Where it begins, counted from 1. */
	readonly line: number;
	/** Where it ends: a backslash at the end of a line goes on in the next one. */
	readonly lastLine: number;
}

const lineEnd = /\r\n|\n|\r/;

export function parseProperties(text: string): Property[] {
	const properties: Property[] = [];
	const lines = text.split(lineEnd);
	for (let at = 0; at < lines.length; at++) {
		const line = at + 1;
		let logical = lines[at]!.trimStart();
		if (logical === '' || logical.startsWith('#') || logical.startsWith('!')) continue;
		while (endsInBackslash(logical) && at + 1 < lines.length) {
			logical = logical.slice(0, -1) + lines[++at]!.trimStart();
		}
		properties.push({ ...split(logical), line, lastLine: at + 1 });
	}
	return properties;
}

/** What a configuration file says; nothing and a problem when it cannot be read. */
export function propertiesOf(file: string, problems: string[]): Entry[] {
	let text: string;
	try {
		text = readFileSync(file, 'utf8');
	} catch (error) {
		problems.push(`the configuration file ${file} cannot be read: ${(error as Error).message}`);
		return [];
	}
	return parseProperties(text).map(({ key, value, line }) => ({
		key: plainKey(key),
		value,
		where: ` (${file}, line ${line})`,
	}));
}

/** The text without the properties of such keys; comments and the order of the others stay. */
export function withoutProperties(text: string, isLeftOut: (key: string) => boolean): string {
	const gone = new Set<number>();
	for (const { key, line, lastLine } of parseProperties(text)) {
		if (isLeftOut(plainKey(key))) for (let at = line; at <= lastLine; at++) gone.add(at);
	}
	const kept = text.split(/(?<=\r\n|\n|\r(?!\n))/).filter((_, at) => !gone.has(at + 1));
	return kept.join('');
}

/** Some keys are documented with the prefix of their Java system property. */
function plainKey(key: string): string {
	return key.replace(/^zookeeper\./, '');
}

/** An even number of backslashes at the end are escaped ones. */
function endsInBackslash(line: string): boolean {
	return /\\*$/.exec(line)![0].length % 2 === 1;
}

/** The key ends at the first `=`, `:` or white space that no backslash stands before. */
function split(line: string): { key: string; value: string } {
	const parts = /^((?:\\.|[^\\=:\s])*)(?:\s*[=:]\s*|\s+|$)(.*)$/s.exec(line);
	const [, key = line, value = ''] = parts ?? [];
	return { key: unescaped(key), value: unescaped(value).trim() };
}

/** A value that any reader of the format takes for this text, in whatever encoding it reads the file. */
export function escapedValue(text: string): string {
	return text
		.replaceAll('\\', '\\\\')
		.replace(/[^\x20-\x7e]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

const escapes: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' };

function unescaped(text: string): string {
	return text.replace(/\\(u[0-9a-fA-F]{4}|.|$)/gs, (_, escaped: string) =>
		escaped.length === 5 ? String.fromCharCode(Number.parseInt(escaped.slice(1), 16)) : (escapes[escaped] ?? escaped),
	);
}
