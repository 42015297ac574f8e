import { expect, it } from 'vitest';
import { linesOf } from './lines.ts';

async function* chunksOf(text: string, bytes: number): AsyncGenerator<Uint8Array> {
	const all = Buffer.from(text);
	for (let at = 0; at < all.length; at += bytes) yield all.subarray(at, at + bytes);
}

it.each([
	['', []],
	['a', ['a']],
	['a\n', ['a']],
	['a\r\nb\nc\rd\r', ['a', 'b', 'c', 'd']],
	['\n\na\r\r\n', ['', '', 'a', '']],
	['grüße ☃\r\n漢字', ['grüße ☃', '漢字']],
	['a\n'.repeat(5000), Array(5000).fill('a')],
])('the lines of %j', async (text, lines) => {
	for (const bytes of [1, 2, 3, 1000, 100_000]) {
		const read: string[] = [];
		for await (const line of linesOf(chunksOf(text, bytes))) read.push(line);
		expect(read).toEqual(lines);
	}
});
