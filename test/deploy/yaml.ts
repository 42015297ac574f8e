/**
 * As much of YAML as the files of this project use, read strictly: block mappings and sequences, `[a, b]`, `{}`, quoted and plain scalars, `|`, comments,
 * documents, `&anchor`, `*alias` and `<<`. Anything else is an error with its line, never a guess.
 */
export type Yaml = string | number | boolean | null | readonly Yaml[] | YamlMap;
export interface YamlMap {
	readonly [key: string]: Yaml;
}

/** @throws Error naming the line */
export function parseYaml(text: string): Yaml[] {
	return text
		.split(/^---$/m)
		.map((document) => new Reader(document).document())
		.filter((document) => document !== null);
}

interface Line {
	readonly indent: number;
	readonly text: string;
}

class Reader {
	readonly #lines: readonly string[];
	readonly #anchors = new Map<string, Yaml>();
	#at = 0;

	constructor(text: string) {
		this.#lines = text.split('\n');
	}

	document(): Yaml {
		const first = this.#peek();
		if (first === undefined) return null;
		const value = this.#block(first.indent);
		if (this.#peek() !== undefined) throw this.#error('this stands too far to the left or the right');
		return value;
	}

	#block(indent: number): Yaml {
		return isItem(this.#peek()!) ? this.#sequence(indent) : this.#mapping(indent);
	}

	#sequence(indent: number): Yaml {
		const items: Yaml[] = [];
		for (let line = this.#peek(); line?.indent === indent && isItem(line); line = this.#peek()) {
			const rest = line.text.slice(1).trimStart();
			if (keyOf(rest) === undefined) {
				this.#at += 1;
				items.push(this.#value(rest, indent));
			} else {
				// `- key: value` is a mapping whose first line has a dash in front of it.
				const inner = indent + line.text.length - rest.length;
				(this.#lines as string[])[this.#at] = ' '.repeat(inner) + rest;
				items.push(this.#mapping(inner));
			}
		}
		return items;
	}

	#mapping(indent: number): Yaml {
		const entries = new Map<string, Yaml>();
		const merged: Yaml[] = [];
		for (let line = this.#peek(); line?.indent === indent && !isItem(line); line = this.#peek()) {
			const parts = keyOf(line.text);
			if (parts === undefined) throw this.#error('this is no `key: value`');
			const [key, rest] = parts;
			if (entries.has(key)) throw this.#error(`${key} is there twice`);
			this.#at += 1;
			const value = this.#value(rest, indent);
			if (key === '<<') merged.push(value);
			else entries.set(key, value);
		}
		return Object.assign({}, ...merged, Object.fromEntries(entries)) as YamlMap;
	}

	/** What stands behind a key or a dash, on its line or below it. */
	#value(text: string, indent: number): Yaml {
		const [, anchor, rest = ''] = /^(?:&(\w+)\s*)?(.*)$/.exec(withoutComment(text))!;
		const value = this.#plainValue(rest, indent);
		if (anchor !== undefined) this.#anchors.set(anchor, value);
		return value;
	}

	#plainValue(text: string, indent: number): Yaml {
		if (text === '|') return this.#literal(indent);
		if (text.startsWith('*')) {
			const value = this.#anchors.get(text.slice(1));
			if (value === undefined) throw this.#error(`there is no &${text.slice(1)}`, -1);
			return value;
		}
		if (text !== '') return this.#scalar(text);
		const next = this.#peek();
		if (next === undefined || next.indent < indent || (next.indent === indent && !isItem(next))) return null;
		return this.#block(next.indent);
	}

	#literal(indent: number): string {
		const lines: string[] = [];
		while (
			this.#at < this.#lines.length &&
			(/^\s*$/.test(this.#lines[this.#at]!) || indentOf(this.#lines[this.#at]!) > indent)
		)
			lines.push(this.#lines[this.#at++]!);
		const least = Math.min(...lines.filter((line) => line.trim() !== '').map(indentOf));
		return `${lines
			.map((line) => line.slice(least))
			.join('\n')
			.trimEnd()}\n`;
	}

	#scalar(text: string): Yaml {
		if (text === '{}') return {};
		const flow = /^\[(.*)\]$/.exec(text)?.[1];
		if (flow !== undefined)
			return (flow.match(/"[^"]*"|'[^']*'|[^,\s][^,]*/g) ?? []).map((item) => this.#scalar(item.trim()));
		const quoted = /^"([^"\\]*)"$|^'([^']*)'$/.exec(text);
		if (quoted !== null) return quoted[1] ?? quoted[2]!;
		if (/^["'[{&*!|>%@`]|^- |: /.test(text)) throw this.#error(`${text} is more than this reader knows`, -1);
		if (/^-?[0-9]+(\.[0-9]+)?$/.test(text)) return Number(text);
		if (text === 'true' || text === 'false') return text === 'true';
		return text === 'null' || text === '~' ? null : text;
	}

	/** The next line that is neither empty nor a comment. */
	#peek(): Line | undefined {
		while (/^\s*(#.*)?$/.test(this.#lines[this.#at] ?? 'end')) this.#at += 1;
		const line = this.#lines[this.#at];
		if (line === undefined) return undefined;
		if (/^\s*\t/.test(line)) throw this.#error('a tab cannot indent');
		return { indent: indentOf(line), text: line.trim() };
	}

	#error(what: string, offset = 0): Error {
		const at = this.#at + offset;
		return new Error(`line ${at + 1} of the document, "${this.#lines[at]}": ${what}`);
	}
}

function isItem(line: Line): boolean {
	return line.text === '-' || line.text.startsWith('- ');
}

function indentOf(line: string): number {
	return line.length - line.trimStart().length;
}

function keyOf(text: string): [string, string] | undefined {
	const match = /^(?:"([^"]*)"|([\w./<-]+)):(?:\s+(.*))?$/.exec(text);
	return match === null ? undefined : [match[1] ?? match[2]!, match[3] ?? ''];
}

/** A number sign begins a comment behind white space only, and not in quotes. */
function withoutComment(text: string): string {
	const match = /^((?:"[^"]*"|'[^']*'|[^\s"'#]|(?<!\s)["'#]|\s(?!#))*)/.exec(text)!;
	return match[1]!.trim();
}
