import { expect, it } from 'vitest';
import { Stat } from '#proto/chronokeeper/v1/common';
import { sessionExpired } from '../errors.ts';
import type { EventSink } from '../shared-watch.ts';
import type { MultiRead } from './node-reader.ts';
import { ZnodeCache } from './znode-cache.ts';

it('is current when it was read as a whole because single nodes could not be, whatever was heard meanwhile', async () => {
	type Answer = Awaited<ReturnType<MultiRead>>;
	const reads: { resolve(answer: Answer): void; reject(error: Error): void }[] = [];
	let sink!: EventSink;
	const cache = new ZnodeCache(
		{
			multiRead: () => new Promise((resolve, reject) => reads.push({ resolve, reject })),
			follow: (_path, _recursive, told) => {
				sink = told;
				return { ready: () => Promise.resolve(), stop: () => {} };
			},
			on: () => () => {},
			state: () => 'connected',
		},
		'/a',
		{ kind: 'node' },
	);
	const node = (zxid: bigint): Answer => ({
		results: [{ kind: 'get', data: null, stat: Stat.fromPartial({ czxid: 1n, mzxid: zxid }) }],
		zxid,
	});
	const hear = (zxid: bigint) => sink.push({ type: 'dataChanged', path: '/a', zxid, stat: undefined, data: undefined });
	reads[0]!.resolve(node(1n));
	await cache.ready;
	// Of a time without a stream: what the node is has to be read.
	hear(2n);
	await expect.poll(() => reads.length).toBe(2);
	hear(3n);
	reads[1]!.reject(sessionExpired('lost'));
	await expect.poll(() => reads.length).toBe(3);
	expect(cache.state).toBe('stale');
	reads[2]!.resolve(node(3n));
	await expect.poll(() => cache.get()!.stat.mzxid).toBe(3n);
	expect(cache.state).toBe('current');
	await cache.close();
});
