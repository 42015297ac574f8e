/**
 * Curator 5.4 with all its recipes, and ZooKeeper 3.8's own Java client, on the client port. What is checked, and how, is in test/interop/java:
 * one Java program runs all checks, several at a time, and each is a test here.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkResult, checkTitles, JavaPrograms } from '#test/support/java-programs';
import type { RunningProgram } from '#test/support/processes';
import { ServerUnderTest } from '#test/support/server-under-test';

const subjects: Readonly<Record<string, readonly string[]>> = {
	"Curator's recipes": [
		'CuratorLocks',
		'CuratorLeaders',
		'CuratorQueues',
		'CuratorCaches',
		'CuratorCounters',
		'CuratorNodes',
		'CuratorDiscovery',
	],
	"Curator's framework": ['CuratorApi', 'CuratorSessions'],
	"ZooKeeper's Java client": ['ClientOperations', 'ClientSessions', 'ClientWatches', 'ClientLoad'],
	"ZooKeeper's recipes": ['ZooKeeperRecipes'],
};

let server: ServerUnderTest;
let programs: JavaPrograms;
let checks: RunningProgram;

beforeAll(async () => {
	programs = new JavaPrograms();
	server = await ServerUnderTest.start();
	checks = programs.start('Checks', server.address, Object.values(subjects).flat().join(','));
});
afterAll(async () => {
	await programs?.remove();
	await server?.stop();
});

for (const [subject, classes] of Object.entries(subjects)) {
	describe(subject, () => {
		it.each(checkTitles(...classes))('%s', async (title) => {
			const { ok, seen } = await checkResult(checks, title);
			expect(ok, seen).toBe(true);
		});
	});
}

it('no check was left out', async () => {
	expect(await checks.exited).toBe(0);
	const reported = checks.output.match(/^(ok|failed)\t/gm) ?? [];
	expect(reported).toHaveLength(checkTitles(...Object.values(subjects).flat()).length);
});

it('InterProcessMutex keeps threads of two processes apart: of 2 × 3 × 20 increments none is lost', async () => {
	await checks.exited;
	const contenders = [1, 2].map(() => programs.start('Contender', server.address, '/contended', '3', '20'));
	for (const contender of contenders) expect(await contender.exited, contender.output).toBe(0);
	const counts = contenders.map((contender) => Number(/^counter (\d+)$/m.exec(contender.output)?.[1]));
	expect(Math.max(...counts)).toBe(120);
});

it("ZooKeeper's own command line runs single commands, with its exit codes", async () => {
	await checks.exited;
	const command = (...words: string[]) =>
		programs.run('org.apache.zookeeper.ZooKeeperMain', '-server', server.address, ...words);
	const created = command('create', '/by-zkCli', 'data');
	expect([created.status, created.stderr]).toEqual([0, expect.stringContaining('Created /by-zkCli')]);
	const got = command('get', '-s', '/by-zkCli');
	expect([got.status, got.stdout]).toEqual([0, expect.stringMatching(/^data\ncZxid = 0x[0-9a-f]+$/m)]);
	const again = command('create', '/by-zkCli');
	expect([again.status, again.stderr]).toEqual([1, expect.stringContaining('Node already exists: /by-zkCli')]);
	const missing = command('get', '/missing');
	expect([missing.status, missing.stderr]).toEqual([1, expect.stringContaining('Node does not exist: /missing')]);
});
