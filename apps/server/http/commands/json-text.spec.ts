import { expect, it } from 'vitest';
import { Decimal } from '../../zookeeper/figures/decimal.ts';
import { Entries, type Json, jsonPieces } from './json-text.ts';

const text = (value: Json) => [...jsonPieces(value)].join('');

it('is written as by Jackson', () => {
	expect(
		text({
			whole: 5,
			long: -72058456552898561n,
			decimal: new Decimal(0),
			none: null,
			yes: true,
			text: 'a "b"\n\u0001é',
			empty: {},
			nobody: [],
			objects: [{ a: 1, b: [1n, 2n] }, { a: {} }],
		}),
	).toBe(`{
  "whole" : 5,
  "long" : -72058456552898561,
  "decimal" : 0.0,
  "none" : null,
  "yes" : true,
  "text" : "a \\"b\\"\\n\\u0001é",
  "empty" : { },
  "nobody" : [ ],
  "objects" : [ {
    "a" : 1,
    "b" : [ 1, 2 ]
  }, {
    "a" : { }
  } ]
}`);
});

it('takes what is made while it is written, and gives it in pieces', () => {
	let most = 0;
	let made = 0;
	let written = 0;
	const paths = function* (): Iterable<string> {
		for (let at = 0; at < 20_000; at++) {
			made += 12;
			yield `/node${String(at).padStart(7, '0')}`;
		}
	};
	const value: Json = { sessions: new Entries([['1', paths()]]) };
	const pieces: string[] = [];
	for (const piece of jsonPieces(value)) {
		pieces.push(piece);
		written += piece.length;
		most = Math.max(most, made - written);
	}
	expect(pieces.length).toBeGreaterThan(3);
	expect(most).toBeLessThan(70_000);
	const parsed = JSON.parse(pieces.join('')) as { sessions: Record<string, string[]> };
	expect(parsed.sessions['1']).toHaveLength(20_000);
});
