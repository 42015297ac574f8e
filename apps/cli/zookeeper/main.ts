/** `zkCli.sh`: ZooKeeper's command line. One command from the arguments, lines from a pipe, or a shell on a terminal. */
import { commandNames } from './commands/all.ts';
import type { Output } from './commands/command.ts';
import { complete } from './completion.ts';
import { Fatal } from './failures.ts';
import { parseInvocation, readClientSettings } from './invocation.ts';
import { linesOf } from './lines.ts';
import { Shell } from './shell.ts';
import { TypedLines } from './typed-lines.ts';

// The reader of a pipe went away: the commands are carried out all the same.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

const lines = new TypedLines();

function write(stream: NodeJS.WriteStream, text: string): void {
	lines.print(() => stream.write(text));
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
	await lines.run(shell, {
		complete: (line) => complete(line, () => commandNames, shell.client),
		onInterrupt: () => process.exit(130),
	});
}
