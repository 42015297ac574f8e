/**
 * Makes a clone ready to run: installs what package-lock.json names, then compiles to dist/. Runs on any Node from 20 on with nothing
 * installed, and is quiet and quick when there is nothing to do. `npm start`, `npm test`, `npm run bench` and `ck` all begin here.
 */
import { spawnSync } from 'node:child_process';
import {
	existsSync,
	linkSync,
	lstatSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	rmSync,
	statSync,
	utimesSync,
	writeFileSync,
} from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = join(root, 'node_modules', '.bin');
/** Node 24, which npm installs like any other package. */
export const node24 = join(bin, 'node');
/** Touched after a complete build: dist/.tsbuildinfo alone also changes when `npm run typecheck` only looked. */
const built = join(root, 'dist', '.built');
const lock = join(root, 'dist', '.preparing');
const sources = ['apps', 'libs', 'migrations', 'test'].map((room) => join(root, room));

/** Says what is wrong and what to do; the caller ends with `exitCode`. */
export class PrepareError extends Error {
	constructor(message, exitCode = 1) {
		super(message);
		this.exitCode = exitCode;
	}
}

/** Runs it. What a person can act on is one message and an exit code; anything else is a bug and shows as one. */
export async function explained(run) {
	try {
		await run();
	} catch (error) {
		if (!(error instanceof PrepareError)) throw error;
		console.error(error.message);
		process.exitCode = error.exitCode;
	}
}

export function prepare() {
	const [major] = process.versions.node.split('.').map(Number);
	if (major < 20)
		throw new PrepareError(
			`Node ${process.version} is too old: Chronokeeper needs Node 20 or newer to install its own.`,
		);
	if (!needsInstall() && !needsBuild()) return;
	alone(() => {
		if (needsInstall()) install();
		if (needsBuild()) build();
	});
}

function modified(path) {
	return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** A link is somebody else's: `npm ci` here would empty it there. */
function isLink(path) {
	return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
}

function needsInstall() {
	if (isLink(join(root, 'node_modules'))) return false;
	return (
		modified(join(root, 'node_modules', '.package-lock.json')) < modified(join(root, 'package-lock.json')) ||
		!existsSync(node24)
	);
}

function needsBuild() {
	const since = modified(built);
	const settings = ['package.json', 'tsconfig.json'].map((name) => join(root, name));
	return (
		since === 0 ||
		settings.some((file) => modified(file) > since) ||
		sources.some((room) => existsSync(room) && newerSource(room, since))
	);
}

/** A directory's own time tells of files that were added, renamed or removed. */
function newerSource(directory, since) {
	if (modified(directory) > since) return true;
	return readdirSync(directory, { withFileTypes: true }).some((entry) => {
		const path = join(directory, entry.name);
		if (entry.isDirectory()) return entry.name !== 'recordings' && newerSource(path, since);
		return entry.name.endsWith('.ts') && modified(path) > since;
	});
}

/** Two commands started at once in a new clone must not both write node_modules. */
function alone(work) {
	mkdirSync(dirname(lock), { recursive: true });
	while (!take()) {
		const owner = Number(readIfThere(lock));
		if (owner !== 0 && !isRunning(owner)) rmSync(lock, { force: true });
		else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
	}
	try {
		work();
	} finally {
		rmSync(lock, { force: true });
	}
}

/** A link appears at once and with its content; a file that is opened and then written would not. */
function take() {
	const mine = `${lock}.${process.pid}`;
	try {
		writeFileSync(mine, String(process.pid));
		linkSync(mine, lock);
		return true;
	} catch (error) {
		if (error.code === 'EEXIST') return false;
		throw new PrepareError(`Cannot write into ${dirname(lock)}: ${error.message}`);
	} finally {
		rmSync(mine, { force: true });
	}
}

function readIfThere(path) {
	try {
		return readFileSync(path, 'utf8');
	} catch {
		return '0'; // Just gone: the next attempt takes it.
	}
}

function isRunning(pid) {
	try {
		return process.kill(pid, 0);
	} catch (error) {
		return error.code === 'EPERM';
	}
}

function install() {
	console.error('Installing what package-lock.json names (once; about a minute) …');
	const started = Date.now();
	// Not the Node that is about to be replaced, and no production mode: the compiler is a development dependency.
	const path = (process.env.PATH ?? '')
		.split(delimiter)
		.filter((directory) => !directory.endsWith(join('node_modules', '.bin')));
	const env = { ...process.env, PATH: path.join(delimiter) };
	const arguments_ = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'];
	const result = spawnSync('npm', arguments_, {
		cwd: root,
		env,
		stdio: ['ignore', 'pipe', 'pipe'],
		encoding: 'utf8',
		maxBuffer: 1 << 26,
		shell: process.platform === 'win32',
	});
	if (result.error)
		throw new PrepareError(
			`npm could not be started (${result.error.message}). Install Node ≥ 20 with npm, then run this again.`,
		);
	if (result.status !== 0) {
		const output = `${result.stdout}${result.stderr}`.trim();
		const hint = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ECONNRESET|network/i.test(output)
			? 'The npm registry could not be reached: check the network, proxy or `npm config get registry`, then run this again.'
			: 'Run `npm ci` by hand to see the whole story.';
		throw new PrepareError(`npm ci failed.\n${output}\n\n${hint}`);
	}
	if (!existsSync(node24)) {
		throw new PrepareError(
			'npm ci left no Node 24 in node_modules: its install scripts were switched off. Run `npm ci --ignore-scripts=false`.',
		);
	}
	console.error(`Installed in ${Math.round((Date.now() - started) / 1000)} s.`);
}

function build() {
	const began = new Date();
	// What V8 made of the sources before: it is found by content, and nobody asks for that again.
	rmSync(join(root, 'dist', '.compile-cache'), { recursive: true, force: true });
	const result = spawnSync(
		node24,
		[join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', join(root, 'tsconfig.json')],
		{ cwd: root, encoding: 'utf8' },
	);
	if (result.error) throw new PrepareError(`The compiler could not be started: ${result.error.message}`);
	if (result.status !== 0) throw new PrepareError(`The sources do not compile:\n${result.stdout}${result.stderr}`);
	// Dated when the compiler began: what was saved meanwhile is compiled next time.
	writeFileSync(built, `${began.toISOString()}\n`);
	utimesSync(built, began, began);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
	await explained(prepare);
}
