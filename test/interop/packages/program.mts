/** A user's program in ES modules: what is typed here is checked against the declarations of the tarball. */
import { ok } from 'node:assert';
import { deepEqual, equal, rejects } from 'node:assert/strict';
import {
	type CacheEvent,
	type Chronokeeper,
	ClientError,
	connect,
	NodeExistsError,
	NoNodeError,
	type StateChange,
} from '@chronokeeper/client';
import { DistributedLock } from '@chronokeeper/client/recipes';

const text = (data: Uint8Array | null): string => (data === null ? '' : new TextDecoder().decode(data));

async function main(ck: Chronokeeper): Promise<void> {
	const states: StateChange[] = [];
	ck.on((change) => states.push(change));
	const { path, stat, zxid } = await ck.create('/config', 'one');
	equal(path, '/config');
	const czxid: bigint = stat.czxid;
	equal(czxid, zxid);
	await rejects(ck.create('/config', 'again'), NodeExistsError);
	await rejects(ck.get('/nothing'), (error) => {
		ok(error instanceof NoNodeError && error instanceof ClientError);
		deepEqual([error.code, error.codeName, error.path], [-101, 'NoNode', '/nothing']);
		return true;
	});
	await using cache = ck.cache('/config', { kind: 'tree' });
	await cache.ready;
	const events: CacheEvent[] = [];
	cache.on((event) => events.push(event));
	await ck.transaction().check('/config', 0).set('/config', 'two').create('/config/a', null).commit();
	equal(text(cache.get('/config')?.data ?? null), 'two');
	deepEqual(
		events.map((event) => [event.type, event.path, event.old?.stat.version, event.node?.stat.version]),
		[
			['changed', '/config', 0, 1],
			['created', '/config/a', undefined, 0],
		],
	);
	const lock = new DistributedLock(ck, '/locks/a');
	{
		await using held = await lock.acquire({ timeoutMs: 10_000 });
		ok(held.token > zxid);
		ok(!held.signal.aborted);
	}
	equal((await lock.holders()).length, 0);
	await ck.create('/here', null, { mode: 'ephemeral' });
	equal(ck.state, 'connected');
	equal(states.length, 0);
}

await using ck = await connect({ endpoints: process.argv[2]!, sessionTimeoutMs: 5000 });
await main(ck);
console.log('all is well');
