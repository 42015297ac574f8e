import { describe, expect, it, vi } from 'vitest';
import { failure, ids, RecipeClients, soon } from '#test/support/recipe-clients';
import { OperationAbortedError } from '../errors.ts';
import { LeaderElection } from './leader-election.ts';
import { orAborted } from './patience.ts';

const clients = RecipeClients.forFile();
const ours = (path: string, id = '') => new LeaderElection(clients.ck, path, { id });
const theirs = (path: string, id = '') => new LeaderElection(clients.other, path, { id });

describe('an election', () => {
	it('has one leader at a time, in the order in which candidates came', async () => {
		const first = await ours('/leaders/a', 'first').lead();
		expect(first.path).toMatch(/\/_c_[\da-f-]{36}-latch-0{10}$/);
		const leading = theirs('/leaders/a', 'second').lead();
		await clients.children('/leaders/a', 2);
		expect(ids(await ours('/leaders/a').candidates())).toEqual(['first', 'second']);
		expect(await ours('/leaders/a').leader()).toMatchObject({ id: 'first', token: first.token });
		await first.release();
		const second = await leading;
		expect(second.token).toBeGreaterThan(first.token);
		expect(await ours('/leaders/a').leader()).toMatchObject({ id: 'second' });
		await second.release();
		expect(await ours('/leaders/a').leader()).toBeUndefined();
	});

	it.each([
		['selector', /-lock-0{10}$/],
		['kazoo', /[\da-f]{32}__lock__0{10}$/],
	] as const)('takes part in one of the layout %s', async (layout, name) => {
		const leadership = await new LeaderElection(clients.ck, `/leaders/${layout}`, { layout, id: 'x' }).lead();
		expect(leadership.path).toMatch(name);
		expect(await new LeaderElection(clients.other, `/leaders/${layout}`, { layout }).leader()).toMatchObject({
			id: 'x',
		});
		await leadership.release();
	});

	it('is observed: who leads now, each who follows, and nobody', async () => {
		const controller = new AbortController();
		const seen = theirs('/leaders/seen').observe({ signal: controller.signal });
		const next = async () => {
			const { value } = await seen.next();
			return value === undefined ? 'nobody' : value.id;
		};
		expect(await next()).toBe('nobody');
		const one = next();
		const first = await ours('/leaders/seen', 'one').lead();
		expect(await one).toBe('one');
		const following = ours('/leaders/seen', 'two').lead();
		await clients.children('/leaders/seen', 2);
		const two = next();
		await first.release();
		expect(await two).toBe('two');
		const nobody = next();
		await (await following).release();
		expect(await nobody).toBe('nobody');
		const end = seen.next();
		controller.abort();
		expect(await end).toEqual({ value: undefined, done: true });
	});

	it('63: is observed over sessions', async () => {
		const observer = await clients.connect('relay');
		const seen = new LeaderElection(observer, '/leaders/sessions').observe();
		const first = await ours('/leaders/sessions', 'one').lead();
		expect((await seen.next()).value).toMatchObject({ id: 'one' });
		const following = theirs('/leaders/sessions', 'two').lead();
		await clients.children('/leaders/sessions', 2);
		const next = seen.next();
		await clients.relay.end(observer.session.id);
		await first.release();
		expect((await next).value).toMatchObject({ id: 'two' });
		await (await following).release();
	});
});

describe('the work of a leader', () => {
	it('is done once by its own end, and leadership is given up then', async () => {
		const election = ours('/leaders/work');
		expect(await election.run((leadership) => Promise.resolve(leadership.isHeld))).toBe(true);
		expect(await failure(election.run(() => Promise.reject(new Error('its own'))))).toMatchObject({
			message: 'its own',
		});
		expect(await election.candidates()).toEqual([]);
	});

	it('63: stops with leadership, and begins anew with the next', async () => {
		const leader = await clients.connect('relay');
		const tokens: bigint[] = [];
		const working = new LeaderElection(leader, '/leaders/anew').run(async (leadership, signal) => {
			tokens.push(leadership.token);
			if (tokens.length > 1) return 'done';
			return orAborted(new Promise<never>(() => {}), signal);
		});
		await vi.waitFor(() => expect(tokens).toHaveLength(1), soon);
		await clients.relay.end(leader.session.id);
		expect(await working).toBe('done');
		expect(tokens[1]).toBeGreaterThan(tokens[0]!);
	});

	it('never runs twice at the same time', async () => {
		let running = 0;
		let most = 0;
		const signals: string[] = [];
		const work = (name: string) => async (): Promise<string> => {
			most = Math.max(most, ++running);
			signals.push(name);
			await clients.other.sync();
			running -= 1;
			return name;
		};
		await Promise.all(['a', 'b', 'c'].map((name) => ours('/leaders/once', name).run(work(name))));
		expect(most).toBe(1);
		expect(signals.sort()).toEqual(['a', 'b', 'c']);
	});

	it("is stopped by the caller's signal, before another one may lead", async () => {
		const controller = new AbortController();
		const events: string[] = [];
		const working = failure(
			ours('/leaders/stopped').run(
				async (leadership, signal) => {
					events.push('leads');
					await failure(orAborted(new Promise<never>(() => {}), signal));
					events.push(leadership.isHeld ? 'stops while it leads' : 'stops too late');
				},
				{ signal: controller.signal },
			),
		);
		await vi.waitFor(() => expect(events).toEqual(['leads']), soon);
		controller.abort('enough');
		expect(await working).toBeInstanceOf(OperationAbortedError);
		expect(await working).toMatchObject({ cause: 'enough' });
		expect(events).toEqual(['leads', 'stops while it leads']);
		await clients.children('/leaders/stopped', 0);
		expect(await failure(ours('/leaders/stopped').run(() => Promise.resolve(), controller))).toBeInstanceOf(
			OperationAbortedError,
		);
	});
});
