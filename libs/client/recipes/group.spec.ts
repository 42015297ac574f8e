import { beforeAll, describe, expect, it, vi } from 'vitest';
import { RecipeClients, soon } from '#test/support/recipe-clients';
import type { SessionRelay } from '#test/support/session-relay';
import type { Chronokeeper } from '../chronokeeper.ts';
import { Group } from './group.ts';

const clients = RecipeClients.forFile();
let relay: SessionRelay;
/** By way of the relay. */
let ck: Chronokeeper;
let other: Chronokeeper;

const namesOf = async (group: Group) => (await group.members()).map(({ name }) => name);

beforeAll(() => {
	({ relay, ck, other } = clients);
});

describe('a group', () => {
	it('has those who joined, in their order, with what they say, until they leave or their session ends', async () => {
		const group = new Group(ck, '/groups/order');
		expect(await group.members()).toEqual([]);
		const mine = await clients.connect();
		const [first, second] = [
			await group.join('a', 'one'),
			await new Group(mine, '/groups/order').join('b', new Uint8Array([255])),
		];
		await group.join('a');
		expect(await namesOf(group)).toEqual(['a', 'b', 'a']);
		const [member, , third] = await group.members();
		expect(member).toMatchObject({ id: first.id, token: first.token, sessionId: ck.session.id });
		expect([Buffer.from(member!.data).toString(), Buffer.from(third!.data).toString()]).toEqual(['one', 'a']);
		await first.set('two');
		expect(Buffer.from((await group.members())[0]!.data).toString()).toBe('two');
		await first.leave();
		await mine.close();
		expect(await namesOf(group)).toEqual(['a']);
		expect(second.token).toBeGreaterThan(first.token);
		await expect(group.join('a/b')).rejects.toThrow(RangeError);
	});

	it('is joined again in the next session, and when somebody deletes the node; who follows it hears of all that', async () => {
		const mine = await clients.connect('relay');
		const membership = await new Group(mine, '/groups/again').join('m', 'here');
		const heard: string[] = [];
		const stop = new AbortController();
		const following = (async () => {
			for await (const { kind, member } of new Group(other, '/groups/again').changes({ signal: stop.signal }))
				heard.push(`${kind} ${member.name} ${Buffer.from(member.data).toString()}`);
		})();
		const hears = (...last: string[]) => vi.waitFor(() => expect(heard.slice(-last.length)).toEqual(last), soon);
		await hears('joined m here');
		const tokens: bigint[] = [membership.token];
		membership.on((token) => tokens.push(token));
		await relay.end(mine.session.id);
		await hears('left m here', 'joined m here');
		await other.delete(`/groups/again/${membership.id}`);
		await vi.waitFor(() => expect(heard).toHaveLength(5), soon);
		await hears('left m here', 'joined m here');
		await vi.waitFor(() => expect(tokens).toHaveLength(3), soon);
		expect(tokens).toEqual(tokens.toSorted((a, b) => (a < b ? -1 : 1)));
		await membership.set('still');
		await hears('changed m still');
		await membership.leave();
		await hears('left m still');
		stop.abort();
		await following;
		expect(await new Group(other, '/groups/again').members()).toEqual([]);
	});

	it('has nobody who gave up before', async () => {
		const giveUp = AbortSignal.abort(new Error('given up'));
		await expect(new Group(ck, '/groups/none').join('x', 'x', { signal: giveUp })).rejects.toThrow('aborted');
		expect(await new Group(ck, '/groups/none').members()).toEqual([]);
	});

	it('63: is followed by who begins when the session is just being lost', async () => {
		const client = await clients.connect('relay');
		clients.relay.cut(true);
		const changes = new Group(client, '/groups/late').changes();
		const first = changes.next();
		await clients.relay.end(client.session.id);
		clients.relay.back();
		await new Group(clients.other, '/groups/late').join('one');
		expect((await first).value).toMatchObject({ kind: 'joined', member: { name: 'one' } });
		await changes.return();
	});
});
