/** A line of the shell in words: quoted ones lose their quotes, and a quote inside a word is part of it. */

// Java's \s, which knows ASCII only; what a quote opens and nothing closes is skipped.
const word = /[ \t\n\v\f\r]*([^"'][^ \t\n\v\f\r]*|"[^"]*"|'[^']*')[ \t\n\v\f\r]*/g;

export function wordsOf(line: string): string[] {
	return [...line.matchAll(word)].map(([, text]) => (/^(['"]).*\1$/.test(text!) ? text!.slice(1, -1) : text!));
}
