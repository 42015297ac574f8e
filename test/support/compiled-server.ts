/**
 * The server as a process of its own, compiled from the sources as they are: its decorators need a compiler, and what lies in dist/ may be older.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RunningProgram } from './processes.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface ServerAddresses {
	readonly grpc: string;
	readonly http: string;
}

export class CompiledServer {
	readonly #directory = mkdtempSync(join(tmpdir(), 'chronokeeper-compiled-'));

	constructor() {
		const { dist } = this;
		copyFileSync(join(root, 'package.json'), join(this.#directory, 'package.json'));
		symlinkSync(join(root, 'node_modules'), join(this.#directory, 'node_modules'));
		// Types are the type check's business.
		const options = ['--outDir', dist, '--noCheck', '--incremental', 'false', '--sourceMap', 'false'];
		execFileSync(join(root, 'node_modules', '.bin', 'tsc'), ['-p', join(root, 'tsconfig.json'), ...options], {
			stdio: ['ignore', 'inherit', 'inherit'],
		});
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
		rmSync(this.#directory, { recursive: true, force: true });
	}
}
