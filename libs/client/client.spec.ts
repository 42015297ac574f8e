import { Metadata, Server, ServerCredentials, type ServerWritableStream, status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ErrorDetail, type Stat } from '#proto/chronokeeper/v1/common';
import { type HistoryRequest, HistoryResponse, HistoryServiceService } from '#proto/chronokeeper/v1/history';
import { type CreateRequest, ZnodeServiceService } from '#proto/chronokeeper/v1/znode';
import { Status } from '#proto/google/rpc/status';
import { ChronokeeperClient, CreateMode } from './client.ts';
import { ClientError } from './client-error.ts';

/** A gRPC server that answers as the API says; the client over it is the real one, on a real connection. */
const stat: Stat = {
	czxid: 0x5_0000_0012n,
	mzxid: 2n ** 63n,
	pzxid: 3n,
	ctimeMs: 4n,
	mtimeMs: 5n,
	version: 6,
	cversion: 7,
	aversion: 8,
	ephemeralOwner: 2n ** 64n - 1n,
	dataLength: 9,
	numChildren: 10,
};
const created: CreateRequest[] = [];
const authorizations: unknown[] = [];
const streams = { cancelled: 0, waiting: [] as (() => void)[] };
let server: Server;
let client: ChronokeeperClient;
let address: string;

function noNode(path: string): { code: number; details: string; metadata: Metadata } {
	const detail: ErrorDetail = { code: -101, name: 'NoNode', path, zxid: 77n, opCodes: [], advice: '', reason: '' };
	const message = `${path}: the node does not exist`;
	const rich: Status = {
		code: status.NOT_FOUND,
		message,
		details: [
			{
				typeUrl: 'type.googleapis.com/chronokeeper.v1.ErrorDetail',
				value: ErrorDetail.encode(detail).finish(),
			},
		],
	};
	const metadata = new Metadata();
	metadata.set('grpc-status-details-bin', Buffer.from(Status.encode(rich).finish()));
	return { code: status.NOT_FOUND, details: message, metadata };
}

beforeAll(async () => {
	server = new Server();
	server.addService(ZnodeServiceService, {
		create: (
			call: { request: CreateRequest; metadata: Metadata },
			callback: (error: null, response: object) => void,
		) => {
			created.push(call.request);
			authorizations.push(call.metadata.get('authorization')[0]);
			callback(null, { path: call.request.path, stat, zxid: 2n ** 64n - 2n });
		},
		get: (call: { request: { path: string } }, callback: (error: object | null, response?: object) => void) => {
			if (call.request.path === '/missing') callback(noNode('/missing'));
			else if (call.request.path === '/slow') return;
			else callback(null, { data: call.request.path === '/null' ? undefined : new Uint8Array(0), stat, zxid: 1n });
		},
		listChildren: (_: unknown, callback: (error: null, response: object) => void) =>
			callback(null, { children: ['b', 'a', 'ä', 'B'], stat, zxid: 1n }),
		delete: (_: unknown, callback: (error: object) => void) =>
			callback({ code: status.UNAVAILABLE, details: 'the log cannot be written: disk full' }),
	} as never);
	server.addService(HistoryServiceService, {
		history: (call: ServerWritableStream<HistoryRequest, HistoryResponse>) => {
			call.on('cancelled', () => {
				streams.cancelled++;
				for (const wake of streams.waiting.splice(0)) wake();
			});
			for (let zxid = 1n; zxid <= 3n; zxid++) call.write(HistoryResponse.fromPartial({ zxid }));
			if (!call.request.follow) call.end();
		},
	} as never);
	const port = await new Promise<number>((resolve, reject) => {
		server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
			error === null ? resolve(bound) : reject(error),
		);
	});
	address = `127.0.0.1:${port}`;
	client = new ChronokeeperClient({ address, auth: 'ann:secret', timeoutMs: 5_000 });
});

afterAll(() => {
	client.close();
	server.forceShutdown();
});

describe('unary calls', () => {
	it('carry 64-bit values without loss, and null apart from empty', async () => {
		const answer = await client.create('/a', null, { mode: CreateMode.CREATE_MODE_TTL, ttlMs: 5 });
		expect(answer).toEqual({ path: '/a', stat, zxid: 2n ** 64n - 2n });
		await client.create('/b', new Uint8Array(0));
		expect(created.map((request) => request.data?.length)).toEqual([undefined, 0]);
		expect(created[0]).toMatchObject({ mode: CreateMode.CREATE_MODE_TTL, ttlMs: 5n });
		expect((await client.get('/null')).data).toBeNull();
		expect((await client.get('/empty')).data).toHaveLength(0);
	});

	it('tell the server who asks', async () => {
		await client.create('/a', null);
		expect(authorizations.at(-1)).toBe(`Basic ${Buffer.from('ann:secret').toString('base64')}`);
	});

	it('give children by code unit', async () => {
		expect((await client.children('/')).names).toEqual(['B', 'a', 'b', 'ä']);
	});
});

describe('failures', () => {
	it('carry ZooKeeper’s code, path and zxid', async () => {
		const error = await client.get('/missing').catch((reason: unknown) => reason);
		expect(error).toBeInstanceOf(ClientError);
		expect(error).toMatchObject({
			message: '/missing: the node does not exist',
			status: 'NOT_FOUND',
			code: -101,
			codeName: 'NoNode',
			path: '/missing',
			zxid: 77n,
		});
	});

	it('keep the server’s own words when it is there but cannot', async () => {
		await expect(client.delete('/a')).rejects.toMatchObject({
			status: 'UNAVAILABLE',
			message: 'the log cannot be written: disk full',
			code: undefined,
		});
	});

	it('name the address when nobody is there', async () => {
		const nobody = new ChronokeeperClient({ address: '127.0.0.1:1' });
		await expect(nobody.get('/a')).rejects.toMatchObject({
			status: 'UNAVAILABLE',
			message: expect.stringMatching(/^cannot reach 127\.0\.0\.1:1: connect ECONNREFUSED 127\.0\.0\.1:1/),
		});
		nobody.close();
	});

	it('say after the deadline that a write may have been done', async () => {
		const hurried = new ChronokeeperClient({ address, timeoutMs: 50 });
		await expect(hurried.get('/slow')).rejects.toMatchObject({
			status: 'DEADLINE_EXCEEDED',
			message: expect.stringContaining('whether a write was done is unknown'),
		});
		hurried.close();
	});
});

describe('streams', () => {
	const cancelledAfter = (before: number) =>
		new Promise<void>((resolve) => {
			if (streams.cancelled > before) resolve();
			else streams.waiting.push(resolve);
		});

	it('end with the server', async () => {
		const zxids: bigint[] = [];
		for await (const txn of client.history({})) zxids.push(txn.zxid);
		expect(zxids).toEqual([1n, 2n, 3n]);
	});

	it('are cancelled at the server when the loop is left', async () => {
		const before = streams.cancelled;
		for await (const txn of client.history({ follow: true })) if (txn.zxid === 2n) break;
		await cancelledAfter(before);
	});

	it('end without an error when their signal fires', async () => {
		const before = streams.cancelled;
		const stop = new AbortController();
		const zxids: bigint[] = [];
		for await (const txn of client.history({ follow: true }, stop.signal)) {
			zxids.push(txn.zxid);
			if (zxids.length === 3) stop.abort();
		}
		expect(zxids).toEqual([1n, 2n, 3n]);
		await cancelledAfter(before);
	});

	it('fail with a ClientError', async () => {
		const nobody = new ChronokeeperClient({ address: '127.0.0.1:1' });
		const loop = async () => {
			for await (const _ of nobody.diff(1n, 2n)) expect.unreachable();
		};
		await expect(loop()).rejects.toBeInstanceOf(ClientError);
		nobody.close();
	});
});
