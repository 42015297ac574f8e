/**
 * Scripts in other languages, or with packages of their own, that check a server: each of their checks becomes a test. With `--list` a script
 * prints its titles as JSON; given an address, a line `{"title":…,"failure":…}` for each check.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { output, RunningProgram } from './processes.ts';
import { ServerUnderTest } from './server-under-test.ts';

interface Checked {
	readonly title: string;
	readonly failure: string | null;
}

export interface CheckScript {
	/** The program and its arguments, the script's path among them. */
	readonly command: readonly [string, ...string[]];
	/** Once, before the checks. @returns arguments behind the server's address */
	prepare?(): Promise<readonly string[]>;
	/** What it is run on, unless it is the server under test. */
	start?(): Promise<CheckedServer>;
}

export interface CheckedServer {
	/** As the script takes it. */
	readonly address: string;
	/** Arguments behind it. */
	readonly more?: readonly string[];
	readonly log: string;
	stop(): Promise<void>;
}

/** A suite of the script's checks, all on one server. */
export function describeChecks(name: string, script: CheckScript): void {
	const [program, ...args] = script.command;
	describe(name, () => {
		const titles = JSON.parse(output(program, [...args, '--list'])) as string[];
		const results = new Map<string, Checked>();
		let server: CheckedServer;
		let running: RunningProgram | undefined;

		beforeAll(async () => {
			const more = (await script.prepare?.()) ?? [];
			server = await (script.start ?? ServerUnderTest.start)();
			running = new RunningProgram(program, [...args, server.address, ...(server.more ?? []), ...more]);
			await running.exited;
			for (const [line] of running.output.matchAll(/^\{"title".*\}$/gm)) {
				const checked = JSON.parse(line) as Checked;
				results.set(checked.title, checked);
			}
		});
		afterAll(async () => {
			await running?.stop('SIGKILL');
			await server?.stop();
		});

		it.each(titles)('%s', (title) => {
			const checked = results.get(title);
			if (!checked) throw new Error(`the script did not come to it:\n${running?.output}\n${server.log}`);
			expect(checked.failure ?? '').toBe('');
		});
	});
}
