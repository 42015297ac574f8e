/** Recipes of the TypeScript client on the same nodes as Kazoo's: they keep each other out, and go together. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Chronokeeper, connect, DistributedLock, DoubleBarrier } from '#client/index';
import { startKazoo } from '#test/support/kazoo';
import { ServerUnderTest } from '#test/support/server-under-test';
import { SharedCounter } from '#test/support/shared-counter';

let server: ServerUnderTest;
let ck: Chronokeeper;

beforeAll(async () => {
	server = await ServerUnderTest.start();
	ck = await connect({ endpoints: server.grpc });
});
afterAll(async () => {
	await ck?.close();
	await server?.stop();
});

const rounds = 40;

describe("Kazoo's lock and ours on one path", () => {
	it.each([
		["of Curator's names, which Kazoo is told of", 'curator', '-lock-'],
		["of Kazoo's names", 'kazoo', ''],
	] as const)('exclude each other: %s', async (_, layout, pattern) => {
		const path = `/${layout}`;
		const counter = await SharedCounter.create(ck, path);
		const env = { RECIPE: 'lock', RECIPE_PATH: path, ROUNDS: `${rounds}`, PATTERN: pattern };
		const kazoo = startKazoo('contender.py', server.address, { env });
		const until = counter.hasChanged().then(() => kazoo.exited);
		const added = await counter.contend(
			[ck, ck],
			(client) => () => new DistributedLock(client, `${path}/lock`, { layout }).acquire(),
			until,
		);
		expect(await kazoo.exited, kazoo.output).toBe(0);
		expect(await counter.count()).toBe(rounds + added);
		expect(counter.turnsOfOthers).toBeGreaterThan(rounds / 5);
	});
});

it("Kazoo's double barrier and ours: members of both go in together, and out together", async () => {
	const env = { RECIPE: 'barrier', RECIPE_PATH: '/barrier' };
	const kazoo = startKazoo('contender.py', server.address, { env });
	const inside = await new DoubleBarrier(ck, '/barrier', 2).enter({ timeoutMs: 60_000 });
	await kazoo.waitFor(/^inside$/m);
	expect(kazoo.output).not.toContain('left');
	await inside.leave();
	expect(await kazoo.exited, kazoo.output).toBe(0);
	expect(kazoo.output).toContain('left');
});
