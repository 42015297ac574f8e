/** Rules about what stands in a file, whoever imports it. */
import { isGenerated, isTest, isTypeScript, type Rule, type SourceFile } from './source-file.ts';

/** Files over the limit, with the lines they may have: new ones are split, these may only get shorter. */
const longFiles: Readonly<Record<string, number>> = {};
const lineLimit = 500;

/** These say what is forbidden and would otherwise forbid themselves. */
const rulesThemselves = /^test\/tidy(\/|\.spec)/;

export const nothingLeftToFix: Rule = (files) =>
	matches(files, /\b(FIXME|TODO|XXX|HACK)\b/, 'do it now, or open an issue');

export const everyTestRuns: Rule = (files) =>
	matches(
		files.filter((file) => isTest(file.path)),
		/\b(it|test|describe|suite)(\.\w+)*\.(only|skip|todo)\b/,
		'every test runs, or goes',
	);

export const noTestSleeps: Rule = (files) => {
	const specs = files.filter((file) => isTypeScript(file) && isTest(file.path) && !file.path.startsWith('test/bench/'));
	return [
		...matches(
			specs,
			/\bset(Timeout|Interval)\(\s*(\(\)\s*=>\s*)?(resolve|resolved|done|r|res|next|ok)\b/,
			'wait for a condition (vi.waitFor), not for time',
		),
		...matches(specs, /from 'node:timers\/promises'/, 'wait for a condition (vi.waitFor), not for time'),
	];
};

/** By default vitest waits for a second, which is not enough where others need the processors. What expect.poll waits for is in the configuration. */
export const waitsSayHowLong: Rule = (files) =>
	files
		.filter((file) => isTypeScript(file) && isTest(file.path) && !rulesThemselves.test(file.path))
		.flatMap(({ path, code }) =>
			[...code.matchAll(/\bvi\.wait(For|Until)\(/g)].flatMap(({ 0: call, index }) =>
				argumentsAt(code, index + call.length) > 1
					? []
					: [`${path}:${code.slice(0, index).split('\n').length}: how long? Use expect.poll, or say it`],
			),
		);

/** How many there are behind this opening parenthesis. Braces do not count: those of templates have no partner in what is code only. */
function argumentsAt(code: string, from: number): number {
	let depth = 0;
	let count = 1;
	for (let at = from; at < code.length && depth >= 0; at++) {
		const one = code[at]!;
		if ('(['.includes(one)) depth++;
		else if (')]'.includes(one)) depth--;
		// Not one that stands at the end.
		else if (one === ',' && depth === 0 && !/^,\s*\)/.test(code.slice(at))) count++;
	}
	return count;
}

/** A sample of zoo.cfg may say where ZooKeeper's own sample puts its data. */
export const noMachinePaths: Rule = (files) =>
	matches(
		files,
		/(?<![\w.$}])\/(work\/(main|shared|\.)|root\/|home\/[a-z]+\/|tmp\/(?!zk\b|zk-log\b|zookeeper\b)\w)/,
		'a path of one machine: use a relative one, or os.tmpdir()',
	);

/** Worker threads run these sources with Node's type stripping, which knows only syntax that can be erased. */
export const erasableSyntax: Rule = (files) => {
	const erased = files.filter(
		(file) => isTypeScript(file) && !file.path.startsWith('apps/server/') && !isGenerated(file.path),
	);
	return erased.flatMap(({ path, code }) => [
		...(/^\s*(export\s+)?(declare\s+)?(const\s+)?enum\s+\w+/m.test(code)
			? [`${path}: an enum cannot be erased: use a union or a const object`]
			: []),
		...(/^\s*(export\s+)?namespace\s+\w+/m.test(code) ? [`${path}: a namespace cannot be erased: use a module`] : []),
		...(/\bconstructor\s*\((?:[^)]*,)?\s*(private|public|protected|readonly)\s+\w/.test(code)
			? [`${path}: a parameter property cannot be erased: declare the field`]
			: []),
	]);
};

export const filesStayShort: Rule = (files) =>
	files
		.filter((file) => /\.(ts|mjs)$/.test(file.path) && !isGenerated(file.path))
		.flatMap(({ path, text }) => {
			const lines = text.split('\n').length - 1;
			const allowed = longFiles[path];
			if (allowed === undefined)
				return lines > lineLimit ? [`${path}: ${lines} lines: look for the second noun in it`] : [];
			if (lines > allowed) return [`${path}: ${lines} lines, and it may have ${allowed}: it may only get shorter`];
			return lines < allowed ? [`${path}: ${lines} lines: lower its entry in the ratchet (${allowed})`] : [];
		});

function matches(files: readonly SourceFile[], pattern: RegExp, advice: string): string[] {
	return files
		.filter((file) => !rulesThemselves.test(file.path) && !isGenerated(file.path) && file.path !== 'package-lock.json')
		.flatMap((file) =>
			file.text.split('\n').flatMap((line, index) => {
				const found = pattern.exec(line);
				return found ? [`${file.path}:${index + 1}: ${found[0].trim()}: ${advice}`] : [];
			}),
		);
}
