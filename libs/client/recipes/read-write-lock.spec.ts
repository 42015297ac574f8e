import { describe, expect, it, vi } from 'vitest';
import { failure, ids, RecipeClients, soon } from '#test/support/recipe-clients';
import { NoNodeError } from '../errors.ts';
import { ReadWriteLock } from './read-write-lock.ts';

const clients = RecipeClients.forFile();
const ours = (path: string, id = '') => new ReadWriteLock(clients.ck, path, { id });
const theirs = (path: string, id = '') => new ReadWriteLock(clients.other, path, { id });

describe('a read-write lock', () => {
	it('readers have it together, a writer alone', async () => {
		const [one, two] = [await ours('/rw/a', 'one').read.acquire(), await theirs('/rw/a', 'two').read.acquire()];
		expect(ids(await ours('/rw/a').holders())).toEqual(['one', 'two']);
		expect(await ours('/rw/a').write.tryAcquire()).toBeUndefined();
		await one.release();
		await two.release();
		const writer = await ours('/rw/a', 'writer').write.acquire();
		expect(writer.token).toBeGreaterThan(two.token);
		expect(await theirs('/rw/a').read.tryAcquire()).toBeUndefined();
		expect(await theirs('/rw/a').write.tryAcquire()).toBeUndefined();
		expect(await ours('/rw/a').holders()).toMatchObject([{ id: 'writer', kind: 'write', token: writer.token }]);
		await writer.release();
		expect(await ours('/rw/a').holders()).toEqual([]);
	});

	it('a reader behind a waiting writer waits for it; a writer that goes lets in all readers behind it', async () => {
		const first = await ours('/rw/b').read.acquire();
		const order: string[] = [];
		const writing = theirs('/rw/b', 'writer')
			.write.acquire()
			.then((held) => {
				order.push('writer');
				return held;
			});
		await clients.children('/rw/b', 2);
		const reading = ['r1', 'r2'].map(async (id) => {
			const held = await ours('/rw/b', id).read.acquire();
			order.push(id);
			return held;
		});
		await clients.children('/rw/b', 4);
		expect(ids(await ours('/rw/b').contenders())).toEqual(['', 'writer', 'r1', 'r2']);
		expect(ids(await ours('/rw/b').holders())).toEqual(['']);
		await first.release();
		const writer = await writing;
		expect(order).toEqual(['writer']);
		await writer.release();
		const readers = await Promise.all(reading);
		expect(ids(await ours('/rw/b').holders())).toEqual(['r1', 'r2']);
		for (const reader of readers) await reader.release();
	});

	it('a reader that goes does not wake the readers behind it', async () => {
		const one = await ours('/rw/c').read.acquire();
		const two = await ours('/rw/c').read.acquire();
		const writing = ours('/rw/c').write.acquire();
		await clients.children('/rw/c', 3);
		// The writer watches the reader right in front of it.
		const { events } = await clients.relay.during(() => one.release());
		expect(events).toBe(0);
		await two.release();
		await (await writing).release();
	});

	it('a writer becomes a reader, and no writer gets in between', async () => {
		const writer = await ours('/rw/d', 'first').write.acquire();
		const writing = theirs('/rw/d', 'second').write.acquire();
		await clients.children('/rw/d', 2);
		const behind = theirs('/rw/d', 'reader').read.acquire();
		await clients.children('/rw/d', 3);
		const reader = await writer.downgrade();
		expect(writer.isHeld).toBe(false);
		await writer.release();
		expect(reader.token).toBe(writer.token);
		expect(await ours('/rw/d').contenders()).toMatchObject([
			{ id: 'first', kind: 'read' },
			{ id: 'second', kind: 'write' },
			{ id: 'reader', kind: 'read' },
		]);
		await reader.release();
		const next = await writing;
		// Whoever refuses tokens that are smaller than one that it has seen does not refuse the next writer.
		expect(next.token).toBeGreaterThan(reader.token);
		await next.release();
		await (await behind).release();
	});

	it('a writer that becomes a reader lets in the readers right behind it', async () => {
		const writer = await ours('/rw/e').write.acquire();
		const reading = theirs('/rw/e').read.acquire();
		await clients.children('/rw/e', 2);
		const reader = await writer.downgrade();
		await (await reading).release();
		await reader.release();
	});

	it('63: a writer becomes a reader where nobody can say whether it did', async () => {
		const relayed = await clients.connect('relay');
		const writer = await new ReadWriteLock(relayed, '/rw/unknown').write.acquire();
		clients.relay.forgetAnswer('multi');
		const reader = await writer.downgrade();
		expect(await clients.names('/rw/unknown')).toEqual([reader.path.slice('/rw/unknown/'.length)]);
		await reader.release();
		expect(await clients.names('/rw/unknown')).toEqual([]);
	});

	it('who holds it no longer becomes nothing', async () => {
		const writer = await ours('/rw/f').write.acquire();
		await clients.other.delete(writer.path);
		expect(await failure(writer.downgrade())).toBeInstanceOf(NoNodeError);
		expect(await clients.names('/rw/f')).toEqual([]);
	});

	it.each(['curator', 'kazoo'] as const)("%s's names stand in the same line", async (layout) => {
		const path = `/rw/${layout}`;
		const named = new ReadWriteLock(clients.other, path, { layout });
		const writer = await named.write.acquire();
		expect(writer.path).toMatch(layout === 'kazoo' ? /[\da-f]{32}__lock__0{10}$/ : /_c_[\da-f-]{36}-__WRIT__0{10}$/);
		expect(await ours(path).read.tryAcquire()).toBeUndefined();
		const reader = await writer.downgrade();
		expect(reader.path).toMatch(layout === 'kazoo' ? /[\da-f]{32}__rlock__0{10}$/ : /_c_[\da-f-]{36}-__READ__0{10}$/);
		expect(await ours(path).write.tryAcquire()).toBeUndefined();
		const together = await ours(path).read.acquire();
		await together.release();
		await reader.release();
	});

	it('63: a writer whose session is lost makes room for readers', async () => {
		const client = await clients.connect('relay');
		const writer = await new ReadWriteLock(client, '/rw/lost').write.acquire();
		const reading = theirs('/rw/lost').read.acquire();
		await clients.children('/rw/lost', 2);
		await clients.relay.end(client.session.id);
		await (await reading).release();
		await vi.waitFor(() => expect(writer.isHeld).toBe(false), soon);
	});
});
