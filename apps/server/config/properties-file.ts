/** Java's properties format, which zoo.cfg is written in, with the line of each entry. */

export interface Property {
	readonly key: string;
	readonly value: string;
	/** Where it begins, counted from 1. */
	readonly line: number;
}

export function parseProperties(text: string): Property[] {
	const properties: Property[] = [];
	const lines = text.split(/\r\n|\n|\r/);
	for (let at = 0; at < lines.length; at++) {
		const line = at + 1;
		let logical = lines[at]!.trimStart();
		if (logical === '' || logical.startsWith('#') || logical.startsWith('!')) continue;
		while (endsInBackslash(logical) && at + 1 < lines.length) {
			logical = logical.slice(0, -1) + lines[++at]!.trimStart();
		}
		properties.push({ ...split(logical), line });
	}
	return properties;
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

const escapes: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' };

function unescaped(text: string): string {
	return text.replace(/\\(u[0-9a-fA-F]{4}|.|$)/gs, (_, escaped: string) =>
		escaped.length === 5 ? String.fromCharCode(Number.parseInt(escaped.slice(1), 16)) : (escapes[escaped] ?? escaped),
	);
}
