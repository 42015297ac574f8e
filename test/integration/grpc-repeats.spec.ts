/** Operations of a session that were sent before and never answered, and are sent again on its next stream. */
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errors } from '#jute/errors';
import type { Operation, Reply } from '#proto/chronokeeper/v1/session';
import { CreateMode } from '#proto/chronokeeper/v1/znode';
import { inside } from '#test/support/grpc-session';
import { OperateClient, operation } from '#test/support/operate-client';
import { type StreamServer, shown, startStreamServer } from '#test/support/stream-server';
import { TestServers } from '#test/support/test-servers';

const servers = new TestServers();
let caller: StreamServer['caller'];
let host: StreamServer['server']['replica']['host'];
let directory: StreamServer['server']['replica']['directory'];
beforeAll(async () => {
	const started = await startStreamServer(servers);
	({ caller } = started);
	({ host, directory } = started.server.replica);
});
afterAll(async () => {
	await servers.close();
	servers.remove();
});

const text = (of: string) => new TextEncoder().encode(of);
const { CREATE_MODE_PERSISTENT_SEQUENTIAL: sequential, CREATE_MODE_EPHEMERAL_SEQUENTIAL: ephemeralSequential } =
	CreateMode;

async function open(): Promise<OperateClient> {
	return servers.keep(await OperateClient.open(caller, 20_000, undefined, true));
}

/** What its owner has seen when nothing was answered yet. */
function openedAt(client: OperateClient): bigint {
	const [first] = client.items;
	if (first?.$case !== 'opened') throw new Error('a stream that did not open a session');
	return first.value.zxid;
}

async function attach(client: OperateClient): Promise<OperateClient> {
	return servers.keep(await OperateClient.attach(caller, client.session!, { repeatable: true }));
}

async function answers(client: OperateClient, operations: readonly Operation[]): Promise<Reply[]> {
	const from = client.replies.length;
	client.send(operations);
	await client.until(() => client.replies.length === from + operations.length);
	return client.replies.slice(from);
}

function again(operations: readonly Operation[], sentAtZxid: bigint): Operation[] {
	return operations.map((one) => ({ ...one, sentAtZxid }));
}

function failure({ result }: Reply): { code: number; reason: string; advice: string } | undefined {
	return result?.$case === 'error' ? result.value : undefined;
}

describe('an operation that is sent again', () => {
	it('10, 42: is answered with its first result when it was done, whatever it was, also when it failed', async () => {
		const client = await open();
		const writes = [
			operation(1, 'create', { path: '/a', data: text('one') }),
			operation(2, 'create', { path: '/a/n-', data: text('two'), mode: sequential }),
			operation(3, 'create', { path: '/a/e-', mode: ephemeralSequential }),
			operation(4, 'create', { path: '/a' }),
			operation(5, 'create', { path: '/c', mode: CreateMode.CREATE_MODE_CONTAINER }),
			operation(6, 'set', { path: '/c', data: text('three') }),
			operation(7, 'set', { path: '/c', version: 7 }),
			operation(8, 'setAcl', { path: '/c', acl: [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }] }),
			operation(9, 'multi', {
				ops: [
					{ op: { $case: 'create', value: { path: '/m', mode: sequential, data: text('four') } } },
					{ op: { $case: 'set', value: { path: '/c', data: text('five') } } },
					{ op: { $case: 'check', value: { path: '/c', version: 2 } } },
					{ op: { $case: 'create', value: { path: '/gone' } } },
					{ op: { $case: 'delete', value: { path: '/gone' } } },
				],
			}),
			operation(10, 'multi', {
				ops: [
					{ op: { $case: 'set', value: { path: '/c' } } },
					{ op: { $case: 'delete', value: { path: '/nothing' } } },
					{ op: { $case: 'create', value: { path: '/never' } } },
				],
			}),
			operation(11, 'create', { path: '/d' }),
			operation(12, 'delete', { path: '/d' }),
			operation(13, 'delete', { path: '/d' }),
		];
		const first = await answers(client, writes);
		expect(first.map(({ result }) => result?.$case)).toEqual(
			['create', 'create', 'create', 'error', 'create', 'set', 'error', 'setAcl', 'multi', 'error', 'create'].concat([
				'delete',
				'error',
			]),
		);
		const zxid = host.lastProcessedZxid;
		const next = await attach(client);
		const second = await answers(next, again(writes, openedAt(client)));
		// Nothing was done: no transaction.
		expect(host.lastProcessedZxid).toBe(zxid);
		// But for what changed since and stands in no transaction: of /c the operations 8 and 9 have changed something.
		const setOf = (replies: readonly Reply[]) => replies[5]!.result;
		expect(setOf(first)).toMatchObject({ value: { stat: { version: 1, dataLength: 5 } } });
		expect(setOf(second)).toMatchObject({ value: { stat: { version: 1, dataLength: 5, aversion: 1 } } });
		const stripped = (replies: readonly Reply[]) =>
			replies.map(({ id, result }) => (id === 6 || id === 8 ? { id } : { id, result }));
		expect(stripped(second)).toEqual(stripped(first));
		const stats = (replies: readonly Reply[], at: number) => {
			const result = replies[at]!.result;
			if (result?.$case !== 'set' && result?.$case !== 'setAcl') throw new Error('another result');
			const { czxid, mzxid, ctimeMs, mtimeMs, version } = result.value.stat!;
			return {
				czxid,
				ctimeMs,
				zxid: result.value.zxid,
				...(result.$case === 'set' ? { mzxid, mtimeMs, version } : {}),
			};
		};
		expect(stats(second, 5)).toEqual(stats(first, 5));
		expect(stats(second, 7)).toEqual(stats(first, 7));
		expect(second[7]!.result).toMatchObject({ value: { stat: { aversion: 1 } } });
	});

	it('10: is done now when it was not, in its place among the others', async () => {
		const client = await open();
		await answers(client, [
			operation(1, 'create', { path: '/b' }),
			operation(2, 'create', { path: '/b/n-', mode: sequential }),
		]);
		const next = await attach(client);
		const sentAt = openedAt(client);
		next.send([
			operation(1, 'create', { path: '/b' }, '', sentAt),
			operation(7, 'listChildren', { path: '/b', watch: true }, '', sentAt),
			operation(2, 'create', { path: '/b/n-', mode: sequential }, '', sentAt),
			operation(3, 'create', { path: '/b/n-', mode: sequential }, '', sentAt),
			operation(4, 'set', { path: '/b', data: text('x') }, '', sentAt),
			operation(5, 'set', { path: '/b', data: text('y') }),
			operation(6, 'get', { path: '/b' }),
		]);
		await next.until(() => next.replies.length === 7);
		expect(shown(next)).toEqual([
			'attached',
			'1 create',
			'7 listChildren',
			'2 create',
			'event 4 /b',
			'3 create',
			'4 set',
			'5 set',
			'6 get',
		]);
		expect(host.tree.children('/b')).toEqual(['n-0000000000', 'n-0000000001']);
		expect(next.reply(6)!.result).toMatchObject({ value: { stat: { version: 2 } } });
		// And those that were done now are found from then on.
		const last = await attach(next);
		const [repeated] = await answers(last, [operation(3, 'create', { path: '/b/n-', mode: sequential }, '', sentAt)]);
		expect(repeated!.result).toEqual(next.reply(3)!.result);
	});

	it('is found behind whatever the server was asked meanwhile, and is not confused with what other sessions and unary calls do', async () => {
		const client = await open();
		const other = await open();
		await caller.call(caller.znodes, 'create', { path: '/w' });
		await answers(client, [operation(1, 'create', { path: '/w/n-', mode: sequential })]);
		await answers(
			other,
			[1, 2, 3].map((id) => operation(id, 'create', { path: '/w/n-', mode: sequential })),
		);
		await caller.call(caller.znodes, 'create', { path: '/w/n-', mode: sequential }, inside(client.session!));
		const next = await attach(client);
		const replies = await answers(
			next,
			again(
				[1, 2].map((id) => operation(id, 'create', { path: '/w/n-', mode: sequential })),
				openedAt(client),
			),
		);
		expect(replies.map(({ result }) => result?.$case === 'create' && result.value.path)).toEqual([
			'/w/n-0000000000',
			'/w/n-0000000005',
		]);
		expect(host.tree.children('/w')).toHaveLength(6);
	});

	it('needs a stream that says so, and an id that is its own', async () => {
		const client = await open();
		const [, zero, high] = await answers(client, [
			operation(1, 'create', { path: '/s' }),
			operation(0, 'create', { path: '/t' }),
			operation(2 ** 30, 'create', { path: '/t' }),
		]);
		for (const reply of [zero!, high!]) {
			expect(failure(reply)).toMatchObject({
				code: errors.badArguments.code,
				advice: expect.stringContaining('they are 1 to 1073741823'),
			});
		}
		const next = await attach(client);
		const replies = await answers(
			next,
			again(
				[
					operation(1, 'set', { path: '/s' }),
					operation(1, 'create', { path: '/t' }),
					operation(1, 'create', { path: '/s', mode: sequential }),
					operation(1, 'multi', { ops: [{ op: { $case: 'create', value: { path: '/s' } } }] }),
				],
				openedAt(client),
			),
		);
		for (const reply of replies) {
			expect(failure(reply)).toMatchObject({
				code: errors.badArguments.code,
				advice: '1 is the id of another operation of the session',
			});
		}
		const plain = servers.keep(await OperateClient.attach(caller, client.session!));
		const [refused] = await answers(plain, [operation(1, 'create', { path: '/s' }, '', 0n)]);
		expect(failure(refused!)).toMatchObject({
			code: errors.badArguments.code,
			advice: expect.stringContaining('repeatable'),
		});
		expect(host.tree.has('/t')).toBe(false);
	});

	it('is found when it was under way on the stream before, at the moment when the session was attached', async () => {
		let client = await open();
		const sentAt = openedAt(client);
		await answers(client, [operation(1, 'create', { path: '/q' })]);
		let id = 1;
		for (let round = 0; round < 20; round++) {
			const writes = Array.from({ length: 40 }, () => operation(++id, 'create', { path: '/q/n-', mode: sequential }));
			client.send(writes);
			const next = await attach(client);
			const replies = await answers(next, again(writes, sentAt));
			expect(replies.every(({ result }) => result?.$case === 'create')).toBe(true);
			expect(host.tree.children('/q')).toHaveLength(id - 1);
			client = next;
		}
	});

	// The last one: the server's log is gone then.
	it('is not done when nobody knows whether it was, and what comes behind it is', async () => {
		const client = await open();
		await answers(client, [operation(1, 'create', { path: '/u' })]);
		for (const { path } of directory.logs()) rmSync(path);
		const next = await attach(client);
		const [unknown, done] = await answers(next, [
			operation(2, 'create', { path: '/v' }, '', openedAt(client)),
			operation(3, 'create', { path: '/x' }),
		]);
		expect(failure(unknown!)).toMatchObject({
			code: errors.connectionLoss.code,
			reason: 'OUTCOME_UNKNOWN',
			path: '/v',
		});
		expect(done!.result?.$case).toBe('create');
		expect(host.tree.has('/v')).toBe(false);
	});
});
