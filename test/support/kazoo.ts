/** Runs the scripts of test/interop/kazoo: each of their checks becomes a test. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { output, RunningProgram } from './processes.ts';
import { ServerUnderTest } from './server-under-test.ts';

const python = '/usr/bin/python3';

/** What a script says of a check. */
interface Checked {
	readonly title: string;
	readonly failure: string | null;
}

/** Debian's package, because what is tried here is what people have. @throws when it is missing */
export function requireKazoo(): void {
	const missing = [python, '/usr/lib/python3/dist-packages/kazoo'].filter((file) => !existsSync(file));
	if (missing.length > 0) throw new Error(`${missing.join(', ')} not found: apt-get install python3-kazoo`);
}

export function kazooScript(script: string): string {
	return fileURLToPath(new URL(`../interop/kazoo/${script}`, import.meta.url));
}

/** A script that runs beside the test. */
export function startKazoo(script: string, ...args: string[]): RunningProgram {
	requireKazoo();
	return new RunningProgram(python, ['-B', kazooScript(script), ...args]);
}

/** A suite of the script's checks, all on one server. */
export function describeKazoo(name: string, script: string): void {
	describe(name, () => {
		requireKazoo();
		const titles = JSON.parse(output(python, ['-B', kazooScript(script), '--list'])) as string[];
		let server: ServerUnderTest;
		let program: RunningProgram;
		const results = new Map<string, Checked>();

		beforeAll(async () => {
			server = await ServerUnderTest.start();
			program = startKazoo(script, server.address);
			await program.exited;
			for (const [line] of program.output.matchAll(/^\{"title".*\}$/gm)) {
				const checked = JSON.parse(line) as Checked;
				results.set(checked.title, checked);
			}
		});
		afterAll(async () => {
			if (program?.exitCode === null) await program.stop('SIGKILL');
			await server?.stop();
		});

		it.each(titles)('%s', (title) => {
			const checked = results.get(title);
			if (!checked) throw new Error(`the script did not come to it:\n${program.output}\n${server.log}`);
			expect(checked.failure ?? '').toBe('');
		});
	});
}
