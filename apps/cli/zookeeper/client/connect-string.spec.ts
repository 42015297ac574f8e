import { describe, expect, it } from 'vitest';
import { checkPath } from './client-path.ts';
import { parseConnectString } from './connect-string.ts';
import { HostRing } from './host-ring.ts';

describe('a connect string', () => {
	it.each([
		['a', ['a:2181'], null],
		['a:', ['a:2181'], null],
		['a:1', ['a:1'], null],
		['a:1/', ['a:1'], null],
		['a:1,b:2/x/y', ['a:1', 'b:2'], '/x/y'],
		[' a:1 , ,b', ['a:1', 'b:2181'], null],
		['[::1]', ['::1:2181'], null],
		['[fe80::1]:3/z', ['fe80::1:3'], '/z'],
	])('%s', (text, hosts, chroot) => {
		const parsed = parseConnectString(text);
		expect(parsed.hosts.map(({ host, port }) => `${host}:${port}`)).toEqual(hosts);
		expect(parsed.chroot.path).toBe(chroot);
	});

	it.each([
		['', 'A HostProvider may not be empty!'],
		['a/b/', 'Path must not end with / character'],
		['a:70000', 'port out of range:70000'],
		['a:x', 'java.lang.NumberFormatException: For input string: "x"'],
		['[::1', "[::1 starts with '[' but has no matching ']'"],
		['[::1]2', '[::1]2 does not have : after ]'],
		['[::1]:', "[::1]: doesn't have a port after colon."],
	])('%s is refused', (text, message) => {
		expect(() => parseConnectString(text)).toThrow(message);
	});
});

describe('a chroot', () => {
	const { chroot } = parseConnectString('a/x/y');
	it('is put before paths and taken off again', () => {
		expect([chroot.toServer('/'), chroot.toServer('/a')]).toEqual(['/x/y', '/x/y/a']);
		expect([chroot.toClient('/x/y'), chroot.toClient('/x/y/a')]).toEqual(['/', '/a']);
		expect([chroot.strip('/x/y'), chroot.strip('/x/y/a')]).toEqual(['', '/a']);
	});
});

describe('71: a path', () => {
	it.each([
		['', 'Path length must be > 0'],
		['a', 'Path must start with / character'],
		['/a/', 'Path must not end with / character'],
		['/a//b', 'Invalid path string "/a//b" caused by empty node name specified @3'],
		['/.', 'Invalid path string "/." caused by relative paths not allowed @1'],
		['/a/..', 'Invalid path string "/a/.." caused by relative paths not allowed @4'],
		['/a\0', 'Invalid path string "/a\0" caused by null character not allowed @2'],
		['/a\u007f', 'Invalid path string "/a\u007f" caused by invalid character @2'],
		['/\ud83d\ude00', 'Invalid path string "/\ud83d\ude00" caused by invalid character @1'],
	])('%j is none', (path, message) => {
		expect(() => checkPath(path)).toThrow(message);
	});
	it.each(['/', '/a', '/a/b', '/...', '/a..', '/.a', '/ü 漢'])('%s is one', (path) => {
		expect(() => checkPath(path)).not.toThrow();
	});
	it('that gets a number may end with a slash', () => {
		expect(() => checkPath('/a/', true)).not.toThrow();
	});
});

describe('the hosts', () => {
	const hosts = ['a', 'b', 'c'].map((host) => ({ host, port: 1 }));
	it('come in random order, each once in a round', () => {
		const ring = new HostRing(hosts, () => 0);
		const tried = Array.from({ length: 6 }, () => ring.next());
		expect(tried.map(({ host }) => host.host)).toEqual(['b', 'c', 'a', 'b', 'c', 'a']);
		expect(tried.map(({ roundIsOver }) => roundIsOver)).toEqual([false, false, false, true, false, false]);
	});
	it('are all tried before the pause when one had worked', () => {
		const ring = new HostRing(hosts, () => 0);
		ring.next();
		ring.next();
		ring.connected();
		expect([ring.next(), ring.next(), ring.next()].map(({ roundIsOver }) => roundIsOver)).toEqual([false, false, true]);
	});
});
