import { describe, expect, it, vi } from 'vitest';
import { failure, RecipeClients, soon } from '#test/support/recipe-clients';
import { DoubleBarrier, type InsideBarrier } from './double-barrier.ts';
import { WaitTimeoutError } from './patience.ts';

const clients = RecipeClients.forFile();
const ours = (path: string, members = 3) => new DoubleBarrier(clients.ck, path, members);
const theirs = (path: string, members = 3) => new DoubleBarrier(clients.other, path, members);

/** So many enter together, the last one when all others wait. */
async function enterAll(path: string, members: number): Promise<InsideBarrier[]> {
	const entering: Promise<InsideBarrier>[] = [];
	for (let i = 0; i < members; i++) {
		await clients.children(path, i);
		entering.push((i % 2 === 0 ? ours : theirs)(path, members).enter());
	}
	return Promise.all(entering);
}

describe('a double barrier', () => {
	it('lets in nobody before the last has come, and out nobody before all have left', async () => {
		const path = '/double/a';
		let inside = 0;
		const enter = async (barrier: DoubleBarrier): Promise<InsideBarrier> => {
			const member = await barrier.enter();
			inside += 1;
			return member;
		};
		const entering = [enter(ours(path)), enter(theirs(path))];
		await clients.children(path, 2);
		await clients.other.sync();
		expect(inside).toBe(0);
		const members = [await enter(ours(path)), ...(await Promise.all(entering))];
		let out = 0;
		const leave = async (member: InsideBarrier): Promise<void> => {
			await member.leave();
			out += 1;
		};
		const leaving = [leave(members[0]!), leave(members[1]!)];
		// The lowest of all stays until it is the last; `ready` goes with it.
		await vi.waitFor(async () => expect((await clients.names(path)).length).toBeLessThanOrEqual(3), soon);
		await clients.other.sync();
		expect(out).toBe(0);
		await Promise.all([...leaving, leave(members[2]!)]);
		expect(await clients.names(path)).toEqual([]);
	});

	it('63: has one member where nobody can say whether its node was created', async () => {
		const path = '/double/unknown';
		const relayed = await clients.connect('relay');
		await relayed.ensurePath(path);
		clients.relay.forgetAnswer('create');
		const members = await Promise.all([new DoubleBarrier(relayed, path, 2).enter(), theirs(path, 2).enter()]);
		expect((await clients.names(path)).filter((name) => name !== 'ready')).toHaveLength(2);
		await Promise.all(members.map((member) => member.leave()));
		expect(await clients.names(path)).toEqual([]);
	});

	it('is a new one when the last has left', async () => {
		for (let round = 0; round < 2; round++) {
			const members = await enterAll('/double/b', 3);
			expect(await clients.names('/double/b')).toContain('ready');
			await Promise.all(members.map((member) => member.leave()));
			expect(await clients.names('/double/b')).toEqual([]);
		}
	});

	it('who gives up entering leaves no member behind; who gives up leaving can go on', async () => {
		expect(await failure(ours('/double/c').enter({ timeoutMs: 20 }))).toBeInstanceOf(WaitTimeoutError);
		await clients.children('/double/c', 0);
		const [one, two] = await enterAll('/double/c', 2);
		expect(await failure(one!.leave({ timeoutMs: 20 }))).toBeInstanceOf(WaitTimeoutError);
		await Promise.all([one!.leave(), two!.leave()]);
	});

	it('who comes while they are inside goes in at once', async () => {
		const members = await enterAll('/double/d', 2);
		const late = await theirs('/double/d', 2).enter();
		await Promise.all([...members, late].map((member) => member.leave()));
		expect(await clients.names('/double/d')).toEqual([]);
	});

	it('63: who comes while only such are inside as came late goes in as well, and all can leave', async () => {
		const path = '/double/late';
		const opened = await enterAll(path, 3);
		const first = (await clients.names(path)).filter((name) => name !== 'ready');
		const late = await theirs(path).enter();
		for (const name of first) await clients.other.delete(`${path}/${name}`);
		const later = await ours(path).enter({ timeoutMs: 10_000 });
		await Promise.all([...opened, late, later].map((member) => member.leave({ timeoutMs: 10_000 })));
		expect(await clients.names(path)).toEqual([]);
	});

	it('63: members that died inside count as having left, and what they left behind lets nobody in', async () => {
		const path = '/double/e';
		const [one, two] = [await clients.connect(), await clients.connect()];
		const entering = new DoubleBarrier(one, path, 2).enter();
		await clients.children(path, 1);
		await new DoubleBarrier(two, path, 2).enter();
		await entering;
		await one.close();
		await two.close();
		expect(await clients.names(path)).toEqual(['ready']);
		let isIn = false;
		const waiting = ours(path, 2)
			.enter()
			.then((member) => {
				isIn = true;
				return member;
			});
		await clients.children(path, 2);
		// Behind all that it asks for in the same session.
		for (let i = 0; i < 5; i++) await clients.ck.sync();
		expect(isIn).toBe(false);
		const members = [await theirs(path, 2).enter(), await waiting];
		await Promise.all(members.map((member) => member.leave()));
		expect(await clients.names(path)).toEqual([]);
	});

	it('63: a member whose session is lost before it is in comes anew', async () => {
		const path = '/double/f';
		const client = await clients.connect('relay');
		const entering = new DoubleBarrier(client, path, 2).enter();
		await clients.children(path, 1);
		const [before] = await clients.names(path);
		await clients.relay.end(client.session.id);
		await clients.children(path, 1);
		const member = await theirs(path, 2).enter();
		const inside = await entering;
		expect(await clients.names(path)).not.toContain(before);
		await Promise.all([member.leave(), inside.leave()]);
	});

	it('63: a member whose session is lost while it leaves waits for the others all the same', async () => {
		const path = '/double/g';
		const client = await clients.connect('relay');
		const entering = new DoubleBarrier(client, path, 2).enter();
		await clients.children(path, 1);
		const [other, inside] = await Promise.all([theirs(path, 2).enter(), entering]);
		clients.relay.cut(true);
		let isOut = false;
		const leaving = inside.leave().then(() => {
			isOut = true;
		});
		await clients.relay.end(client.session.id);
		clients.relay.back();
		await vi.waitFor(() => expect(client.state).toBe('connected'), soon);
		await client.sync();
		expect(isOut).toBe(false);
		await Promise.all([leaving, other.leave()]);
		expect(await clients.names(path)).toEqual([]);
	});

	it('needs a member', () => {
		expect(() => ours('/double/none', 0)).toThrow(RangeError);
	});
});
