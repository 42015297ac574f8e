/**
 * Every rule of docs/semantics.md that concerns what is built is cited by a test: `# semantics 16` in a script, `// semantics 16` or a title that
 * begins with the number in a spec. A rule of which something is not proved yet, mostly because it is not built, is listed here with what that is, and has
 * to leave the list when it gets its test.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');

const required = [...range(1, 83)];

/** What is cited and not proved to the end: what is missing. */
const partly: ReadonlyMap<number, string> = new Map([]);

it('every rule that is due is cited by a test', () => {
	const cited = citations();
	expect(required.filter((rule) => !cited.has(rule))).toEqual([]);
});

it('what is listed as partly proved is cited', () => {
	const cited = citations();
	expect([...partly.keys()].filter((rule) => !cited.has(rule))).toEqual([]);
});

/** Rule numbers, with the files that cite them. */
function citations(): Map<number, Set<string>> {
	const cited = new Map<number, Set<string>>();
	for (const file of testFiles()) {
		for (const rule of rulesIn(readFileSync(file, 'utf8'))) {
			const files = cited.get(rule) ?? new Set();
			cited.set(rule, files.add(relative(root, file)));
		}
	}
	return cited;
}

function* testFiles(): Iterable<string> {
	for (const folder of ['libs', 'apps', 'test']) {
		for (const entry of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) {
			const isScript = /^script[\\/].*\.txt$/.test(entry);
			if ((isScript || entry.endsWith('.spec.ts')) && !entry.endsWith('coverage.spec.ts'))
				yield join(root, folder, entry);
		}
	}
}

const numbers = String.raw`\b\d{1,2}(?:(?:, |-|–| and )\d{1,2})*\b`;
const title = String.raw`\b(?:it|test|describe)(?:\.\w+)?(?:\([^()]*\))?\(\s*['"\x60]`;
const citation = new RegExp(String.raw`semantics (${numbers})|${title}(${numbers})(?::|['"\x60])`, 'g');

function* rulesIn(text: string): Iterable<number> {
	for (const [, inComment, inTitle] of text.matchAll(citation)) {
		for (const part of (inComment ?? inTitle ?? '').split(/, | and /)) {
			const [from, to] = part.split(/[-–]/).map(Number);
			yield* range(from!, to ?? from!);
		}
	}
}

function* range(from: number, to: number): Iterable<number> {
	for (let rule = from; rule <= to; rule++) yield rule;
}
