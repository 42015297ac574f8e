/** What the value of a key may be: how it is read, how it is shown, and what to say when it is refused. */

export interface ValueType<T> {
	/** What is allowed, in words: stands in messages and in docs/configuration.md. */
	readonly allowed: string;
	/** Undefined when the text is not allowed. */
	read(text: string): T | undefined;
	show(value: T): string;
}

const largest = Number.MAX_SAFE_INTEGER;

/** Decimal only, as ZooKeeper reads it. */
export function integer(min = -largest, max = largest): ValueType<number> {
	const range =
		max === largest ? (min === -largest ? 'an integer' : `an integer ≥ ${min}`) : `an integer from ${min} to ${max}`;
	return {
		allowed: range,
		read(text) {
			if (!/^[+-]?[0-9]+$/.test(text)) return undefined;
			const value = Number(text);
			return Number.isSafeInteger(value) && value >= min && value <= max ? value : undefined;
		},
		show: String,
	};
}

/** 0 lets the system choose a free port. */
export const port = integer(0, 65_535);

export function decimal(min: number, max: number): ValueType<number> {
	return {
		allowed: `a number from ${min} to ${max}`,
		read(text) {
			if (!/^[+-]?[0-9]*\.?[0-9]+(e[+-]?[0-9]+)?$/i.test(text)) return undefined;
			const value = Number(text);
			return value >= min && value <= max ? value : undefined;
		},
		show: String,
	};
}

const truths: ReadonlyMap<string, boolean> = new Map([
	['true', true],
	['yes', true],
	['false', false],
	['no', false],
]);

/** ZooKeeper has `true` and `false` for most switches and `yes` and `no` for two old ones: here each takes both. */
export const boolean: ValueType<boolean> = {
	allowed: '`true` or `false`',
	read: (text) => truths.get(text.toLowerCase()),
	show: String,
};

export const string: ValueType<string> = {
	allowed: 'text',
	read: (text) => text,
	show: (value) => value,
};

export const claim: ValueType<string> = {
	allowed: 'the name of a claim',
	read: (text) => (text === '' ? undefined : text),
	show: (value) => value,
};

export const path: ValueType<string> = {
	allowed: 'a path; a relative one is looked for from the working directory',
	read: (text) => text,
	show: (value) => value,
};

/** The host part of an address to listen on. */
export const address: ValueType<string> = {
	allowed: 'a host name or an address',
	read: (text) => (/^[^\s/]+$/.test(text) ? text.replace(/^\[(.*)\]$/, '$1') : undefined),
	show: (value) => value,
};

export function url(...protocols: readonly string[]): ValueType<string> {
	return {
		allowed: `a URL that begins with ${protocols.map((protocol) => `\`${protocol}://\``).join(' or ')}`,
		read(text) {
			if (text === '') return text;
			const known = protocols.some((protocol) => text.startsWith(`${protocol}://`));
			return known && URL.canParse(text) ? text : undefined;
		},
		show: (value) => value,
	};
}

/** Without what a pattern of routes would make something else of. */
export const urlPath: ValueType<string> = {
	allowed: 'a path that begins with `/` and has more than that, like `/commands`',
	read: (text) => (/^(\/[\w.~-]+)+$/.test(text) ? text : undefined),
	show: (value) => value,
};

export function oneOf<const T extends string>(...words: readonly T[]): ValueType<T> {
	return {
		allowed: words.map((word) => `\`${word}\``).join(', '),
		read: (text) => words.find((word) => word.toLowerCase() === text.toLowerCase()),
		show: (value) => value,
	};
}

/** Words separated by commas; `*` stands for itself. */
export const words: ValueType<readonly string[]> = {
	allowed: 'words separated by commas',
	read: (text) =>
		Object.freeze(
			text
				.split(',')
				.map((word) => word.trim())
				.filter((word) => word !== ''),
		),
	show: (value) => value.join(','),
};

/** Absolute paths of nodes, without a slash at their ends. */
export const nodePaths: ValueType<readonly string[]> = {
	allowed: 'paths of nodes separated by commas, each like `/secrets`',
	read: (text) => {
		const paths = words.read(text);
		return paths?.every((path) => path === '/' || /^(\/[^/]+)+$/.test(path)) ? paths : undefined;
	},
	show: (value) => value.join(','),
};
