/**
 * Tests cite the numbered rules of ZooKeeper's semantics that they prove, in their title (`it('16: the sequence suffix …')`) or in a comment
 * (`// semantics 16, 17`). The numbers are those of docs/semantics.md.
 */
import { isTest, type Rule } from './source-file.ts';

const numbers = (first: number, last: number): number[] =>
	Array.from({ length: last - first + 1 }, (_, index) => first + index);

/** What one replica does; 69, 70 and 79-83 need an ensemble. */
export const required = [...numbers(1, 68), ...numbers(71, 78)];

/** Not cited yet: this list may only get shorter. */
export const notYetCited: readonly number[] = [];

const list = String.raw`\d+(?:(?:, ?| and |-|–)\d+)*`;
const citations = [
	new RegExp(
		String.raw`\b(?:it|test|describe)(?:\.\w+)*(?:\([^'"\x60\n]*\))?\(\s*['"\x60](?:semantics )?(${list}):`,
		'g',
	),
	new RegExp(String.raw`\bsemantics (${list})`, 'g'),
];

export const semanticsAreCited: Rule = (files) => {
	const cited = new Set(
		files
			.filter((file) => isTest(file.path) && !file.path.startsWith('test/tidy'))
			.flatMap((file) => citedIn(file.text)),
	);
	const missing = required.filter((number) => !cited.has(number) && !notYetCited.includes(number));
	const done = notYetCited.filter((number) => cited.has(number));
	return [
		...(missing.length > 0 ? [`no test cites semantics ${missing.join(', ')}`] : []),
		...(done.length > 0 ? [`test/tidy/semantics.ts: ${done.join(', ')} are cited now: take them off the list`] : []),
	];
};

function citedIn(text: string): number[] {
	return citations.flatMap((citation) => [...text.matchAll(citation)]).flatMap((match) => expand(match[1]!));
}

function expand(text: string): number[] {
	return text.split(/, ?| and /).flatMap((part) => {
		const [first, last] = part.split(/[-–]/).map(Number) as [number, number | undefined];
		return numbers(first, last ?? first);
	});
}
