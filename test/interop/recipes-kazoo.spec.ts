/** Recipes of the TypeScript client on the same nodes as Kazoo's: they keep each other out, and go together. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Chronokeeper, connect, DistributedLock, DoubleBarrier, ReadWriteLock } from '#client/index';
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

const layouts = [
	["of Curator's names, which Kazoo is told of", 'curator'],
	["of Kazoo's names", 'kazoo'],
] as const;
/** What Kazoo is told of. */
const patterns = { lock: '-lock-', write: '__WRIT__ __READ__' } as const;

describe("Kazoo's locks and ours on one path", () => {
	it.each(
		(['lock', 'write'] as const).flatMap((recipe) =>
			layouts.map(([names, layout]) => [recipe, names, layout] as const),
		),
	)('%s: exclude each other: %s', async (recipe, _, layout) => {
		const path = `/${recipe}-${layout}`;
		const counter = await SharedCounter.create(ck, path);
		const told = layout === 'curator' ? patterns[recipe] : '';
		const env = { RECIPE: recipe, RECIPE_PATH: path, ROUNDS: `${rounds}`, PATTERNS: told };
		const kazoo = startKazoo('contender.py', server.address, { env });
		const until = counter.hasChanged().then(() => kazoo.exited);
		const acquire = (client: Chronokeeper) => () =>
			recipe === 'lock'
				? new DistributedLock(client, `${path}/lock`, { layout }).acquire()
				: new ReadWriteLock(client, `${path}/lock`, { layout }).write.acquire();
		const added = await counter.contend([ck, ck], acquire, until);
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
