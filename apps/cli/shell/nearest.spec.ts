import { describe, expect, it } from 'vitest';
import { nearest } from './nearest.ts';
import { words } from './vocabulary.ts';

describe('the word that was meant', () => {
	it.each([
		['lss', 'ls'],
		['sl', 'ls'],
		['crete', 'create'],
		['dleteall', 'deleteall'],
		['getacl', 'getAcl'],
		['removewatch', 'removewatches'],
		['GET', 'get'],
	])('%s is %s', (typed, meant) => {
		expect(nearest(typed, words.keys())).toBe(meant);
	});

	it.each(['frobnicate', 'xyz', '/a/b'])('%s is none', (typed) => {
		expect(nearest(typed, words.keys())).toBeUndefined();
	});
});
