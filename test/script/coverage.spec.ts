/**
 * Every rule of docs/semantics.md that concerns what is built is cited by a test: `# semantics 16` in a script, `// semantics 16` or a title that
 * begins with the number in a spec. A rule that belongs to a later issue is listed here with the reason, and has to leave the list when it
 * gets its test.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');

/** Semantics 79 to 83 are the ensemble's and the quota counters'. */
const required = [...range(1, 68), ...range(71, 78)];

/** Nothing of it can be shown with one replica. */
const later: ReadonlyMap<number, string> = new Map([
	[9, 'a follower acks behind its own fsync, an observer never: needs the ensemble'],
]);

/** Proved here as far as the core goes; what is left to which issue. */
const partly: ReadonlyMap<number, string> = new Map([
	[4, 'the refusal of an eager ACL check, which only a learner makes, carries 0: ensemble'],
	[6, 'the epoch is the largest accepted in a quorum plus one; NEWLEADER has counter 0: ensemble'],
	[7, 'the leader steps down and a new election follows: ensemble'],
	[39, 'a learner forwards the identities with the request: ensemble'],
	[44, 'a session that moves between replicas: ensemble'],
	[62, 'learners report touched sessions: ensemble'],
	[65, 'the owning learner: ensemble'],
	[66, 'an upgrade that a follower asks of its leader: ensemble'],
	[67, 'losing the quorum: ensemble'],
]);

it('every rule that is due is cited by a test', () => {
	const cited = citations();
	const missing = required.filter((rule) => !later.has(rule) && !cited.has(rule));
	expect(missing).toEqual([]);
});

it('what is listed as later is not proved already, and what is listed as partly proved is cited', () => {
	const cited = citations();
	expect([...later.keys()].filter((rule) => cited.has(rule))).toEqual([]);
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
