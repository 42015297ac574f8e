/** Child processes of tests: run to the end, or kept and ended by their id. */
import { spawn, spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import type { Writable } from 'node:stream';
import { listenTo } from './evidence.ts';

export interface Outcome {
	readonly status: number | null;
	readonly stdout: string;
	readonly stderr: string;
}

export interface RunOptions {
	readonly cwd?: string;
	/** Besides those of this process; undefined takes one away. */
	readonly env?: NodeJS.ProcessEnv;
	readonly input?: string;
}

export interface RunningOptions extends RunOptions {
	/** Signals go to all that the program has started, as Ctrl-C on a terminal does. */
	readonly asGroup?: boolean;
	/** In messages; the end of its command unless given. */
	readonly name?: string;
	/** Its standard input stays open for type(); it is empty otherwise. */
	readonly interactive?: boolean;
}

/** Runs a program to its end. */
export function run(program: string, args: readonly string[], options: RunOptions = {}): Outcome {
	const result = spawnSync(program, args, {
		cwd: options.cwd,
		env: { ...process.env, ...options.env },
		input: options.input ?? '',
		encoding: 'utf8',
		maxBuffer: 1 << 28,
		timeout: 120_000,
	});
	if (result.error) throw result.error;
	return { status: result.status, stdout: result.stdout, stderr: result.stderr };
}

/** Runs a program to its end and returns what it printed. @throws with all that it said when it fails. */
export function output(program: string, args: readonly string[], options: RunOptions = {}): string {
	const { status, stdout, stderr } = run(program, args, options);
	if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${status}:\n${stdout}${stderr}`);
	return stdout;
}

/** Runs a program to its end, and the test goes on meanwhile: a server whose log nobody reads would stop to answer, and who does not answer pings is not there any more. */
export function runBeside(program: string, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
	const child = spawn(program, args, { cwd: options.cwd, env: { ...process.env, ...options.env }, timeout: 120_000 });
	// A program that has ended reads nothing more.
	child.stdin.on('error', () => {});
	child.stdin.end(options.input ?? '');
	const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
	child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
	child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
	return new Promise((resolve, reject) => {
		child.on('error', reject);
		child.on('close', (status) =>
			resolve({ status, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() }),
		);
	});
}

/** A program that goes on beside the test, and everything it has printed so far. */
export class RunningProgram {
	output = '';
	/** Null while it runs. */
	exitCode: number | null = null;
	readonly name: string;
	readonly pid: number;
	readonly exited: Promise<number>;
	private waiting: (() => void)[] = [];
	private readonly asGroup: boolean;
	private readonly interactive: boolean;
	private readonly input: Writable;

	constructor(program: string, args: readonly string[], options: RunningOptions = {}) {
		this.asGroup = options.asGroup ?? false;
		this.name = options.name ?? [program, ...args].join(' ').slice(-100);
		const child = spawn(program, args, {
			cwd: options.cwd,
			env: { ...process.env, ...options.env },
			stdio: ['pipe', 'pipe', 'pipe'],
			detached: this.asGroup,
		});
		this.input = child.stdin;
		// A program that has ended hears nothing; its exit code tells.
		this.input.on('error', () => {});
		this.interactive = options.interactive ?? false;
		if (!this.interactive) this.input.end();
		const collect = (chunk: Buffer): void => {
			this.output += chunk.toString('utf8');
			this.wake();
		};
		child.stdout.on('data', collect);
		child.stderr.on('data', collect);
		const hasEnded = listenTo(this);
		this.exited = new Promise((resolve, reject) => {
			child.on('error', reject);
			child.on('close', (code) => {
				this.exitCode = code ?? -1;
				hasEnded();
				this.wake();
				resolve(this.exitCode);
			});
		});
		if (child.pid === undefined) throw new Error(`${program} could not be started: is it installed?`);
		this.pid = child.pid;
	}

	/** Types into an interactive program, as from a terminal. */
	type(text: string): void {
		if (!this.interactive) throw new Error('the program was not started as an interactive one');
		this.input.write(text);
	}

	/** The end of what is typed, as Ctrl-D on a terminal. */
	end(): void {
		this.input.end();
	}

	/** Resolves when the output matches. @throws with the output when the program ends first or the time is up. */
	async waitFor(pattern: RegExp, timeoutMs = 60_000): Promise<RegExpExecArray> {
		const deadline = AbortSignal.timeout(timeoutMs);
		for (;;) {
			const match = pattern.exec(this.output);
			if (match) return match;
			if (this.exitCode !== null) throw new Error(`it ended with ${this.exitCode} before ${pattern}:\n${this.output}`);
			if (deadline.aborted) throw new Error(`${pattern} did not come within ${timeoutMs} ms:\n${this.output}`);
			await new Promise<void>((resolve) => {
				this.waiting.push(resolve);
				deadline.addEventListener('abort', () => resolve(), { once: true });
			});
		}
	}

	/** Signals the program and waits for its end. @returns the exit code, -1 when the signal ended it */
	async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number> {
		if (this.exitCode === null) process.kill(this.asGroup ? -this.pid : this.pid, signal);
		return this.exited;
	}

	private wake(): void {
		for (const resolve of this.waiting.splice(0)) resolve();
	}
}

/** A loopback port that nobody listens on. */
export async function freePort(): Promise<number> {
	const [port] = await freePorts(1);
	return port!;
}

/** Of the ports that workers beside this one may take, too, these are its own. */
const lanes = 16;
const lane = Number(process.env.VITEST_POOL_ID ?? 0) % lanes;
const given = new Set<number>();

/**
 * Different loopback ports that nobody listens on, and that are given once. They are below those that the system gives to connections and to
 * who asks for any port: a server that is started a moment later, or again, would sometimes find its port in use.
 */
export async function freePorts(count: number): Promise<number[]> {
	const ports: number[] = [];
	while (ports.length < count) {
		const port = randomInt(10_000 / lanes, 32_000 / lanes) * lanes + lane;
		if (given.has(port) || !(await isFree(port))) continue;
		given.add(port);
		ports.push(port);
	}
	return ports;
}

function isFree(port: number): Promise<boolean> {
	return new Promise((resolve) => {
		const server = createServer();
		server.on('error', () => resolve(false));
		server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
	});
}
