import { describe, expect, it } from 'vitest';
import { openAcl } from '#jute/acl';
import { errors } from '#jute/errors';
import type { Acl } from '#jute/records';
import type { Txn } from '#jute/txn';
import { bytes, creatorOnly, describeTree, History, header, session } from '#test/support/tree-history';
import { DataTree } from './data-tree.ts';
import { frozenNodes } from './frozen-tree.ts';

describe('loading', () => {
	function reload(tree: DataTree, acls: Iterable<readonly [number | bigint, readonly Acl[]]>): DataTree {
		const frozen = tree.freeze();
		const loaded = DataTree.load();
		for (const [id, list] of acls) loaded.addAcl(id, list);
		for (const { path: at, data: content, aclId, stat } of frozenNodes(frozen.transferable())) {
			loaded.addNode(at === '/' ? '' : at, content?.slice() ?? null, BigInt.asUintN(64, BigInt(aclId)), stat);
		}
		frozen.release();
		return loaded.finishLoading();
	}

	it('gives the same tree, digest and ACL numbers', () => {
		const history = new History();
		history.create('/e', bytes('x'), { ephemeral: true, acl: creatorOnly });
		history.create('/p', null);
		history.create('/p/c', null, { acl: [] });
		const frozen = history.tree.freeze();
		frozen.release();
		const loaded = reload(history.tree, frozen.acls);
		expect(describeTree(loaded)).toEqual(describeTree(history.tree));
		expect(loaded.digest()).toBe(history.tree.digest());
		expect(loaded.approximateDataSize).toBe(history.tree.approximateDataSize);
		expect(loaded.ephemeralsOf(session)).toEqual(['/e']);
		expect(loaded.unresolvedAclCount).toBe(0);
		const again = loaded.freeze();
		again.release();
		expect([...again.acls].sort()).toEqual([...frozen.acls].sort());
	});

	it('78: takes an ACL that a fuzzy snapshot left out from the replayed creation', () => {
		const history = new History();
		history.create('/n', null, { acl: creatorOnly });
		const loaded = reload(history.tree, [[1n, [{ perms: 1, scheme: 'world', id: 'anyone' }]]]);
		expect(loaded.unresolvedAclCount).toBe(1);
		expect(loaded.acl('/n')).toEqual([{ perms: 0, scheme: 'world', id: 'anyone' }]);
		const create: Txn = {
			kind: 'create',
			path: '/n',
			data: null,
			acl: creatorOnly,
			ephemeral: false,
			parentCversion: 1,
		};
		expect(loaded.apply({ header: header(1), txn: create }).error).toBe(errors.nodeExists.code);
		expect(loaded.acl('/n')).toEqual(creatorOnly);
	});

	it('refuses what cannot be a snapshot', () => {
		const stat = new DataTree().storedStat('/')!;
		const loading = DataTree.load();
		loading.addNode('', null, -1n, stat);
		expect(() => loading.addNode('/a/b', null, -1n, stat)).toThrow('no parent of /a/b');
		loading.addNode('/a', null, -1, stat);
		expect(() => loading.addNode('/a', null, -1n, stat)).toThrow('/a twice');
		expect(() => loading.addNode('', null, -1n, stat)).toThrow('root twice');
		loading.addAcl(5n, creatorOnly);
		expect(() => loading.addAcl(5, creatorOnly)).toThrow('number 5 twice');
		expect(() => loading.addAcl(1n << 40n, openAcl)).toThrow('outside');
		loading.finishLoading();
		expect(() => loading.addNode('/b', null, -1n, stat)).toThrow('not being loaded');
	});
});
