/** Kazoo's clients through lost connections, lost sessions and a server that is started again. */
import { afterEach, describe, expect, it } from 'vitest';
import { describeKazoo, startKazoo } from '#test/support/kazoo';
import type { RunningProgram } from '#test/support/processes';
import { ServerUnderTest } from '#test/support/server-under-test';

describeKazoo('Kazoo: lost connections and sessions', 'sessions.py');

describe('Kazoo and a server that is started again', () => {
	let server: ServerUnderTest | undefined;
	let script: RunningProgram | undefined;

	afterEach(async () => {
		await script?.stop('SIGKILL');
		await server?.stop();
	});

	it('63: sessions, ephemerals, locks and acknowledged writes are kept; sessions that do not come back are ended', async () => {
		server = await ServerUnderTest.start();
		script = startKazoo('restart.py', server.address);
		await script.waitFor(/^restart 1$/m);
		await server.restart('SIGKILL');
		await script.waitFor(/^restart 2$/m);
		await server.restart('SIGTERM');
		expect(await script.exited, script.output).toBe(0);
		expect(script.output).toMatch(/^done$/m);
	});
});
