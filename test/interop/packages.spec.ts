/**
 * The packages as their users get them: installed from the tarballs into empty projects, one of ES modules and one of CommonJS, type-checked there and run on the oldest Node that is here,
 * against a server. The dependencies are the newest of their ranges in the one, the oldest in the other.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CompiledServer } from '#test/support/compiled-server';
import { output, type RunningProgram } from '#test/support/processes';

const root = fileURLToPath(new URL('../..', import.meta.url));
const programs = fileURLToPath(new URL('./packages', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'ck-packages-'));
const tarballs = new Map<string, string>();

/** That of the system where there is one, which may be older than the project's own. */
const node =
	(process.env.PATH ?? '')
		.split(delimiter)
		.filter((directory) => !directory.includes('node_modules'))
		.map((directory) => join(directory, 'node'))
		.find((program) => existsSync(program)) ?? process.execPath;

let compiled: CompiledServer;
let server: Awaited<ReturnType<CompiledServer['start']>> & RunningProgram;

beforeAll(async () => {
	const made = output(process.execPath, [join(root, 'bin', 'package.mjs')], { cwd: root })
		.trim()
		.split('\n');
	for (const path of made) tarballs.set(/chronokeeper-(\w+)-/.exec(path)![1]!, join(root, path));
	compiled = new CompiledServer();
	server = await compiled.start({ CK_DATA_DIR: join(folder, 'data'), CK_AUDIT_MODE: 'off', CK_LOG_FORMAT: 'json' });
});

afterAll(async () => {
	await server?.stop('SIGTERM');
	compiled?.remove();
	rmSync(folder, { recursive: true, force: true });
});

/** An empty project of this type, with these installed. */
function project(type: 'module' | 'commonjs', ...packages: readonly string[]): string {
	const directory = join(folder, `${type}-${packages.length}`);
	mkdirSync(directory);
	writeFileSync(join(directory, 'package.json'), JSON.stringify({ name: 'empty', private: true, type }));
	output('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error', ...packages], {
		cwd: directory,
	});
	return directory;
}

/** Type-checks it with nothing left out, and runs what the compiler makes of it. @returns what it printed */
function compileAndRun(directory: string, program: string, more: object = {}): string {
	cpSync(join(programs, program), join(directory, program));
	const options = {
		module: 'nodenext',
		target: 'es2022',
		lib: ['es2022', 'esnext.disposable'],
		types: ['node'],
		strict: true,
		exactOptionalPropertyTypes: true,
		noUncheckedIndexedAccess: true,
		skipLibCheck: false,
		outDir: 'out',
		...more,
	};
	writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: [program] }));
	output(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', directory], {
		cwd: directory,
	});
	const made = join(directory, 'out', program.replace(/ts$/, 'js'));
	return output(node, [made, server.addresses.grpc], { cwd: directory });
}

describe('@chronokeeper/client', () => {
	let modern: string;

	it('installs into an empty project of ES modules, with types, and works there', () => {
		modern = project('module', tarballs.get('client')!);
		expect(compileAndRun(modern, 'program.mts')).toBe('all is well\n');
		expect(existsSync(join(modern, 'node_modules', '@opentelemetry'))).toBe(false);
	});

	it('installs into an empty project of CommonJS, with types, and works with the oldest dependencies that it names', () => {
		const { dependencies } = JSON.parse(readFileSync(join(root, 'libs', 'client', 'manifest.json'), 'utf8')) as {
			readonly dependencies: Readonly<Record<string, string>>;
		};
		const oldest = Object.entries(dependencies).map(([name, range]) => `${name}@${range.replace('^', '')}`);
		expect(compileAndRun(project('commonjs', tarballs.get('client')!, ...oldest), 'program.cts')).toBe('all is well\n');
	});

	it('is left out by a bundler where nothing of it is used, and has no native code', async () => {
		const size = async (source: string): Promise<number> => {
			const input = join(modern, 'entry.mjs');
			writeFileSync(input, source);
			const build = await rolldown({ input, cwd: modern, platform: 'node', external: [/^@grpc\//, /^@bufbuild\//] });
			const { output: chunks } = await build.generate({ format: 'es' });
			await build.close();
			return chunks[0].code.length;
		};
		expect(await size("import '@chronokeeper/client';")).toBeLessThan(100);
		const anError = await size("import { NoNodeError } from '@chronokeeper/client'; console.log(NoNodeError);");
		const all = await size("import { connect } from '@chronokeeper/client'; console.log(connect);");
		expect(anError).toBeLessThan(all / 10);
		const files = output('tar', ['tzf', tarballs.get('client')!])
			.trim()
			.split('\n');
		expect(files.filter((file) => !/\.(js|d\.ts|json|md)$|\/LICENSE$/.test(file))).toEqual([]);
	});
});

describe('@chronokeeper/nestjs', () => {
	// The types of Nest are Nest's to check.
	const decorators = { experimentalDecorators: true, emitDecoratorMetadata: true, skipLibCheck: true };

	it('installs beside the client into an empty project, with types, and works in an application of Nest', () => {
		const versions = (
			JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { dependencies: Record<string, string> }
		).dependencies;
		const nest = ['@nestjs/common', '@nestjs/core', 'reflect-metadata', 'rxjs'].map(
			(name) => `${name}@${versions[name]}`,
		);
		const directory = project('module', tarballs.get('client')!, tarballs.get('nestjs')!, ...nest);
		expect(compileAndRun(directory, 'nest.mts', decorators)).toBe('all is well\n');
	});

	it('works in an application of CommonJS, with the oldest Nest that it names', () => {
		const nest = ['@nestjs/common@11.0.0', '@nestjs/core@11.0.0', 'reflect-metadata@0.1.13', 'rxjs@7.1.0'];
		const directory = project('commonjs', tarballs.get('client')!, tarballs.get('nestjs')!, ...nest);
		expect(compileAndRun(directory, 'nest.cts', decorators)).toBe('all is well\n');
	});
});
