/** The house rules. Each is first shown a file that breaks it: a rule that cannot fail is none. */
import { describe, expect, it } from 'vitest';
import { documentsAreTrue } from './tidy/documents.ts';
import { importTable, insideOfCore, noCycles, noDeadFiles, pureCore } from './tidy/imports.ts';
import { lockIsComplete } from './tidy/lock-file.ts';
import { type Rule, readSourceFiles, type SourceFile, sourceFile } from './tidy/source-file.ts';
import {
	erasableSyntax,
	everyTestRuns,
	filesStayShort,
	noMachinePaths,
	noTestSleeps,
	nothingLeftToFix,
	waitsSayHowLong,
} from './tidy/text.ts';
import { namesWeUse } from './tidy/words.ts';

interface HouseRule {
	readonly name: string;
	readonly rule: Rule;
	/** Each breaks the rule exactly once. */
	readonly bad: readonly (SourceFile | readonly SourceFile[])[];
	/** These look like it and are fine. */
	readonly good?: readonly SourceFile[];
}

const files = readSourceFiles();
const emptyLock = { packages: { '': {} } };

const rules: readonly HouseRule[] = [
	{
		name: 'rooms import only what the table allows',
		rule: importTable,
		bad: [
			sourceFile('libs/core/tree/x.ts', "import { a } from '#storage/txn-log';"),
			sourceFile('libs/core/tree/x.ts', "import type { a } from '#storage/txn-log';"),
			sourceFile('libs/core/tree/x.ts', "import { a } from '../../storage/txn-log.ts';"),
			sourceFile('libs/storage/x.ts', "import { a } from '../jute/codec.ts';"),
			sourceFile('libs/storage/x.ts', "export * from '#audit/history';"),
			sourceFile('libs/storage/x.ts', "import {\n\ta,\n\tb,\n} from '#server/main';"),
			sourceFile('libs/jute/x.ts', "const a = await import('#core/model/zxid');"),
			sourceFile('libs/jute/x.ts', "import '#test/support/recordings';"),
			sourceFile('libs/jute/x.ts', "import { a } from '#jute/codec';"),
			sourceFile('libs/client/x.ts', "import { a } from '#core/model/zxid';"),
			sourceFile('apps/server/x.ts', "import { a } from '#client/client';"),
			sourceFile('apps/cli/x.ts', "new Worker(new URL('../server/main.ts', import.meta.url));"),
		],
		good: [
			sourceFile('libs/core/tree/x.ts', "import { a } from '#jute/codec';\n// from '#storage/txn-log'"),
			sourceFile('libs/jute/x.spec.ts', "import { a } from '#storage/txn-log';"),
		],
	},
	{
		name: 'inside core the arrows go one way',
		rule: insideOfCore,
		bad: [
			sourceFile('libs/core/model/x.ts', "import { a } from '../tree/data-tree.ts';"),
			sourceFile('libs/core/tree/x.ts', "import type { a } from '../session/session-table.ts';"),
			sourceFile('libs/core/zab/x.ts', "import { a } from '../tree/data-tree.ts';"),
			sourceFile('libs/core/chain/x.ts', "import { a } from '../host/host.ts';"),
			sourceFile('libs/core/stuff/x.ts', "import { a } from '../host/host.ts';"),
		],
		good: [sourceFile('libs/core/host/x.ts', "import { a } from '../chain/wiring.ts';")],
	},
	{
		name: 'jute and core import nothing from outside',
		rule: pureCore,
		bad: [
			sourceFile('libs/jute/x.ts', "import { readFileSync } from 'node:fs';"),
			sourceFile('libs/core/host/x.ts', "import { Subject } from 'rxjs';"),
		],
		good: [sourceFile('libs/storage/x.ts', "import { readFileSync } from 'node:fs';")],
	},
	{
		name: 'no cycles of imports',
		rule: noCycles,
		bad: [
			[
				sourceFile('libs/jute/a.ts', "import { b } from './b.ts';"),
				sourceFile('libs/jute/b.ts', "import { c } from '#jute/c';"),
				sourceFile('libs/jute/c.ts', "export { a } from './a.ts';"),
			],
		],
		good: [
			sourceFile('libs/jute/a.ts', "import { b } from './b.ts';"),
			sourceFile('libs/jute/b.ts', "import type { a } from './a.ts';"),
		],
	},
	{
		name: 'no dead files',
		rule: noDeadFiles,
		bad: [
			sourceFile('libs/jute/forgotten.ts', 'export const a = 1;'),
			[
				sourceFile('libs/jute/old.ts', 'export const a = 1;'),
				sourceFile('libs/jute/other.spec.ts', "it('x', () => { /* import './old.ts' */ });"),
			],
		],
		good: [
			sourceFile('apps/server/main.ts', "new Worker(new URL('./busy-worker.ts', import.meta.url));"),
			sourceFile('apps/server/busy-worker.ts', ''),
			sourceFile('libs/audit/x.spec.ts', "new Worker(new URL(source ? './idle.ts' : './idle.js', import.meta.url));"),
			sourceFile('libs/audit/idle.ts', ''),
		],
	},
	{
		name: 'names we do not use',
		rule: namesWeUse,
		bad: [
			sourceFile('libs/core/tree/helpers.ts', ''),
			sourceFile('libs/storage/log-utils.ts', ''),
			sourceFile('libs/storage/x.ts', 'const transactionId = 1;'),
			sourceFile('libs/storage/x.ts', 'const timeoutMillis = 1;'),
			sourceFile('libs/core/tree/x.ts', 'function f(childVersion: number) {}'),
			sourceFile('libs/core/tree/x.ts', `const a = \`\${master}\`;`),
		],
		good: [
			sourceFile('libs/core/tree/x.ts', "// the master branch\nconst a = 'transactionId';\nconst zxid = /master/;"),
		],
	},
	{
		name: 'nothing left to fix',
		rule: nothingLeftToFix,
		bad: [
			sourceFile('libs/jute/x.ts', '// FIXME: wrong'),
			sourceFile('docs/x.md', 'TODO: write this'),
			sourceFile('bin/x.mjs', '/* XXX */'),
		],
		good: [sourceFile('docs/x.md', 'todo lists are fine')],
	},
	{
		name: 'every test runs',
		rule: everyTestRuns,
		bad: [
			sourceFile('libs/jute/x.spec.ts', "it.only('x', () => {});"),
			sourceFile('test/x.spec.ts', "describe.skip('x', () => {});"),
			sourceFile('test/x.spec.ts', "it.concurrent.skip('x', () => {});"),
		],
		good: [sourceFile('libs/jute/x.spec.ts', 'reader.skip(4);')],
	},
	{
		name: 'no test sleeps',
		rule: noTestSleeps,
		bad: [
			sourceFile('libs/jute/x.spec.ts', 'await new Promise((resolve) => setTimeout(resolve, 100));'),
			sourceFile('libs/jute/x.spec.ts', 'await new Promise((r) => setTimeout(() => r(), 100));'),
			sourceFile('test/x.spec.ts', "import { setTimeout } from 'node:timers/promises';"),
		],
		good: [sourceFile('libs/jute/x.ts', 'await new Promise((resolve) => setTimeout(resolve, 100));')],
	},
	{
		name: 'what is waited for says how long',
		rule: waitsSayHowLong,
		bad: [
			sourceFile('libs/jute/x.spec.ts', 'await vi.waitFor(() => expect([a, b]).toEqual(f(1, 2)));'),
			sourceFile('test/x.spec.ts', 'await vi.waitUntil(\n\t() => isThere(1, 2),\n);'),
		],
		good: [
			sourceFile('libs/jute/x.spec.ts', 'await vi.waitFor(() => expect(a).toBe(1), soon);'),
			sourceFile('libs/jute/x.spec.ts', 'await vi.waitFor(\n\t() => {},\n\t{ timeout: 60_000 },\n);'),
		],
	},
	{
		name: 'no paths of one machine',
		rule: noMachinePaths,
		bad: [
			sourceFile('docs/x.md', `see ${'/work'}/main/libs`),
			sourceFile('libs/jute/x.ts', `const a = '${'/tmp'}/x';`),
			sourceFile('bin/x.mjs', `open('${'/home'}/ada/x')`),
		],
		good: [sourceFile('libs/jute/x.ts', "mkdtempSync(join(tmpdir(), 'x'));")],
	},
	{
		name: 'syntax that can be erased outside apps/server',
		rule: erasableSyntax,
		bad: [
			sourceFile('libs/jute/x.ts', 'export enum Colour { red }'),
			sourceFile('libs/jute/x.ts', 'class A { constructor(private readonly a: number) {} }'),
			sourceFile('libs/jute/x.ts', 'namespace A {}'),
		],
		good: [
			sourceFile('apps/server/x.ts', 'class A { constructor(private readonly a: number) {} }'),
			sourceFile('libs/jute/x.ts', 'class A { constructor(a: string, b: readonly number[]) {} }'),
		],
	},
	{
		name: 'files stay short',
		rule: filesStayShort,
		bad: [sourceFile('libs/jute/x.ts', 'a;\n'.repeat(501))],
		good: [sourceFile('libs/jute/x.ts', 'a;\n'.repeat(500)), sourceFile('docs/x.md', 'a\n'.repeat(501))],
	},
	{
		name: 'documents link to and name what exists',
		rule: documentsAreTrue,
		bad: [
			sourceFile('docs/x.md', 'See [there](nowhere.md).'),
			sourceFile('docs/x.md', 'See [there](#not-here).'),
			sourceFile('docs/x.md', 'It is in `libs/jute/nothing.ts`.'),
		],
		good: [
			sourceFile(
				'docs/x.md',
				'# Is here\nSee [there](#is-here), [it](../README.md) and `libs/jute/codec.ts`, or `libs/*/x.ts`.',
			),
		],
	},
	{
		name: 'the lock file has an entry for every optional dependency',
		rule: lockIsComplete,
		bad: [
			sourceFile(
				'package-lock.json',
				JSON.stringify({ packages: { 'node_modules/a': { optionalDependencies: { 'a-linux': '1' } } } }),
			),
			sourceFile('package-lock.json', JSON.stringify({ packages: { '': { optionalDependencies: { b: '1' } } } })),
		],
		good: [
			sourceFile(
				'package-lock.json',
				JSON.stringify({
					packages: {
						'node_modules/a': { optionalDependencies: { 'a-linux': '1' } },
						'node_modules/a/node_modules/a-linux': {},
					},
				}),
			),
		],
	},
];

describe.each(rules)('$name', ({ name, rule, bad, good }) => {
	it('holds', () => {
		expect(rule(files)).toEqual([]);
	});
	it.each(bad.map((sample) => [sample] as const))('is broken by sample %#', (sample) => {
		expect(rule('path' in sample ? [sample] : sample)).toHaveLength(1);
	});
	it('lets pass what only looks like it', () => {
		expect(rule(good ?? [sourceFile('package-lock.json', JSON.stringify(emptyLock))]), name).toEqual([]);
	});
});
