/** Over which failures a tail goes on, where, and from where: the streams themselves are the server's, and tested with it. */
import { Metadata } from '@grpc/grpc-js';
import { expect, it } from 'vitest';
import { type TailTransactionsRequest, TailTransactionsResponse } from '#proto/chronokeeper/v1/history';
import { ClientError } from './client-error.ts';
import { type TailSource, tailTransactions } from './tail.ts';

/** Streams that say these zxids, each a transaction, and then fail; in the order they are asked for. */
class Streams implements TailSource {
	readonly asked: TailTransactionsRequest[] = [];
	readonly #streams: (readonly [zxids: readonly bigint[], status: string])[];

	constructor(...streams: (readonly [readonly bigint[], string])[]) {
		this.#streams = streams;
	}

	async *tailTransactions(request: TailTransactionsRequest): AsyncGenerator<TailTransactionsResponse> {
		this.asked.push(request);
		const [zxids, status] = this.#streams.shift()!;
		for (const zxid of zxids) {
			yield TailTransactionsResponse.fromPartial({ transactions: [{ transaction: { zxid } }], zxid });
		}
		if (status !== '') throw new ClientError(status, status, undefined, new Metadata());
	}

	watchHistory(): never {
		throw new Error('not asked for here');
	}
}

async function zxidsOf(sources: readonly TailSource[], through: bigint, fromZxid?: bigint): Promise<bigint[]> {
	const zxids: bigint[] = [];
	for await (const { items, zxid } of tailTransactions(sources, { fromZxid })) {
		zxids.push(...items.map((item) => item.zxid));
		if (zxid === through) break;
	}
	return zxids;
}

it('goes on behind the last response, at the next replica', async () => {
	const [one, other] = [
		new Streams([[1n, 2n], 'UNAVAILABLE'], [[], '']),
		new Streams([[], 'OUT_OF_RANGE'], [[3n], '']),
	];
	expect(await zxidsOf([one, other], 3n, 0n)).toEqual([1n, 2n, 3n]);
	expect(one.asked.map(({ fromZxid }) => fromZxid)).toEqual([0n, 2n]);
	expect(other.asked.map(({ fromZxid }) => fromZxid)).toEqual([2n, 2n]);
});

it('does not know where it is before the first response', async () => {
	const source = new Streams([[], 'UNAVAILABLE'], [[7n], 'INTERNAL'], [[8n], '']);
	expect(await zxidsOf([source], 8n)).toEqual([7n, 8n]);
	expect(source.asked.map(({ fromZxid }) => fromZxid)).toEqual([undefined, undefined, 7n]);
});

it.each(['FAILED_PRECONDITION', 'INVALID_ARGUMENT', 'UNAUTHENTICATED'])(
	'ends with %s, which does not pass',
	async (status) => {
		await expect(zxidsOf([new Streams([[1n], status])], 9n)).rejects.toMatchObject({ status });
	},
);

it('tells of streams that were lost, and ends while it waits when it is told to', async () => {
	const enough = new AbortController();
	const lost: string[] = [];
	const retrying = ({ message }: Error) => {
		lost.push(message);
		enough.abort();
	};
	for await (const _ of tailTransactions([new Streams([[], 'RESOURCE_EXHAUSTED'])], { retrying }, enough.signal)) {
		throw new Error('there was nothing to tell');
	}
	expect(lost).toEqual(['RESOURCE_EXHAUSTED']);
});
