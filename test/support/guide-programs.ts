/**
 * Programs in TypeScript that a document shows, run as they are printed, each by itself. What a program must print stands behind it: `console.log(held.token > 0n); // → true`.
 * Only what the document cannot know is replaced.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { codeBlocks } from './guide-commands.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** What users install, and where it is here. */
const packages = {
	'@chronokeeper/client': 'libs/client/index.ts',
	'@chronokeeper/nestjs': 'libs/nestjs/index.ts',
} as const;

export interface GuideProgram {
	/** The heading above it. */
	readonly title: string;
	readonly code: string;
}

/** The document's blocks of TypeScript, in order. */
export function guidePrograms(document: string): GuideProgram[] {
	return codeBlocks(document, 'ts').map((code) => {
		const above = document.slice(0, document.indexOf(code));
		const title = /^#+ (.*)$/m.exec(above.slice(above.lastIndexOf('\n#') + 1))?.[1] ?? '';
		return { title, code };
	});
}

/** What the compiler makes of programs. */
export interface CompiledPrograms {
	/** What is wrong, a line each. */
	readonly errors: string[];
	/** JavaScript, in the order of the programs. */
	readonly code: string[];
}

/** Each is a whole program to the compiler: what it imports is what the package exports. */
export function compilePrograms(programs: readonly GuideProgram[]): CompiledPrograms {
	const folder = mkdtempSync(join(tmpdir(), 'guide-programs-'));
	try {
		for (const [index, { code }] of programs.entries()) writeFileSync(join(folder, `${index}.mts`), `${code}\n`);
		// What is installed here is installed there.
		symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
		const paths = Object.fromEntries(Object.entries(packages).map(([name, path]) => [name, [join(root, path)]]));
		const compilerOptions = {
			target: 'ESNext',
			outDir: join(folder, 'out'),
			sourceMap: false,
			incremental: false,
			noUnusedLocals: false,
			noUnusedParameters: false,
			noImplicitReturns: false,
			rootDir: '/',
			paths,
			typeRoots: [join(root, 'node_modules/@types')],
		};
		const config = { extends: join(root, 'tsconfig.json'), compilerOptions, include: ['*.mts'] };
		writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
		const tsc = join(root, 'node_modules/.bin/tsc');
		const { stdout, error } = spawnSync(tsc, ['-p', folder, '--pretty', 'false'], { encoding: 'utf8' });
		if (error) throw error;
		const errors = stdout.split('\n').flatMap((line) => {
			// Errors of the package itself are told where it is checked.
			const [, index, rest] = /(\d+)\.mts\((.*)/.exec(line) ?? [];
			return index === undefined ? [] : [`${programs[Number(index)]!.title} (${rest}`];
		});
		// Below the root of the file system, which is that of all sources.
		const compiled = (index: number) => readFileSync(join(folder, 'out', folder, `${index}.mjs`), 'utf8');
		return { errors, code: programs.map((_, index) => compiled(index)) };
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}

/** The lines that it says it prints. */
export function expectedOutput({ code }: GuideProgram): string[] {
	return [...code.matchAll(/\/\/ → (.*)$/gm)].map(([, text]) => text!.trim());
}

type Main = (
	load: (specifier: string) => Promise<unknown>,
	console: { log(...values: unknown[]): void },
) => Promise<Record<string, unknown>>;

/** What became of a program. */
export interface GuideRun {
	/** The lines that it printed. */
	readonly printed: string[];
	/** By their names. */
	readonly exported: Readonly<Record<string, unknown>>;
}

/** Runs it in this process. @param code as compiled @throws what it throws */
export async function runGuideProgram(
	code: string,
	replaced: readonly (readonly [string, string])[],
	modules: Readonly<Partial<Record<keyof typeof packages, object>>>,
): Promise<GuideRun> {
	const printed: string[] = [];
	const log = (...values: unknown[]): void => {
		printed.push(values.map((value) => (typeof value === 'string' ? value : inspect(value))).join(' '));
	};
	const load = (specifier: string): Promise<unknown> =>
		Object.hasOwn(modules, specifier)
			? Promise.resolve(modules[specifier as keyof typeof packages])
			: import(/* @vite-ignore */ specifier);
	const known = replaced.reduce((text, [from, to]) => text.replaceAll(from, to), code);
	const exports: string[] = [];
	const body = known
		.replace(/^import \* as (\w+) from ('.*?');$/gm, 'const $1 = await load($2);')
		.replace(/^import (\{[^}]*\}) from ('.*?');$/gm, (_, names: string, specifier: string) => {
			return `const ${names.replaceAll(' as ', ': ')} = await load(${specifier});`;
		})
		.replace(/^export \{(.*)\};$/gm, (_, names: string) => {
			exports.push(names);
			return '';
		});
	const AsyncFunction = (async () => {}).constructor as new (...args: string[]) => Main;
	const main = new AsyncFunction('load', 'console', `${body}\nreturn {${exports.join()}};`);
	return { printed, exported: await main(load, { log }) };
}
