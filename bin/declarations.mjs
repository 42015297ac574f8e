/** The declarations of what is published, by the compiler: each module's as it is, with its comments. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { node24, PrepareError, root } from './prepare.mjs';

/** The rooms by name, and the modules that users may import: '.' is index. */
export const packages = {
	client: { '.': 'libs/client/index.ts', './recipes': 'libs/client/recipes/index.ts' },
	nestjs: { '.': 'libs/nestjs/index.ts' },
};

/** Writes those of the entries, and of all that they import, below the directory, with their paths in this project. @throws PrepareError with what does not compile */
export function emitDeclarations(entries, directory) {
	const project = join(directory, 'tsconfig.json');
	const settings = {
		extends: join(root, 'tsconfig.json'),
		compilerOptions: {
			rootDir: root,
			outDir: directory,
			typeRoots: [join(root, 'node_modules', '@types')],
			incremental: false,
			tsBuildInfoFile: null,
			sourceMap: false,
			declaration: true,
			emitDeclarationOnly: true,
			stripInternal: true,
		},
		include: [],
		files: entries.map((entry) => join(root, entry)),
	};
	mkdirSync(dirname(project), { recursive: true });
	writeFileSync(project, JSON.stringify(settings));
	const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
	const { error, status, stdout, stderr } = spawnSync(node24, [tsc, '-p', project], { cwd: root, encoding: 'utf8' });
	if (error !== undefined || status !== 0)
		throw new PrepareError(`${entries.join(', ')}: no declarations:\n${error?.message ?? `${stdout}${stderr}`}`);
}
