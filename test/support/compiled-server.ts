/**
 * The server as a process of its own, compiled from the sources as they are: its decorators need a compiler, and what lies in dist/ may be older. One run of vitest compiles it
 * once (compiled-global.ts); benchmarks do it each time.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RunningProgram } from './processes.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Names the directory that those of one run have in common. It is there when it is complete. */
export const sharedVariable = 'CK_TEST_COMPILED';

export interface ServerAddresses {
	readonly grpc: string;
	readonly http: string;
}

export class CompiledServer {
	readonly #directory: string;
	readonly #isShared: boolean;

	constructor() {
		const shared = process.env[sharedVariable];
		this.#isShared = shared !== undefined;
		this.#directory = shared ?? compile();
		if (shared === undefined || existsSync(shared)) return;
		const made = compile();
		try {
			renameSync(made, shared);
		} catch (error) {
			// Another worker was quicker: what it made is the same.
			rmSync(made, { recursive: true, force: true });
			if (!existsSync(shared)) throw error;
		}
	}

	get dist(): string {
		return join(this.#directory, 'dist');
	}

	/** Settles when it serves; the address of each port is in its log. */
	async start(
		env: Readonly<Record<string, string>>,
		wrapper: readonly string[] = [],
	): Promise<RunningProgram & { addresses: ServerAddresses }> {
		const program = this.#spawn(env, wrapper, []);
		const [line] = await program.waitFor(/^\{.*"msg":"serving"\}$/m);
		const { grpc, http } = JSON.parse(line) as ServerAddresses;
		return Object.assign(program, { addresses: { grpc, http } });
	}

	run(env: Readonly<Record<string, string>>, ...args: string[]): RunningProgram {
		return this.#spawn(env, [], args);
	}

	/** @param wrapper a command that runs what follows it */
	#spawn(env: Readonly<Record<string, string>>, wrapper: readonly string[], args: readonly string[]): RunningProgram {
		const main = join(this.dist, 'apps', 'server', 'main.js');
		const [program, ...all] = [...wrapper, process.execPath, main, ...args] as [string, ...string[]];
		return new RunningProgram(program, all, {
			cwd: this.#directory,
			env: { CK_CLIENT_PORT: '0', CK_GRPC_PORT: '0', CK_HTTP_PORT: '0', CK_AUDIT_POSTGRES_PORT: '0', ...env },
		});
	}

	remove(): void {
		if (!this.#isShared) rmSync(this.#directory, { recursive: true, force: true });
	}
}

/** @returns a directory of its own with `dist` in it, and what belongs beside that */
function compile(): string {
	const directory = mkdtempSync(join(tmpdir(), 'chronokeeper-compiled-'));
	copyFileSync(join(root, 'package.json'), join(directory, 'package.json'));
	symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'));
	symlinkSync(join(root, 'bin'), join(directory, 'bin'));
	// Types are the type check's business.
	const options = ['--outDir', join(directory, 'dist'), '--noCheck', '--incremental', 'false', '--sourceMap', 'false'];
	execFileSync(join(root, 'node_modules', '.bin', 'tsc'), ['-p', join(root, 'tsconfig.json'), ...options], {
		stdio: ['ignore', 'inherit', 'inherit'],
	});
	return directory;
}
