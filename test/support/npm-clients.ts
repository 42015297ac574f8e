/**
 * ZooKeeper clients from npm, installed in a directory of their own as test/interop/npm-clients/package-lock.json names them, once for each
 * lock file and Node. One of them is C++: it is compiled, with the Node that has its headers beside it.
 */
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { output, RunningProgram, run } from './processes.ts';
import { describeChecks } from './script-checks.ts';

const sources = fileURLToPath(new URL('../interop/npm-clients', import.meta.url));
const project = fileURLToPath(new URL('../..', import.meta.url));
/** The client in C++ cannot be compiled below a directory with a space in its name. */
const cache = project.includes(' ')
	? join(tmpdir(), `chronokeeper-${userInfo().uid}-npm-clients`)
	: join(project, 'node_modules', '.cache');
/** Each with the package that brings it; npm downloads Node's headers where they are not. */
const tools = [
	['g++', 'g++'],
	['make', 'make'],
	['python3', 'python3'],
] as const;

interface Node {
	readonly program: string;
	/** Where include/node is, if it is there. */
	readonly headers: string | undefined;
}

/** The first node in the PATH that has its headers; else the first one that is not this project's own, which never has. */
function nodeToCompileFor(): Node {
	const nodes = (process.env.PATH ?? '').split(delimiter).flatMap((folder): Node[] => {
		const program = join(folder, 'node');
		if (!existsSync(program) || folder.includes('node_modules')) return [];
		const prefix = dirname(dirname(realpathSync(program)));
		return [{ program, headers: existsSync(join(prefix, 'include', 'node', 'node.h')) ? prefix : undefined }];
	});
	const chosen = nodes.find(({ headers }) => headers !== undefined) ?? nodes[0];
	if (!chosen) throw new Error('no node in the PATH but that of this project: install Node 20 or newer');
	return chosen;
}

const node = nodeToCompileFor();

/** @returns the directory whose node_modules has them. @throws with all that npm said */
async function installClients(): Promise<string> {
	const version = output(node.program, ['--version']).trim();
	const lock = readFileSync(join(sources, 'package-lock.json'));
	const directory = join(
		cache,
		`npm-clients-${version}-${createHash('sha256').update(lock).digest('hex').slice(0, 12)}`,
	);
	const complete = join(directory, '.complete');
	if (existsSync(complete)) return directory;
	const missing = tools.filter(([tool]) => run('which', [tool]).status !== 0).map(([, name]) => name);
	if (missing.length > 0) {
		throw new Error(`the npm client zookeeper cannot be compiled: apt-get install ${missing.join(' ')}`);
	}
	rmSync(directory, { recursive: true, force: true });
	mkdirSync(directory, { recursive: true });
	for (const name of ['package.json', 'package-lock.json']) copyFileSync(join(sources, name), join(directory, name));
	const npm = new RunningProgram('npm', ['ci', '--no-audit', '--no-fund', '--foreground-scripts'], {
		cwd: directory,
		env: {
			// npm, and what it compiles for, is the node that comes first.
			PATH: `${dirname(node.program)}${delimiter}${process.env.PATH}`,
			...(node.headers ? { npm_config_nodedir: node.headers } : {}),
		},
	});
	if ((await npm.exited) !== 0) throw new Error(`the npm clients could not be installed:\n${npm.output}`);
	writeFileSync(complete, '');
	return directory;
}

export function describeNpmClient(name: string, script: string): void {
	describeChecks(name, {
		command: [node.program, join(sources, script)],
		prepare: async () => [await installClients()],
	});
}
