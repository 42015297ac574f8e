/** Blanks out comments and the contents of strings and regular expressions, so that rules about code see code; lines stay where they are. */
export function codeOnly(text: string): string {
	let code = '';
	let at = 0;
	/** The depth of braces at which each open `${` of a template ends. */
	const templates: number[] = [];
	let depth = 0;

	const blank = (end: number): void => {
		code += text.slice(at, end).replace(/[^\n]/g, ' ');
		at = end;
	};
	/** Copies the quote, blanks what is inside. */
	const literal = (end: number): void => {
		code += text[at]!;
		at++;
		blank(Math.max(at, end - 1));
		if (at < end) code += text[at++]!;
	};
	const template = (): void => {
		const end = endOfTemplatePart(text, at + 1);
		if (text[end - 1] === '{') {
			code += '`';
			at++;
			blank(end);
			templates.push(depth++);
		} else literal(end);
	};

	while (at < text.length) {
		const two = text.slice(at, at + 2);
		const one = text[at]!;
		if (two === '//') blank(endOr(text, text.indexOf('\n', at), 0));
		else if (two === '/*') blank(endOr(text, text.indexOf('*/', at + 2), 2));
		else if (one === "'" || one === '"') literal(endOfQuoted(text, at + 1, one));
		else if (one === '`') template();
		else if (one === '/' && regularExpressionMayBegin(code)) literal(endOfQuoted(text, at + 1, '/'));
		else if (one === '}' && templates.at(-1) === depth - 1) {
			templates.pop();
			depth--;
			template();
		} else {
			if (one === '{') depth++;
			if (one === '}') depth--;
			code += one;
			at++;
		}
	}
	return code;
}

function endOr(text: string, found: number, length: number): number {
	return found < 0 ? text.length : found + length;
}

function endOfQuoted(text: string, from: number, quote: string): number {
	let inClass = false;
	for (let at = from; at < text.length; at++) {
		const one = text[at];
		if (one === '\\') at++;
		else if (one === '\n') return at;
		else if (quote === '/' && one === '[') inClass = true;
		else if (quote === '/' && one === ']') inClass = false;
		else if (one === quote && !inClass) return at + 1;
	}
	return text.length;
}

/** Behind the closing backtick, or behind the next `${`. */
function endOfTemplatePart(text: string, from: number): number {
	for (let at = from; at < text.length; at++) {
		if (text[at] === '\\') at++;
		else if (text[at] === '`') return at + 1;
		else if (text[at] === '$' && text[at + 1] === '{') return at + 2;
	}
	return text.length;
}

function regularExpressionMayBegin(codeBefore: string): boolean {
	return /(?:^|[(,=:[!&|?{};+\n]|=>|\breturn|\bcase)\s*$/.test(codeBefore.slice(-40));
}
