import { expect, it } from 'vitest';
import { openAcl } from '#jute/acl';
import type { SessionId, Zxid } from '#jute/scalars';
import type { Txn } from '#jute/txn';
import { DataTree } from './data-tree.ts';
import { frozenNodes } from './frozen-tree.ts';
import { parseQuota, quotaExcess } from './quota.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const textOf = (tree: DataTree, path: string) => new TextDecoder().decode(tree.data(path)!);

class QuotaHistory {
	readonly tree = new DataTree();
	zxid = 0;

	apply(txn: Txn): void {
		this.zxid += 1;
		this.tree.apply({ header: { sessionId: 1n as SessionId, cxid: 1, zxid: this.zxid as Zxid, time: 1 }, txn });
	}

	create(path: string, data = '', ephemeral = false): void {
		this.apply({ kind: 'create', path, data: bytes(data), acl: openAcl, ephemeral, parentCversion: -1 });
	}

	/** As zkCli does: the nodes down to the path, limits, stats. */
	setQuota(path: string, limits: string): void {
		const names = path.slice(1).split('/');
		for (let i = 1; i <= names.length; i++) this.create(`/zookeeper/quota/${names.slice(0, i).join('/')}`);
		this.create(`/zookeeper/quota${path}/zookeeper_limits`, limits);
		this.create(`/zookeeper/quota${path}/zookeeper_stats`, 'count=0,bytes=0');
	}

	usage(path: string): string {
		return textOf(this.tree, `/zookeeper/quota${path}/zookeeper_stats`);
	}
}

it('83: the stats node counts the subtree when it is created, and each change from then on', () => {
	const history = new QuotaHistory();
	history.create('/a', '12345');
	history.create('/a/b', '123', true);
	history.create('/ab', '1234567890');
	history.setQuota('/a', 'count=10,bytes=1000');
	expect(history.usage('/a')).toBe('count=2,bytes=8');
	history.create('/a/b/c', '12');
	expect(history.usage('/a')).toBe('count=3,bytes=10');
	history.apply({ kind: 'setData', path: '/a', data: bytes('1'), version: 1 });
	expect(history.usage('/a')).toBe('count=3,bytes=6');
	history.apply({ kind: 'setData', path: '/ab', data: null, version: 1 });
	history.apply({ kind: 'delete', path: '/a/b/c' });
	expect(history.usage('/a')).toBe('count=2,bytes=4');
	history.apply({ kind: 'closeSession', paths: ['/a/b'] });
	expect(history.usage('/a')).toBe('count=1,bytes=1');
});

it('83: usage changes neither the Stat of the stats node nor the tree digest', () => {
	const history = new QuotaHistory();
	history.create('/a');
	history.setQuota('/a', 'count=1,bytes=1');
	const stats = '/zookeeper/quota/a/zookeeper_stats';
	const stat = history.tree.storedStat(stats);
	const without = new QuotaHistory();
	without.create('/a');
	without.zxid = history.zxid;
	for (const each of [history, without]) each.create('/a/b', 'x');
	expect(history.usage('/a')).toBe('count=2,bytes=1');
	expect(history.tree.storedStat(stats)).toEqual(stat);
	expect(history.tree.digest()).toBe(without.tree.digest());
});

it('83: of nested quotas the innermost counts, and none counts when its limits are gone', () => {
	const history = new QuotaHistory();
	for (const path of ['/a', '/a/b']) history.create(path);
	history.setQuota('/a', 'count=9,bytes=9');
	history.setQuota('/a/b', 'count=9,bytes=9');
	history.create('/a/b/c', '123');
	history.create('/a/d', '1');
	expect([history.usage('/a'), history.usage('/a/b')]).toEqual(['count=3,bytes=1', 'count=2,bytes=3']);
	expect(history.tree.quotaPrefix('/a/b/c')).toBe('/a/b');
	expect(history.tree.quotaPrefix('/a/bc')).toBe('/a');
	expect(history.tree.quotaPrefix('/ab')).toBeNull();
	history.apply({ kind: 'delete', path: '/zookeeper/quota/a/b/zookeeper_limits' });
	history.create('/a/b/e', '55555');
	expect([history.usage('/a'), history.usage('/a/b')]).toEqual(['count=4,bytes=6', 'count=2,bytes=3']);
});

it('83: a quota on the root is counted when it is set, and has no effect', () => {
	const history = new QuotaHistory();
	history.create('/zookeeper/quota/zookeeper_limits', 'count=1,bytes=1');
	history.create('/zookeeper/quota/zookeeper_stats', 'count=0,bytes=0');
	history.create('/a', '123');
	expect(textOf(history.tree, '/zookeeper/quota/zookeeper_stats')).toBe('count=6,bytes=30');
	expect(history.tree.quotaPrefix('/a')).toBeNull();
});

it('83: loading a snapshot finds the quotas and counts anew', () => {
	const history = new QuotaHistory();
	history.create('/a', '12345');
	history.setQuota('/a', 'count=10,bytes=1000');
	history.apply({
		kind: 'setData',
		path: '/zookeeper/quota/a/zookeeper_stats',
		data: bytes('count=77,bytes=77'),
		version: 1,
	});
	const frozen = history.tree.freeze();
	const loaded = DataTree.load();
	for (const [id, acl] of frozen.acls) loaded.addAcl(id, acl);
	for (const node of frozenNodes(frozen.transferable())) loaded.addNode(node.path, node.data, node.aclId, node.stat);
	loaded.finishLoading();
	expect(textOf(loaded, '/zookeeper/quota/a/zookeeper_stats')).toBe('count=1,bytes=5');
	expect(loaded.quotaPrefix('/a')).toBe('/a');
});

it('15, 29: reads limits of all releases', () => {
	expect(parseQuota(bytes('count=12,bytes=-1=;byteHardLimit=-1;countHardLimit=8'))).toEqual({
		count: 12,
		bytes: -1,
		countHardLimit: 8,
		byteHardLimit: -1,
	});
	expect(parseQuota(bytes('count=5,bytes=6'))).toEqual({ count: 5, bytes: 6, countHardLimit: -1, byteHardLimit: -1 });
	for (const none of [null, bytes(''), bytes('count'), bytes('count=x,bytes='), bytes('\0\u00ff=;,=')]) {
		expect(parseQuota(none)).toEqual({ count: -1, bytes: -1, countHardLimit: -1, byteHardLimit: -1 });
	}
});

it('15, 29: a hard limit refuses, a soft one is only reported, and the hard one of a pair counts', () => {
	const history = new QuotaHistory();
	for (const path of ['/soft', '/hard', '/both']) history.create(path, '1234');
	history.setQuota('/soft', 'count=2,bytes=10');
	history.setQuota('/hard', 'count=-1,bytes=-1=;byteHardLimit=10;countHardLimit=2');
	history.setQuota('/both', 'count=1,bytes=1=;byteHardLimit=10;countHardLimit=-1');
	const check = (path: string, bytesDiff: number, countDiff: number) =>
		quotaExcess(history.tree, path, bytesDiff, countDiff);
	expect(check('/soft/x', 6, 1)).toBeNull();
	expect(check('/soft/x', 7, 1)).toEqual({ path: '/soft', what: 'bytes', hard: false, limit: 10, value: 11 });
	expect(check('/soft/x', 0, 2)).toEqual({ path: '/soft', what: 'count', hard: false, limit: 2, value: 3 });
	expect(check('/hard/x', 6, 1)).toBeNull();
	expect(check('/hard/x', 7, 1)).toEqual({ path: '/hard', what: 'bytes', hard: true, limit: 10, value: 11 });
	expect(check('/hard/x', 0, 2)).toEqual({ path: '/hard', what: 'count', hard: true, limit: 2, value: 3 });
	// The soft count of /both is exceeded as well: what refuses comes first.
	expect(check('/both/x', 7, 1)).toEqual({ path: '/both', what: 'bytes', hard: true, limit: 10, value: 11 });
	expect(check('/both/x', 6, 1)).toEqual({ path: '/both', what: 'count', hard: false, limit: 1, value: 2 });
	expect(check('/both', -1, 0)).toBeNull();
	expect(check('/elsewhere', 1000, 1)).toBeNull();
});

it('29: shrinking is refused too while the usage is over a hard limit, as in ZooKeeper', () => {
	const history = new QuotaHistory();
	history.create('/a', '1234567890');
	history.setQuota('/a', 'count=-1,bytes=-1=;byteHardLimit=5;countHardLimit=-1');
	expect(quotaExcess(history.tree, '/a', -1, 0)).toMatchObject({ hard: true, value: 9 });
	expect(quotaExcess(history.tree, '/a', 0, 0)).toBeNull();
	expect(quotaExcess(history.tree, '/a', -5, 0)).toBeNull();
});
