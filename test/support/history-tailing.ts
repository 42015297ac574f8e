/** Tails in tests: what they gave, and until when. */
import type { Tailed, TailedTransaction } from '#client/client';

/** Everything a tail gives up to a zxid. */
export async function tailedThrough<T = TailedTransaction>(tail: AsyncIterable<Tailed<T>>, zxid: bigint): Promise<T[]> {
	const seen: T[] = [];
	for await (const step of tail) {
		seen.push(...step.items);
		if (step.zxid >= zxid) return seen;
	}
	throw new Error(`the tail has ended before 0x${zxid.toString(16)}`);
}

export function zxidsOf(items: readonly { readonly zxid: bigint }[]): bigint[] {
	return items.map(({ zxid }) => zxid);
}

/** `setData /a`, with its data where it has some. */
export function changeTexts(txns: readonly TailedTransaction[]): string[] {
	return txns.flatMap(({ changes }) =>
		changes.map(({ type, path, data }) => [type, path, ...(data === undefined ? [] : [Buffer.from(data)])].join(' ')),
	);
}
