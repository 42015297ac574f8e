/** The project's text files as the house rules see them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { codeOnly } from './code-only.ts';

export interface SourceFile {
	/** From the root of the project, with slashes. */
	readonly path: string;
	readonly text: string;
	/** TypeScript with comments and the contents of strings blanked out; the text itself in other languages. */
	readonly code: string;
}

/** A rule reads all files and says, one line each, what is wrong and what to do. */
export type Rule = (files: readonly SourceFile[]) => string[];

export const root = fileURLToPath(new URL('../..', import.meta.url));

const leftOut = new Set(['node_modules', 'dist', 'coverage', '.git', 'data', 'recordings']);
const extensions = new Set(['.ts', '.mjs', '.md', '.json', '.yml', '.yaml', '.sql', '.proto', '.py', '.txt', '.cfg']);

export function sourceFile(path: string, text: string): SourceFile {
	return { path, text, code: path.endsWith('.ts') && !isGenerated(path) ? codeOnly(text) : text };
}

export function readSourceFiles(): SourceFile[] {
	return [...walk(root)].map((file) =>
		sourceFile(relative(root, file).split(sep).join('/'), readFileSync(file, 'utf8')),
	);
}

function* walk(directory: string): Generator<string> {
	for (const entry of readdirSync(directory, { withFileTypes: true })) {
		const path = join(directory, entry.name);
		if (entry.isDirectory()) {
			if (!leftOut.has(entry.name)) yield* walk(path);
		} else if (entry.isFile() && (extensions.has(extname(entry.name)) || path.endsWith('.ci/run'))) yield path;
	}
}

export function pathExists(path: string): boolean {
	return existsSync(join(root, path));
}

export function isTypeScript(file: SourceFile): boolean {
	return file.path.endsWith('.ts');
}

/** What buf makes of proto/ (bin/generate.mjs). */
export function isGenerated(path: string): boolean {
	return path.startsWith('libs/proto/');
}

/** Specs, benchmarks and everything in test/: they may import any room. */
export function isTest(path: string): boolean {
	return path.startsWith('test/') || path.endsWith('.spec.ts');
}
