import { describe, expect, it } from 'vitest';
import { openAcl } from '#jute/acl';
import { errors } from '#jute/errors';
import type { SessionId } from '#jute/scalars';
import type { SubTxn } from '#jute/txn';
import { bytes, creatorOnly, History, header, session } from '#test/support/tree-history';
import { DataTree } from './data-tree.ts';
import { frozenNodes } from './frozen-tree.ts';

describe('DataTree', () => {
	it('has the nodes of a new ZooKeeper', () => {
		const tree = new DataTree();
		expect([...tree.paths()]).toEqual(['/', '/zookeeper', '/zookeeper/quota', '/zookeeper/config']);
		expect(tree.digest()).toBe(1_371_985_504n); // recording a and c, before their first node
		expect(tree.acl('/')).toEqual([{ perms: 31, scheme: 'world', id: 'anyone' }]);
		expect(tree.acl('/zookeeper/config')).toEqual([{ perms: 1, scheme: 'world', id: 'anyone' }]);
		expect(tree.stat('/zookeeper')).toMatchObject({ cversion: -2, numChildren: 2, dataLength: 0 });
		expect(tree.storedStat('/zookeeper/config')).toMatchObject({ aversion: -1, version: 0 });
		expect(tree.data('/zookeeper/config')).toEqual(new Uint8Array(0));
		expect(tree.size).toBe(4);
	});

	it('18, 19, 23, 24: Stat of a node and its parent', () => {
		const history = new History();
		history.create('/p');
		history.create('/p/a', bytes('one'));
		history.apply({ kind: 'setData', path: '/p/a', data: bytes('longer'), version: 1 });
		history.apply({ kind: 'delete', path: '/p/a' });
		history.create('/p/b');
		const time = header(1).time;
		expect(history.tree.storedStat('/p')).toEqual({
			czxid: 1,
			mzxid: 1,
			pzxid: 5,
			ctime: time,
			mtime: time,
			version: 0,
			cversion: 2,
			aversion: 0,
			ephemeralOwner: 0n,
		});
		expect(history.tree.stat('/p')).toMatchObject({ cversion: 3, numChildren: 1 });
		expect(history.tree.stat('/p/b')).toMatchObject({ czxid: 5, mzxid: 5, pzxid: 5, version: 0, cversion: 0 });
	});

	it('20: null data is not empty data, and both are long 0', () => {
		const history = new History();
		history.create('/null', null);
		history.create('/empty', new Uint8Array(0));
		expect(history.tree.data('/null')).toBeNull();
		expect(history.tree.data('/empty')).toEqual(new Uint8Array(0));
		expect(history.tree.data('/none')).toBeUndefined();
		expect(history.tree.stat('/null')!.dataLength).toBe(0);
		expect(history.tree.stat('/empty')!.dataLength).toBe(0);
	});

	it('22: clients see no owner of containers and TTL nodes', () => {
		const history = new History();
		history.apply({ kind: 'createContainer', path: '/c', data: null, acl: openAcl, parentCversion: 1 });
		history.apply({ kind: 'createTTL', path: '/t', data: null, acl: openAcl, parentCversion: 2, ttlMs: 5000 });
		history.create('/e', null, { ephemeral: true });
		const { tree } = history;
		expect(tree.storedStat('/c')!.ephemeralOwner).toBe(0x8000_0000_0000_0000n);
		expect(tree.storedStat('/t')!.ephemeralOwner).toBe(0xff00_0000_0000_1388n);
		expect(['/c', '/t', '/e'].map((path) => tree.stat(path)!.ephemeralOwner)).toEqual([0n, 0n, session]);
		expect([[...tree.containers()], [...tree.ttlNodes()], tree.ephemeralsOf(session)]).toEqual([
			['/c'],
			['/t'],
			['/e'],
		]);
	});

	it('25: setData leaves pzxid; setACL changes aversion alone', () => {
		const history = new History();
		history.create('/n', bytes('x'));
		const before = history.tree.storedStat('/n')!;
		history.apply({ kind: 'setData', path: '/n', data: bytes('y'), version: 7 });
		const set = history.tree.storedStat('/n')!;
		expect(set).toEqual({ ...before, mzxid: 2, mtime: header(2).time, version: 7 });
		const { stat } = history.apply({ kind: 'setACL', path: '/n', acl: creatorOnly, version: 3 });
		expect(history.tree.storedStat('/n')).toEqual({ ...set, aversion: 3 });
		expect(stat).toEqual(history.tree.stat('/n'));
		expect(history.tree.acl('/n')).toEqual(creatorOnly);
	});

	it('42: a multi with an error changes nothing and answers 0, the code, -2', () => {
		const history = new History();
		const digest = history.tree.digest();
		const create: SubTxn = {
			kind: 'create',
			path: '/a',
			data: null,
			acl: openAcl,
			ephemeral: false,
			parentCversion: 1,
		};
		const failing: SubTxn = { kind: 'error', code: errors.badVersion.code };
		const behind: SubTxn = { kind: 'error', code: errors.runtimeInconsistency.code };
		expect(history.apply({ kind: 'multi', ops: [create, failing, behind] })).toEqual({
			error: errors.badVersion.code,
			results: [{ error: 0 }, { error: errors.badVersion.code }, { error: errors.runtimeInconsistency.code }],
		});
		expect(history.tree.digest()).toBe(digest);
		expect(history.tree.has('/a')).toBe(false);
		expect(history.events).toEqual([]);
		expect(history.tree.lastProcessedZxid).toBe(1);
	});

	it('49: reports effects in the order in which ZooKeeper triggers watches', () => {
		const history = new History();
		history.create('/a', null, { acl: creatorOnly });
		history.apply({ kind: 'setData', path: '/a', data: null, version: 1 });
		history.apply({ kind: 'setACL', path: '/a', acl: openAcl, version: 1 });
		history.create('/a/b', null, { acl: creatorOnly });
		history.apply({ kind: 'delete', path: '/a/b' });
		expect(history.events).toEqual([
			...['created /a', 'children /', 'data /a', 'acl /a'],
			...['created /a/b', 'children /a', 'deleted /a/b digest', 'children /a'],
		]);
	});

	it('63, 64: closeSession deletes what it lists and what else the session owns, all with its zxid', () => {
		const history = new History();
		for (const path of ['/e1', '/e2', '/e3']) history.create(path, null, { ephemeral: true });
		history.apply({ kind: 'closeSession', paths: ['/gone', '/e2'] });
		expect(history.tree.children('/')).toEqual(['zookeeper']);
		expect(history.tree.storedStat('/')!.pzxid).toBe(4);
		expect(history.tree.ephemeralCount).toBe(0);
		expect([...history.tree.sessionsWithEphemerals()]).toEqual([]);
		expect(history.events.slice(-6)).toEqual([
			...['deleted /e2 world', 'children /', 'deleted /e1 world', 'children /', 'deleted /e3 world', 'children /'],
		]);
	});

	it('63: a closeSession without a list deletes all that the session owns, and nothing of others', () => {
		const history = new History();
		history.create('/mine', null, { ephemeral: true });
		history.tree.apply({
			header: header(2, 7n as SessionId),
			txn: { kind: 'create', path: '/theirs', data: null, acl: openAcl, ephemeral: true, parentCversion: 2 },
		});
		history.apply({ kind: 'closeSession', paths: null }, 3);
		expect(history.tree.children('/')).toEqual(['zookeeper', 'theirs']);
	});

	it('78: a create that is there already still raises cversion and pzxid of the parent, and never lowers them', () => {
		const history = new History();
		history.create('/p');
		history.create('/p/a', bytes('new'));
		const again = (kind: 'create' | 'create2', parentCversion: number) =>
			history.apply({ kind, path: '/p/a', data: null, acl: openAcl, ephemeral: false, parentCversion });
		expect(again('create', 9).error).toBe(errors.nodeExists.code);
		expect(history.tree.storedStat('/p')).toMatchObject({ cversion: 9, pzxid: 3 });
		expect(again('create2', 4).error).toBe(errors.nodeExists.code);
		expect(history.tree.storedStat('/p')).toMatchObject({ cversion: 9, pzxid: 3 });
		expect(history.apply({ kind: 'delete', path: '/p/none' }).error).toBe(errors.noNode.code);
		expect(history.tree.storedStat('/p')).toMatchObject({ cversion: 9, pzxid: 5 });
		expect(history.apply({ kind: 'delete', path: '/p/none' }, 2).error).toBe(errors.noNode.code);
		expect(history.tree.storedStat('/p')).toMatchObject({ pzxid: 5 });
		expect(history.tree.data('/p/a')).toEqual(bytes('new'));
		expect(history.tree.lastProcessedZxid).toBe(5);
	});

	it('72: malformed paths are nodes that do not exist', () => {
		const history = new History();
		history.create('/a');
		for (const path of ['a', '/a/', '//a', '/a//', 'x/a', '/A', '/aa', '/a/a']) {
			expect(history.tree.has(path), path).toBe(false);
			expect(history.apply({ kind: 'delete', path }).error, path).toBe(errors.noNode.code);
		}
		expect(history.create('/').error).toBe(errors.nodeExists.code);
		expect(history.create('none').error).toBe(errors.noNode.code);
		expect(history.apply({ kind: 'delete', path: '/' }).error).toBe(errors.noNode.code);
		expect(history.tree.has('')).toBe(true);
	});

	it('keeps equal ACLs once, and numbers them as ZooKeeper does', () => {
		const history = new History();
		history.create('/a', null, { acl: creatorOnly });
		history.create('/b', null, { acl: creatorOnly.map((entry) => ({ ...entry })) });
		expect(history.tree.acl('/a')).toBe(history.tree.acl('/b'));
		const idOf = (path: string): number => {
			const frozen = history.tree.freeze();
			const found = [...frozenNodes(frozen.transferable())].find((node) => node.path === path)!.aclId;
			frozen.release();
			return found;
		};
		expect([idOf('/'), idOf('/zookeeper/config'), idOf('/a')]).toEqual([-1, 1, 2]);
		history.apply({ kind: 'delete', path: '/a' });
		history.apply({ kind: 'delete', path: '/b' });
		expect(history.tree.aclCount).toBe(1);
		history.create('/c', null, { acl: creatorOnly });
		expect(idOf('/c')).toBe(3); // a number is never used again
	});

	it('counts all descendants', () => {
		const history = new History();
		for (const path of ['/a', '/a/b', '/a/b/c', '/a/d', '/ab']) history.create(path);
		expect(['/', '', '/a', '/a/b', '/ab', '/none'].map((path) => history.tree.allChildrenNumber(path))).toEqual([
			8, 9, 3, 1, 0, 0,
		]);
	});

	it('finds each of many children, also after half of them are gone', () => {
		const history = new History();
		history.create('/p');
		const count = 20_000;
		const nameOf = (i: number): string => (i % 3 === 0 ? `n${i}` : `a-name-of-more-than-sixteen-bytes-${i}`);
		for (let i = 0; i < count; i++) history.create(`/p/${nameOf(i)}`, bytes(String(i)));
		for (let i = 0; i < count; i += 2) history.apply({ kind: 'delete', path: `/p/${nameOf(i)}` });
		for (let i = 0; i < count; i++) {
			const data = history.tree.data(`/p/${nameOf(i)}`);
			if (i % 2 === 0 ? data !== undefined : String(i) !== new TextDecoder().decode(data!)) expect.fail(nameOf(i));
		}
		expect(history.tree.childCount('/p')).toBe(count / 2);
		expect(history.tree.children('/p')).toHaveLength(count / 2);
		expect(history.tree.size).toBe(count / 2 + 5);
	});
});
