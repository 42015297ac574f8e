/**
 * `npm run package`: what is published, as tarballs in dist/packages: @chronokeeper/client and @chronokeeper/nestjs, or those that are named (`npm run package -- client`).
 *
 * Each has ES modules, CommonJS and declarations of both, file by file as the sources are, so that a bundler takes only what is used. What a package says of itself stands in its room:
 * manifest.json and README.md. The version is this project's.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { rolldown } from 'rolldown';
import { emitDeclarations, packages } from './declarations.mjs';
import { explained, PrepareError, root } from './prepare.mjs';

const out = join(root, 'dist', 'packages');
/** What it has not, such as `await using`, becomes what it has. Symbol.asyncDispose is there since then. */
const oldestNode = 'node20.4';
const formats = { esm: 'module', cjs: 'commonjs' };
/** What one package imports of another, by the names of this project and of npm. */
const published = {
	'#client/index': '@chronokeeper/client',
	'#client/recipes/index': '@chronokeeper/client/recipes',
};

async function main() {
	const named = process.argv.slice(2);
	const unknown = named.filter((name) => !Object.hasOwn(packages, name));
	if (unknown.length > 0)
		throw new PrepareError(
			`There is no package ${unknown.join(', ')}: there are ${Object.keys(packages).join(', ')}.`,
			2,
		);
	for (const name of named.length > 0 ? named : Object.keys(packages)) console.log(await make(name, packages[name]));
}

/** @returns the path of the tarball */
async function make(name, entries) {
	const directory = join(out, name);
	rmSync(directory, { recursive: true, force: true });
	await bundle(name, entries, directory);
	declare(name, entries, directory);
	describe(name, entries, directory);
	return pack(directory);
}

async function bundle(name, entries, directory) {
	const build = await rolldown({
		input: Object.values(entries).map((entry) => join(root, entry)),
		cwd: root,
		platform: 'node',
		resolve: { conditionNames: ['source'] },
		tsconfig: join(root, 'tsconfig.json'),
		transform: { target: oldestNode },
		plugins: [{ name: 'published', resolveId: (specifier) => resolved(name, specifier) }],
		onLog: (level, log) => {
			if (level === 'warn') throw new PrepareError(`${name}: ${log.message}`);
		},
	});
	for (const [format, type] of Object.entries(formats)) {
		await build.write({
			dir: join(directory, format),
			format: format === 'esm' ? 'es' : 'cjs',
			preserveModules: true,
			preserveModulesRoot: join(root, 'libs'),
			entryFileNames: '[name].js',
		});
		writeJson(join(directory, format, 'package.json'), { type });
	}
	await build.close();
}

/** What is not of this room or of the generated code is installed beside it. */
function resolved(name, specifier) {
	if (specifier.startsWith('.') || specifier.startsWith('/') || specifier.startsWith('#proto/')) return undefined;
	if (!specifier.startsWith('#')) return { id: specifier, external: true };
	return { id: publishedName(name, specifier), external: true };
}

function publishedName(name, specifier) {
	if (Object.hasOwn(published, specifier)) return published[specifier];
	throw new PrepareError(
		`libs/${name} imports ${specifier}, which is in no package: only ${Object.keys(published).join(', ')} are.`,
	);
}

/** By the compiler, which leaves the specifiers as the sources have them. */
function declare(name, entries, directory) {
	const made = join(out, 'declarations');
	rmSync(made, { recursive: true, force: true });
	emitDeclarations(Object.values(entries), made);
	const libs = join(made, 'libs');
	for (const file of filesBelow(libs)) {
		const path = relative(libs, file);
		const [room] = path.split(/[\\/]/);
		// The other room that its sources are made of; what is of others comes with their packages.
		if (room !== name && (room !== 'proto' || name !== 'client')) continue;
		const text = readFileSync(file, 'utf8').replace(
			/(\bfrom |\bimport\(|^import )(["'])([#.][^"']+)\2/gm,
			(_, keyword, quote, specifier) => `${keyword}${quote}${publicSpecifier(name, path, specifier)}${quote}`,
		);
		for (const format of Object.keys(formats)) {
			// What has types only has no module.
			const to = join(directory, format, path);
			mkdirSync(dirname(to), { recursive: true });
			writeFileSync(to, text);
		}
	}
	rmSync(made, { recursive: true });
}

function publicSpecifier(name, path, specifier) {
	if (specifier.startsWith('.')) return specifier.replace(/\.ts$/, '.js');
	if (!specifier.startsWith('#proto/')) return publishedName(name, specifier);
	const to = relative(dirname(path), `${specifier.slice(1)}.js`).replaceAll('\\', '/');
	return to.startsWith('.') ? to : `./${to}`;
}

function describe(name, entries, directory) {
	const { version, license } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
	const { name: fullName, ...own } = JSON.parse(readFileSync(join(root, 'libs', name, 'manifest.json'), 'utf8'));
	const place = (format, path, ending) => `./${format}/${path.replace(/^libs\//, '').replace(/\.ts$/, ending)}`;
	const condition = (format, path) => ({ types: place(format, path, '.d.ts'), default: place(format, path, '.js') });
	const exported = Object.entries(entries).map(([subpath, path]) => [
		subpath,
		{ import: condition('esm', path), require: condition('cjs', path) },
	]);
	writeJson(join(directory, 'package.json'), {
		name: fullName,
		version,
		license,
		...own,
		type: 'module',
		engines: { node: oldestNode.replace('node', '>=') },
		sideEffects: false,
		main: place('cjs', entries['.'], '.js'),
		module: place('esm', entries['.'], '.js'),
		types: place('esm', entries['.'], '.d.ts'),
		exports: { ...Object.fromEntries(exported), './package.json': './package.json' },
	});
	copyFileSync(join(root, 'LICENSE'), join(directory, 'LICENSE'));
	copyFileSync(join(root, 'libs', name, 'README.md'), join(directory, 'README.md'));
}

function pack(directory) {
	const said = run(
		'npm',
		['pack', '--silent', '--ignore-scripts', '--pack-destination', out, directory],
		'npm pack failed',
	);
	return relative(root, join(out, said.trim().split('\n').at(-1)));
}

function run(program, args, failure) {
	const { error, status, stdout, stderr } = spawnSync(program, args, { cwd: root, encoding: 'utf8' });
	if (error !== undefined || status !== 0)
		throw new PrepareError(`${failure}:\n${error?.message ?? `${stdout}${stderr}`}`);
	return stdout;
}

function filesBelow(directory) {
	if (!existsSync(directory)) return [];
	return readdirSync(directory, { recursive: true, withFileTypes: true })
		.filter((entry) => entry.isFile())
		.map(({ parentPath, name }) => join(parentPath, name));
}

function writeJson(file, value) {
	mkdirSync(dirname(file), { recursive: true });
	writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`);
}

await explained(main);
