import { describe, expect, it } from 'vitest';
import { failure, RecipeClients } from '#test/support/recipe-clients';
import { OperationAbortedError } from '../errors.ts';
import { Barrier } from './barrier.ts';
import { WaitTimeoutError } from './patience.ts';

const clients = RecipeClients.forFile();
const ours = (path: string) => new Barrier(clients.ck, path);
const theirs = (path: string) => new Barrier(clients.other, path);

describe('a barrier', () => {
	it('lets through when it is not set', async () => {
		await ours('/barriers/none').wait();
		expect(await ours('/barriers/none').isSet()).toBe(false);
		await ours('/barriers/none').remove();
	});

	it('holds back while it is set, and lets all through when it is removed', async () => {
		const path = '/barriers/deep/set';
		expect(await ours(path).set()).toBe(true);
		expect(await theirs(path).set()).toBe(false);
		expect(await failure(theirs(path).wait({ timeoutMs: 20 }))).toBeInstanceOf(WaitTimeoutError);
		expect(await failure(theirs(path).wait({ signal: AbortSignal.abort() }))).toBeInstanceOf(OperationAbortedError);
		let through = 0;
		const waiting = [ours(path), ours(path), theirs(path)].map(async (barrier) => {
			await barrier.wait();
			through += 1;
		});
		await clients.other.sync();
		expect(through).toBe(0);
		await theirs(path).remove();
		await Promise.all(waiting);
		expect(await ours(path).isSet()).toBe(false);
	});

	it('63: an ephemeral one goes with the session that set it, others stay', async () => {
		const client = await clients.connect();
		await new Barrier(client, '/barriers/stays').set();
		await new Barrier(client, '/barriers/goes').set({ ephemeral: true });
		const waiting = ours('/barriers/goes').wait();
		await client.close();
		await waiting;
		expect(await ours('/barriers/stays').isSet()).toBe(true);
	});

	it('63: who waits goes on in its next session when it loses one', async () => {
		const client = await clients.connect('relay');
		await ours('/barriers/lost').set();
		const waiting = new Barrier(client, '/barriers/lost').wait();
		await client.sync();
		await clients.relay.end(client.session.id);
		await ours('/barriers/lost').remove();
		await waiting;
	});
});
