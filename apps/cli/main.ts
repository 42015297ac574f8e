/** `ck` as a process: its streams, its signals and its exit code. */
import { runCommand } from './run.ts';
import { Terminal } from './terminal.ts';

// `CK_AUDIT_URL= ck …` is the same as no variable at all, as it is for the server.
for (const name of Object.keys(process.env)) {
	if (name.startsWith('CK_') && process.env[name] === '') delete process.env[name];
}

const terminal = new Terminal({ stdout: process.stdout, stderr: process.stderr, environment: process.env });
let interrupt: AbortController | undefined;

function interrupted(): AbortSignal {
	if (interrupt !== undefined) return interrupt.signal;
	const controller = new AbortController();
	interrupt = controller;
	for (const signal of ['SIGINT', 'SIGTERM'] as const) {
		process.on(signal, () => {
			// The first asks, the second insists.
			if (controller.signal.aborted) process.exit(130);
			controller.abort();
		});
	}
	return controller.signal;
}

process.exitCode = await runCommand(process.argv.slice(2), {
	terminal,
	environment: process.env,
	interrupted,
	inputIsTerminal: process.stdin.isTTY === true,
	readInput: async () => {
		const chunks: Buffer[] = [];
		for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
		return Buffer.concat(chunks);
	},
});
