/** A mix of Curator's recipes that goes on while the server is stopped, killed, and started again. The mix is test/interop/java/Restart.java. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { checkResult, checkTitles, JavaPrograms } from '#test/support/java-programs';
import type { RunningProgram } from '#test/support/processes';
import { ServerUnderTest } from '#test/support/server-under-test';

let server: ServerUnderTest;
let programs: JavaPrograms;
let mix: RunningProgram;

beforeAll(async () => {
	programs = new JavaPrograms();
	server = await ServerUnderTest.start();
	const restarts = ['SIGTERM', 'SIGKILL'] as const;
	mix = programs.start('Restart', server.address, String(restarts.length));
	await mix.waitFor(/^running$/m);
	for (const [index, signal] of restarts.entries()) {
		await server.restart(signal);
		await mix.waitFor(new RegExp(`^reconnected ${index + 1}$`, 'm'));
	}
});
afterAll(async () => {
	await programs?.remove();
	await server?.stop();
});

it.each(checkTitles('Restart'))('%s', async (title) => {
	const { ok, seen } = await checkResult(mix, title);
	expect(ok, seen).toBe(true);
});
