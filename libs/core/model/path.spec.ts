import fc from 'fast-check';
import { expect, it } from 'vitest';
import { childPath, isSpecialPath, nodeName, parentPath, pathProblem } from './path.ts';

it.each(['/', '/a', '/a/b', '/...', '/a/..b', '/a/b..', '/.a', '/ ', '/é/名前', '/\ufdd0', '/\uffef', '/\u00a0'])(
	'71: %j is a path',
	(path) => {
		expect(pathProblem(path)).toBeNull();
	},
);

it.each([
	['', 'empty'],
	['a', 'start with /'],
	['a/b', 'start with /'],
	['/a/', 'end with /'],
	['//', 'end with /'],
	['/a//b', 'empty node name'],
	['//a', 'empty node name'],
	['/.', 'relative'],
	['/..', 'relative'],
	['/a/./b', 'relative'],
	['/a/../b', 'relative'],
	['/a\0', 'U+0000'],
	['/a\u001f', 'U+001F'],
	['/\u007f', 'U+007F'],
	['/\u009f', 'U+009F'],
	['/\ud800', 'U+D800'],
	['/😀', 'U+D83D'],
	['/\uf8ff', 'U+F8FF'],
	['/\ufff0', 'U+FFF0'],
	['/\uffff', 'U+FFFF'],
])('71: %j is no path: %s', (path, problem) => {
	expect(pathProblem(path)).toContain(problem);
});

it('17: a sequential path may end in a slash, or in what its suffix makes a name', () => {
	for (const path of ['/a/', '/', '/a/.', '/a/..', '/a']) expect(pathProblem(path, true), path).toBeNull();
	for (const path of ['/a//', '', 'a', '/./']) expect(pathProblem(path, true), path).not.toBeNull();
});

it('71: agrees with the rules said one by one', () => {
	const unit = fc.oneof(
		fc.constantFrom('/', '.', 'a'),
		fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)),
	);
	const forbidden = [
		[0, 0x1f],
		[0x7f, 0x9f],
		[0xd800, 0xf8ff],
		[0xfff0, 0xffff],
	] as const;
	const paths = fc.array(unit, { maxLength: 8 }).map((units) => `/${units.join('')}`);
	fc.assert(
		fc.property(paths, (path) => {
			const segments = path.slice(1).split('/');
			const isForbidden = [...Array(path.length).keys()].some((i) =>
				forbidden.some(([from, to]) => {
					const code = path.charCodeAt(i);
					return from <= code && code <= to;
				}),
			);
			const isPath = path === '/' || (!isForbidden && !segments.some((name) => ['', '.', '..'].includes(name)));
			expect(pathProblem(path) === null).toBe(isPath);
		}),
		{ numRuns: 2000 },
	);
});

it('takes paths apart and puts them together', () => {
	expect(['/a', '/a/b', '/a/b/c'].map(parentPath)).toEqual(['/', '/a', '/a/b']);
	expect(['/', '/a', '/a/b'].map(nodeName)).toEqual(['', 'a', 'b']);
	expect([childPath('/', 'a'), childPath('/a', 'b')]).toEqual(['/a', '/a/b']);
});

it('28: knows the nodes that nobody may delete', () => {
	expect(['/', '/zookeeper', '/zookeeper/quota', '/zookeeper/config'].every(isSpecialPath)).toBe(true);
	expect(['/zookeeper/x', '/zookeeper/quota/a', '/a', ''].some(isSpecialPath)).toBe(false);
});
