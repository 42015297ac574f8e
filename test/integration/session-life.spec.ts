/** What the history says of sessions and of what the system does by itself, on a server with its mirror: how a session ended, where it was seen, and who asked. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { formatSessionId } from '#core/model/zxid';
import { openAcl } from '#jute/acl';
import { CreateMode } from '#proto/chronokeeper/v1/znode';
import { createDatabase, type TestDatabase } from '#test/support/postgres';
import { freePort } from '#test/support/processes';
import { TestServers } from '#test/support/test-servers';
import { WireClient } from '#test/support/wire-client';

const servers = new TestServers();
let database: TestDatabase;
beforeAll(async () => {
	database = await createDatabase();
});
afterAll(async () => {
	await servers.close();
	servers.remove();
	await database?.drop();
});

interface Life {
	readonly event: string;
	readonly address: string | null;
	readonly door: string | null;
	readonly details: string;
	readonly principal: string | null;
}

const lifeOf = (session: string) =>
	database.query<Life>('select event, address, door, details, principal from chronokeeper.session_life($1)', [session]);
const create = (path: string, flags: number) => ({ kind: 'create', path, data: null, acl: openAcl, flags }) as const;
const ephemeral = 1;

it('59, 33: tells a session that expired from one that its client closed, where it was seen, and why containers and TTL nodes went', async () => {
	const port = await freePort();
	const server = await servers.start(servers.newDirectory(), {
		'audit.mode': 'async',
		'audit.url': database.url,
		clientPort: port,
		tickTime: 100,
		maxSessionTimeout: 60_000,
		extendedTypesEnabled: true,
		'znode.container.checkIntervalMs': 100,
	});
	const address = expect.stringMatching(/^127\.0\.0\.1:\d+$/);

	const first = await WireClient.connect(port, { timeoutMs: 20_000 });
	await first.send(create('/own', ephemeral));
	const session = formatSessionId(first.session.id);
	await first.close();
	const second = await WireClient.reattach(port, first.session);
	await second.send(create('/also', ephemeral));
	await second.send({ kind: 'closeSession' });

	const silent = await WireClient.connect(port, { timeoutMs: 1500 });
	await silent.send(create('/silent', ephemeral));

	const client = servers.connect(server.addresses.grpc, { auth: 'ann:secret' });
	const stream = await client.openSession({ timeoutMs: 20_000 });
	await stream.create('/streamed', null);
	await client.create('/called', null);

	await client.create('/ttl', null, { mode: CreateMode.CREATE_MODE_TTL, ttlMs: 50 });
	await client.create('/box', null, { mode: CreateMode.CREATE_MODE_CONTAINER });
	await client.create('/box/child', null);
	await client.delete('/box/child');
	await stream.close();

	const ended = async () => {
		const [row] = await database.query<{ types: string }>(
			"select string_agg(type, ',' order by type) as types from chronokeeper.txn where type in ('closeSession', 'deleteContainer')",
		);
		return row!.types;
	};
	await expect.poll(ended).toBe('closeSession,closeSession,closeSession,deleteContainer,deleteContainer');

	expect(await lifeOf(session)).toMatchObject([
		{ event: 'opened', address, door: 'zookeeper', details: 'timeout 20000 ms' },
		{
			event: 're-attached',
			address,
			door: 'zookeeper',
			details: expect.stringMatching(/before it was 127\.0\.0\.1:\d+ at zookeeper/),
		},
		{
			event: 'closed',
			address,
			door: 'zookeeper',
			details: 'its client closed the session; with it went 2 ephemeral nodes: /also, /own',
		},
	]);
	expect(await lifeOf(formatSessionId(silent.session.id))).toMatchObject([
		{ event: 'opened', address },
		{
			event: 'expired',
			address: null,
			door: 'system',
			details:
				'the session expired: its client was not heard of for its timeout of 1500 ms; with it went 1 ephemeral nodes: /silent',
		},
	]);
	expect(await lifeOf(stream.id.toString())).toMatchObject([
		{ event: 'opened', door: 'grpc', principal: expect.stringMatching(/^digest:ann:/) },
		{ event: 'closed', door: 'grpc', details: 'its client closed the session; it had no ephemeral nodes' },
	]);

	const reasons = await database.query<{ path: string; reason: string; door: string }>(
		"select path, door, chronokeeper.txn_reason(zxid) as reason from chronokeeper.txn where type = 'deleteContainer' order by path",
	);
	expect(reasons).toEqual([
		{ path: '/box', door: 'system', reason: 'a container whose last child was gone, or that never had one' },
		{ path: '/ttl', door: 'system', reason: 'a TTL node without children was not changed for its 50 ms' },
	]);
	const requests = await database.query<{ path: string; request_id: string; reason: string | null }>(
		"select path, request_id, chronokeeper.txn_reason(zxid) as reason from chronokeeper.txn where path in ('/streamed', '/called') order by path",
	);
	expect(requests).toEqual([
		{ path: '/called', request_id: expect.stringMatching(/^[0-9a-f]{8}-\d+$/), reason: null },
		{ path: '/streamed', request_id: expect.stringMatching(/^[0-9a-f]{8}-\d+$/), reason: null },
	]);
	expect(requests[0]!.request_id.slice(0, 8)).not.toBe(requests[1]!.request_id.slice(0, 8));
});
