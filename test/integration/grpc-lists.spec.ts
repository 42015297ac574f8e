/** Lists of children of any length over gRPC: in pages, and as a stream with Stat and data. LONG_SPECS=1: a million children. */
import { once } from 'node:events';
import { credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { ChronokeeperClient } from '#client/client';
import {
	Consistency,
	CreateRequest,
	ExistsRequest,
	GetRequest,
	ListChildrenRequest,
	type ListChildrenResponse,
	MultiReadRequest,
	StreamChildrenRequest,
	type StreamChildrenResponse,
	ZnodeServiceClient,
} from '#proto/chronokeeper/v1/znode';
import { BadRequest } from '#proto/google/rpc/error_details';
import { Status } from '#proto/google/rpc/status';
import { TestServers } from '#test/support/test-servers';

const isLong = process.env.LONG_SPECS === '1';
const servers = new TestServers();
afterEach(() => servers.close());
afterAll(() => servers.remove());

async function start() {
	const server = await servers.start(servers.newDirectory(), { 'jute.maxbuffer': 4 << 20 });
	const { grpc } = server.addresses;
	const options = { 'grpc.max_receive_message_length': -1 };
	const raw = servers.keep(new ZnodeServiceClient(grpc, credentials.createInsecure(), options));
	return { server, raw, client: servers.connect(grpc, { timeoutMs: 60_000 }) };
}

/** Children `n0000000` and so on, each with its number. */
async function fill(client: ChronokeeperClient, count: number): Promise<void> {
	await client.create('/list', null);
	const perMulti = 10_000;
	for (let from = 0; from < count; from += perMulti) {
		await client.multi(
			Array.from({ length: Math.min(perMulti, count - from) }, (_, i) => {
				const value = CreateRequest.create({ path: `/list/${nameOf(from + i)}`, data: Buffer.from(`${from + i}`) });
				return { op: { $case: 'create', value } } as const;
			}),
		);
	}
}

function nameOf(i: number): string {
	return `n${String(i).padStart(7, '0')}`;
}

function page(raw: ZnodeServiceClient, request: Partial<ListChildrenRequest>): Promise<ListChildrenResponse> {
	return new Promise((resolve, reject) => {
		raw.listChildren(ListChildrenRequest.create(request), (error, response) => {
			if (error === null) resolve(response);
			else reject(error);
		});
	});
}

async function streamed(
	raw: ZnodeServiceClient,
	request: Partial<StreamChildrenRequest>,
	metadata = new Metadata(),
): Promise<StreamChildrenResponse[]> {
	const messages: StreamChildrenResponse[] = [];
	for await (const message of raw.streamChildren(StreamChildrenRequest.create(request), metadata))
		messages.push(message);
	return messages;
}

/** The fields of a BadRequest. */
function wrongFields({ metadata }: ServiceError): string[] {
	const { details } = Status.decode(metadata.get('grpc-status-details-bin')[0] as Buffer);
	const found = details.filter(({ typeUrl }) => typeUrl.endsWith('BadRequest'));
	return found.flatMap(({ value }) => BadRequest.decode(value).fieldViolations.map(({ field }) => field));
}

describe('a list in pages', () => {
	it('has each child once, also within a multi-read, and refuses a token of another list', async () => {
		const { raw, client } = await start();
		await fill(client, 25);
		await client.create('/list/other', null);
		const request = { path: '/list', prefix: 'n', pageSize: 10 };
		const names: string[] = [];
		let pageToken = '';
		do {
			const { children, nextPageToken, stat } = await page(raw, { ...request, pageToken });
			expect(stat?.numChildren).toBe(26);
			names.push(...children);
			pageToken = nextPageToken;
		} while (pageToken !== '');
		expect(names).toEqual(Array.from({ length: 25 }, (_, i) => nameOf(i)));
		expect((await page(raw, { path: '/list', prefix: 'o' })).children).toEqual(['other']);
		expect((await page(raw, { path: '/list' })).children).toHaveLength(26);
		const first = await page(raw, request);
		const { results } = await client.multiRead([
			{
				op: {
					$case: 'listChildren',
					value: ListChildrenRequest.create({ ...request, pageToken: first.nextPageToken }),
				},
			},
		]);
		expect(results[0]?.result).toMatchObject({ $case: 'listChildren', value: { children: names.slice(10, 20) } });
		for (const wrong of [{ path: '/' }, { prefix: '' }, { pageToken: 'x' }, { pageToken: '\0' }]) {
			const error: ServiceError = await page(raw, { ...request, pageToken: first.nextPageToken, ...wrong }).then(
				() => expect.unreachable(),
				(refusal) => refusal,
			);
			expect([error.code, wrongFields(error)]).toEqual([status.INVALID_ARGUMENT, ['page_token']]);
		}
	});

	it('and the other unary reads set no watches: there is no way for the events', async () => {
		const { server, raw } = await start();
		const watch = { path: '/', watch: true };
		const error = (call: (answer: (failure: ServiceError | null) => void) => unknown) =>
			new Promise<ServiceError>((resolve) => call((failure) => resolve(failure!)));
		const list = ListChildrenRequest.create(watch);
		const refused = [
			await error((answer) => raw.get(GetRequest.create(watch), answer)),
			await error((answer) => raw.exists(ExistsRequest.create(watch), answer)),
			await error((answer) => raw.listChildren(list, answer)),
			await error((answer) =>
				raw.multiRead(MultiReadRequest.create({ ops: [{ op: { $case: 'listChildren', value: list } }] }), answer),
			),
		];
		expect(refused.map(({ code }) => code)).toEqual(refused.map(() => status.INVALID_ARGUMENT));
		expect(refused.map(wrongFields)).toEqual([['watch'], ['watch'], ['watch'], ['ops[0].list_children.watch']]);
		expect(server.replica.host.watches.summary().watches).toBe(0);
	});
});

describe('a list as a stream', () => {
	it('has the children with Stat, and with data if that is asked for and may be read', async () => {
		const { raw, client } = await start();
		await client.create('/list', Buffer.from('parent'));
		await client.create('/list/null', null);
		await client.create('/list/full', Buffer.from('full'));
		await client.create('/list/hers', Buffer.from('secret'), {
			acl: [{ perms: 31, id: { scheme: 'ip', id: '203.0.113.7' } }],
		});
		const [all, ...more] = await streamed(raw, {
			path: '/list',
			withData: true,
			consistency: Consistency.CONSISTENCY_LINEARIZABLE,
		});
		expect(more).toEqual([]);
		expect(all).toMatchObject({ zxid: 4n, stat: { numChildren: 3, dataLength: 6 } });
		expect(
			all!.children.map(({ name, data, stat, withheld }) => [name, data?.toString(), stat?.dataLength, withheld]),
		).toEqual([
			['null', undefined, 0, false],
			['full', 'full', 4, false],
			['hers', undefined, 6, true],
		]);
		const [without] = await streamed(raw, { path: '/list', prefix: 'f' });
		expect(without!.children).toMatchObject([{ name: 'full', data: undefined, withheld: false, stat: { czxid: 3n } }]);
		expect(await streamed(raw, { path: '/list/null' })).toMatchObject([{ children: [], stat: { numChildren: 0 } }]);
		await expect(streamed(raw, { path: '/none' })).rejects.toMatchObject({ code: status.NOT_FOUND });
		await expect(streamed(raw, { path: '/list/hers' })).rejects.toMatchObject({ code: status.PERMISSION_DENIED });
	});

	it('is of messages of bounded size, of which only a few wait for a client that is slow; what goes meanwhile is left out', async () => {
		const { server, raw, client } = await start();
		await client.create('/list', null);
		for (let i = 0; i < 40; i++) await client.create(`/list/${nameOf(i)}`, Buffer.alloc(400_000, 'x'));
		const call = raw.streamChildren(StreamChildrenRequest.create({ path: '/list', withData: true }));
		const [first] = (await once(call, 'data')) as [StreamChildrenResponse];
		call.pause();
		await client.delete(`/list/${nameOf(39)}`);
		const names = first.children.map(({ name }) => name);
		call.on('data', ({ children }: StreamChildrenResponse) => {
			expect(children).toHaveLength(1);
			names.push(...children.map(({ name }) => name));
		});
		call.resume();
		await once(call, 'end');
		expect(names).toEqual(Array.from({ length: 39 }, (_, i) => nameOf(i)));
		expect(server.replica.host.outstanding).toBe(0);
	});

	it('harms nobody: others are answered while it goes on, and it ends with its client', {
		timeout: 300_000,
	}, async () => {
		const { raw, client } = await start();
		const count = isLong ? 1_000_000 : 100_000;
		await fill(client, count);
		let longestMs = 0;
		let isOver = false;
		const others = (async () => {
			while (!isOver) {
				// Of this process alone, which is server and clients: others may need the processors.
				const before = process.cpuUsage();
				await client.get('/list');
				const { user, system } = process.cpuUsage(before);
				longestMs = Math.max(longestMs, (user + system) / 1000);
			}
		})();
		const startMs = performance.now();
		let children = 0;
		let largest = 0;
		for await (const message of raw.streamChildren(StreamChildrenRequest.create({ path: '/list', withData: true }))) {
			for (const { name, data } of (message as StreamChildrenResponse).children) {
				if (name !== nameOf(children) || data?.toString() !== `${children}`) expect.unreachable(`${name} ${children}`);
				children += 1;
			}
			largest = Math.max(largest, (message as StreamChildrenResponse).children.length);
		}
		isOver = true;
		await others;
		const seconds = (performance.now() - startMs) / 1000;
		console.info(
			`${count} children in ${seconds.toFixed(1)} s, a get beside them took at most ${Math.round(longestMs)} ms of the processor`,
		);
		expect([children, largest]).toEqual([count, 1000]);
		expect(longestMs).toBeLessThan(isLong ? 3000 : 1000);
		const gone = raw.streamChildren(StreamChildrenRequest.create({ path: '/list' }));
		gone.on('error', () => undefined);
		await once(gone, 'data');
		gone.cancel();
		await client.get('/list');
	});
});
