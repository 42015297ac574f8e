/** `zkCli.sh`: ZooKeeper's command line. One command from the arguments, lines from a pipe, or a shell on a terminal. */
import { createInterface } from 'node:readline/promises';
import type { Output } from './commands/command.ts';
import { complete } from './completion.ts';
import { Fatal } from './failures.ts';
import { parseInvocation, readClientSettings } from './invocation.ts';
import { linesOf } from './lines.ts';
import { Shell } from './shell.ts';

// The reader of a pipe went away: the commands are carried out all the same.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

/** Replaced on a terminal, where a line of output must not end up in the line that is being typed. */
let beforeOutput = (): void => {};
let afterOutput = (): void => {};

function write(stream: NodeJS.WriteStream, text: string): void {
	beforeOutput();
	stream.write(text);
	afterOutput();
}

const output: Output = {
	out: (line) => write(process.stdout, `${line}\n`),
	err: (line) => write(process.stderr, `${line}\n`),
	print: (text) => write(process.stdout, text),
};

try {
	process.exitCode = await start();
} catch (error) {
	if (!(error instanceof Fatal)) throw error;
	output.err(error.message);
	process.exitCode = 1;
}
await Promise.all([process.stdout, process.stderr].map(flushed));
// Sessions that were not closed end by their timeout, as those of ZooKeeper's command line do.
process.exit();

/** A pipe takes only so much at once; its reader may also be gone. */
function flushed(stream: NodeJS.WriteStream): Promise<void> {
	return new Promise((resolve) => stream.write('', () => resolve()));
}

async function start(): Promise<number> {
	const invocation = parseInvocation(process.argv.slice(2));
	if (invocation.incomplete !== undefined) output.err(`Error: no argument found for option ${invocation.incomplete}`);
	output.out(`Connecting to ${invocation.server}`);
	const settings = readClientSettings(invocation.clientConfiguration, process.env);
	if (settings.withoutEffect.length > 0) {
		output.err(`Without effect here, from ${invocation.clientConfiguration}: ${settings.withoutEffect.join(', ')}`);
	}
	const shell = new Shell(invocation, settings, output);
	await shell.connect(invocation.server);
	if (invocation.command.length > 0) {
		await shell.run(invocation.command);
		return shell.exitCode;
	}
	output.out('Welcome to ZooKeeper!');
	if (process.stdin.isTTY) await typed(shell);
	else await piped(shell);
	return shell.exitCode;
}

async function piped(shell: Shell): Promise<void> {
	output.out('JLine support is disabled');
	for await (const line of linesOf(process.stdin)) {
		await shell.execute(line);
		if (shell.ended) return;
	}
}

async function typed(shell: Shell): Promise<void> {
	output.out('JLine support is enabled');
	const terminal = createInterface({
		input: process.stdin,
		output: process.stdout,
		completer: (line) => complete(line, shell.client),
	});
	let prompting = false;
	const prompt = (): void => {
		prompting = true;
		terminal.setPrompt(shell.prompt);
		terminal.prompt(true);
	};
	// Events come while a line is typed: they are printed above it.
	beforeOutput = () => prompting && process.stdout.write('\r\x1b[K');
	afterOutput = () => prompting && prompt();
	await new Promise<void>((resolve, reject) => {
		let queue = Promise.resolve();
		terminal.on('line', (line) => {
			prompting = false;
			queue = queue.then(async () => {
				if (shell.ended) return;
				await shell.execute(line);
				if (shell.ended) resolve();
				else prompt();
			});
			queue.catch(reject);
		});
		terminal.on('SIGINT', () => process.exit(130));
		terminal.on('close', () => resolve(queue));
		prompt();
	});
}
