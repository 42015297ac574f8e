import { describe, expect, it } from 'vitest';
import { inLine, kazooPrefix, placeOf, predecessorOf, protectedPrefix, withMark } from './sequence-names.ts';

const marks = ['-lock-', '__lock__'];
const names = (line: readonly { readonly name: string }[]): string[] => line.map(({ name }) => name);

describe('names of sequential nodes', () => {
	it.each([
		['_c_5d0c-lock-0000000000', '-lock-', 0],
		['_c_5d0c-lock-0000000031', '-lock-', 31],
		['_c_5d0c-lock-2147483647', '-lock-', 2 ** 31 - 1],
		['_c_5d0c-lock--2147483648', '-lock-', -(2 ** 31)],
		['_c_5d0c-lock--000000001', '-lock-', -1],
		['5d0c__lock__0000000002', '__lock__', 2],
		['5d0c__lock__-2147483648', '__lock__', -(2 ** 31)],
		['0123456789__lock__0000000002', '__lock__', 2],
		// A prefix may end in digits, or look like a mark.
		['_c_-lock-0000000001-lock-0000000005', '-lock-', 5],
	])('16: %s is %s number %i', (name, mark, sequence) => {
		expect(placeOf(name, marks)).toEqual({ name, mark, sequence });
	});

	it.each([
		'ready',
		'-lock-',
		'_c_5d0c-lock-1',
		'_c_5d0c-lock-000000001',
		'_c_5d0c-latch-0000000001',
		'0000000001',
		'',
	])('%s is none of these', (name) => {
		expect(placeOf(name, marks)).toBeUndefined();
	});

	it('stand in line by their digits, whoever made them', () => {
		expect(
			names(inLine(['_c_a-lock-0000000010', 'z__lock__0000000009', 'other', '_c_z-lock-0000000002'], marks)),
		).toEqual(['_c_z-lock-0000000002', 'z__lock__0000000009', '_c_a-lock-0000000010']);
	});

	it('16: the line goes on when the counter turns negative', () => {
		const turned = ['_c_a-lock--2147483647', '_c_b-lock-2147483647', '_c_c-lock--2147483648', '_c_d-lock-2147483646'];
		expect(names(inLine(turned, marks)).map((name) => name[3])).toEqual(['d', 'b', 'c', 'a']);
	});

	it('each waits for the nearest that keeps it waiting', () => {
		const line = inLine(
			['a-__READ__0000000001', 'b-__WRIT__0000000002', 'c-__READ__0000000003', 'd-__READ__0000000004'],
			['-__READ__', '-__WRIT__'],
		);
		const waitsFor = (name: string, rivals: readonly string[]) => predecessorOf(name, line, rivals)?.name;
		expect(waitsFor('a-__READ__0000000001', ['-__WRIT__'])).toBeUndefined();
		expect(waitsFor('b-__WRIT__0000000002', ['-__READ__', '-__WRIT__'])).toBe('a-__READ__0000000001');
		expect(waitsFor('d-__READ__0000000004', ['-__WRIT__'])).toBe('b-__WRIT__0000000002');
		expect(waitsFor('d-__READ__0000000004', ['-__READ__', '-__WRIT__'])).toBe('c-__READ__0000000003');
		expect(waitsFor('e-__READ__0000000005', ['-__WRIT__'])).toBeUndefined();
	});

	it.each([
		['_c_a-__WRIT__0000000007', '_c_a-__READ__0000000007'],
		['_c_a-__WRIT__-2147483648', '_c_a-__READ__-2147483648'],
	])('%s becomes %s', (name, becomes) => {
		expect(withMark(placeOf(name, ['-__WRIT__'])!, '-__READ__')).toBe(becomes);
	});

	it('prefixes are as Curator and Kazoo make them, and never the same', () => {
		expect(protectedPrefix('-lock-')).toMatch(/^_c_[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}-lock-$/);
		expect(kazooPrefix('__lock__')).toMatch(/^[\da-f]{32}__lock__$/);
		expect(protectedPrefix('-lock-')).not.toBe(protectedPrefix('-lock-'));
	});
});
