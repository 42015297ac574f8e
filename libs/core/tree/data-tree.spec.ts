import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openAcl } from '#jute/acl';
import { errors } from '#jute/errors';
import type { Acl, TxnHeader } from '#jute/records';
import type { SessionId, Zxid } from '#jute/scalars';
import type { SubTxn, Txn } from '#jute/txn';
import { type NaiveDescription, NaiveTree } from '#test/support/naive-tree';
import { InvariantError } from '../model/assert.ts';
import { DataTree, type TreeListener } from './data-tree.ts';
import { type FrozenTree, frozenNodes } from './frozen-tree.ts';

const session = 0x1000_0314_cd30_019n as SessionId;
const creatorOnly: readonly Acl[] = [{ perms: 31, scheme: 'digest', id: 'user:hash' }];

function header(zxid: number, sessionId: SessionId = session): TxnHeader {
	return { sessionId, cxid: 1, zxid: zxid as Zxid, time: 1_795_245_766_000 + zxid };
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A tree and a counter, to write down histories shortly. */
class History {
	readonly tree = new DataTree();
	zxid = 0;
	readonly events: string[] = [];
	readonly listener: TreeListener = {
		nodeCreated: (path) => this.events.push(`created ${path}`),
		nodeDeleted: (path, acl) => this.events.push(`deleted ${path} ${acl[0]!.scheme}`),
		dataChanged: (path) => this.events.push(`data ${path}`),
		aclChanged: (path) => this.events.push(`acl ${path}`),
		childrenChanged: (path) => this.events.push(`children ${path}`),
	};

	apply(txn: Txn, zxid = ++this.zxid) {
		return this.tree.apply({ header: header(zxid), txn }, this.listener);
	}

	create(path: string, data: Uint8Array | null = null, more: { ephemeral?: boolean; acl?: readonly Acl[] } = {}) {
		const { ephemeral = false, acl = openAcl } = more;
		return this.apply({ kind: 'create', path, data, acl, ephemeral, parentCversion: -1 });
	}
}

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
		expect(['/', '/a', '/a/b', '/ab', '/none'].map((path) => history.tree.allChildrenNumber(path))).toEqual([
			8, 3, 1, 0, 0,
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

// ---- against the naive tree

const names = ['a', 'b', 'a-name-longer-than-sixteen-bytes', 'é', '名前', '😀', '\ud800', 'zookeeper', '0000000001'];
const path = fc.array(fc.constantFrom(...names), { minLength: 1, maxLength: 3 }).map((parts) => `/${parts.join('/')}`);
const data = fc.oneof<fc.WeightedArbitrary<Uint8Array | null>[]>(
	{ weight: 8, arbitrary: fc.option(fc.uint8Array({ maxLength: 40 })) },
	{ weight: 2, arbitrary: fc.integer({ min: 100, max: 5000 }).map((length) => new Uint8Array(length).fill(length)) },
	{ weight: 1, arbitrary: fc.integer({ min: 30_000, max: 70_000 }).map((length) => new Uint8Array(length).fill(7)) },
);
const acl = fc.constantFrom<readonly Acl[]>(openAcl, creatorOnly, [...creatorOnly, ...openAcl], []);
const parentCversion = fc.oneof(fc.constant(-1), fc.integer({ min: 0, max: 30 }));
const kindOf = <K extends string>(...kinds: K[]) => fc.constantFrom(...kinds);

const subTxn: fc.Arbitrary<SubTxn> = fc.oneof(
	{
		weight: 6,
		arbitrary: fc.record({
			kind: kindOf('create', 'create2'),
			path,
			data,
			acl,
			ephemeral: fc.boolean(),
			parentCversion,
		}),
	},
	{ weight: 1, arbitrary: fc.record({ kind: kindOf('createContainer'), path, data, acl, parentCversion }) },
	{
		weight: 1,
		arbitrary: fc.record({
			kind: kindOf('createTTL'),
			path,
			data,
			acl,
			parentCversion,
			ttlMs: fc.integer({ min: 1, max: 0xff_ffff_ffff }),
		}),
	},
	{ weight: 3, arbitrary: fc.record({ kind: kindOf('delete', 'deleteContainer'), path }) },
	{ weight: 4, arbitrary: fc.record({ kind: kindOf('setData'), path, data, version: fc.integer() }) },
	{ weight: 2, arbitrary: fc.record({ kind: kindOf('setACL'), path, acl, version: fc.integer() }) },
	{ weight: 1, arbitrary: fc.record({ kind: kindOf('check'), path, version: fc.integer() }) },
);
const errorTxn: fc.Arbitrary<SubTxn> = fc.record({ kind: kindOf('error'), code: fc.integer({ min: -127, max: 0 }) });
const txn: fc.Arbitrary<Txn> = fc.oneof(
	{ weight: 12, arbitrary: subTxn },
	{
		weight: 2,
		arbitrary: fc.record({
			kind: kindOf('multi'),
			ops: fc.array(fc.oneof({ weight: 9, arbitrary: subTxn }, { weight: 1, arbitrary: errorTxn }), { maxLength: 4 }),
		}),
	},
	{
		weight: 1,
		arbitrary: fc.record({ kind: kindOf('closeSession'), paths: fc.option(fc.array(path, { maxLength: 3 })) }),
	},
	{ weight: 1, arbitrary: errorTxn },
	{ weight: 1, arbitrary: fc.record({ kind: kindOf('createSession'), timeoutMs: fc.integer() }) },
);
type Step =
	| { readonly do: 'apply'; readonly txn: Txn; readonly sessionId: SessionId; readonly zxidBack: number }
	| { readonly do: 'freeze' }
	| { readonly do: 'release'; readonly oldest: boolean };
const step: fc.Arbitrary<Step> = fc.oneof(
	{
		weight: 20,
		arbitrary: fc.record({
			do: kindOf('apply'),
			txn,
			sessionId: fc.constantFrom(session, 0xfe00_0000_0000_0001n as SessionId),
			zxidBack: fc.oneof(
				{ weight: 9, arbitrary: fc.constant(0) },
				{ weight: 1, arbitrary: fc.integer({ min: 1, max: 5 }) },
			),
		}),
	},
	{ weight: 1, arbitrary: fc.record({ do: kindOf('freeze') }) },
	{ weight: 1, arbitrary: fc.record({ do: kindOf('release'), oldest: fc.boolean() }) },
);

function describeTree(tree: DataTree): NaiveDescription[] {
	return [...tree.paths()].map((at) => {
		const content = tree.data(at)!;
		return { path: at, data: content && [...content], acl: tree.acl(at)!, stat: tree.storedStat(at)! };
	});
}

function describeFrozen(frozen: FrozenTree): NaiveDescription[] {
	const acls = new Map<number, readonly Acl[]>(frozen.acls);
	return [...frozenNodes(structuredClone(frozen.transferable()))].map(({ path: at, data: content, aclId, stat }) => ({
		path: at,
		data: content && [...content],
		acl: aclId === -1 ? openAcl : acls.get(aclId)!,
		stat,
	}));
}

it('18-27, 42, 63, 76, 78: equals a naive tree after any transactions, and a frozen one what the tree was when it froze', () => {
	fc.assert(
		fc.property(fc.array(step, { minLength: 1, maxLength: 150, size: 'max' }), (steps) => {
			const tree = new DataTree();
			const naive = new NaiveTree();
			const open: { readonly frozen: FrozenTree; readonly expected: NaiveDescription[]; readonly digest: bigint }[] =
				[];
			let zxid = 0;
			for (const each of steps) {
				if (each.do === 'apply') {
					zxid += 1;
					const head = header(Math.max(1, zxid - each.zxidBack), each.sessionId);
					const result = tree.apply({ header: head, txn: each.txn });
					expect(result.error).toBe(naive.apply(head, each.txn));
					expect(tree.digest()).toBe(naive.digest());
					expect(tree.size).toBe(naive.nodes.size);
				} else if (each.do === 'freeze' && open.length < 2) {
					open.push({ frozen: tree.freeze(), expected: naive.describe(), digest: naive.digest() });
				} else if (each.do === 'release' && open.length > 0) {
					const { frozen, expected, digest } = each.oldest ? open.shift()! : open.pop()!;
					expect(describeFrozen(frozen)).toEqual(expected);
					expect([frozen.digest, frozen.size]).toEqual([digest, expected.length]);
					frozen.release();
				}
			}
			for (const { frozen, expected } of open) expect(describeFrozen(frozen)).toEqual(expected);
			expectEqual(tree, naive);
		}),
		{ numRuns: 80 },
	);
});

function expectEqual(tree: DataTree, naive: NaiveTree): void {
	expect(describeTree(tree)).toEqual(naive.describe());
	const sorted = (paths: Iterable<string>) => [...paths].sort();
	const owned = (matches: (owner: bigint) => boolean) =>
		sorted([...naive.nodes].flatMap(([at, node]) => (matches(node.stat.ephemeralOwner) ? [at] : [])));
	const marks = (owner: bigint) => owner === 1n << 63n || owner >> 56n === 0xffn;
	expect(sorted(tree.containers())).toEqual(owned((owner) => owner === 1n << 63n));
	expect(sorted(tree.ttlNodes())).toEqual(owned((owner) => owner >> 56n === 0xffn));
	for (const id of tree.sessionsWithEphemerals()) expect(sorted(tree.ephemeralsOf(id))).toEqual(owned((o) => o === id));
	expect(tree.ephemeralCount).toBe(owned((owner) => owner !== 0n && !marks(owner)).length);
	let size = 1;
	for (const [at, { data: content, stat, children }] of naive.nodes) {
		size += at === '/' ? (content?.length ?? 0) * 2 : at.length + (content?.length ?? 0);
		const numChildren = children.size;
		const shown = marks(stat.ephemeralOwner) ? 0n : stat.ephemeralOwner;
		expect(tree.stat(at)).toEqual({
			...stat,
			cversion: (stat.cversion * 2 - numChildren) | 0,
			ephemeralOwner: shown,
			dataLength: content?.length ?? 0,
			numChildren,
		});
		expect(tree.children(at)).toEqual([...children].map((child) => child.slice(child.lastIndexOf('/') + 1)));
		expect(tree.node(at)).toMatchObject({ path: at, stat, childCount: numChildren, dataLength: content?.length ?? 0 });
	}
	expect(tree.approximateDataSize).toBe(size);
}

describe('freeze', () => {
	it('allows two at a time and says so when a third is asked for', () => {
		const { tree } = new History();
		const first = tree.freeze();
		const second = tree.freeze();
		expect(() => tree.freeze()).toThrow(InvariantError);
		expect(() => tree.freeze()).toThrow('at most 2 freezes');
		first.release();
		first.release(); // nothing happens
		expect(() => first.transferable()).toThrow('before it is released');
		tree.freeze().release();
		second.release();
	});

	it('shows a worker thread the frozen state while the tree goes on, without a copy', async () => {
		const history = new History();
		history.create('/p', new Uint8Array(0));
		const count = 3000;
		for (let i = 0; i < count; i++) history.create(`/p/${i}`, bytes(`before ${i}`));
		const frozen = history.tree.freeze();
		frozen.sessions = new Map([[session, 6000]]);
		const worker = new Worker(
			`const { parentPort, workerData } = require('node:worker_threads');
			parentPort.on('message', async (message) => {
				const { frozenNodes } = await import(workerData);
				const nodes = [];
				for (const { path, data } of frozenNodes(message)) nodes.push(path + '=' + Buffer.from(data).toString());
				parentPort.postMessage({ nodes, sessions: message.sessions, digest: message.digest, zxid: message.zxid });
			});`,
			{ eval: true, workerData: new URL('./frozen-tree.ts', import.meta.url).href, execArgv: ['--conditions=source'] },
		);
		try {
			const answers: unknown[] = [];
			for (let round = 0; round < 3; round++) {
				const answer = new Promise((resolve, reject) => {
					worker.once('message', resolve);
					worker.once('error', reject);
				});
				worker.postMessage(frozen.transferable());
				for (let i = 0; i < count; i++) {
					history.apply({ kind: 'setData', path: `/p/${i}`, data: bytes(`after ${i} ${round}`), version: 1 });
				}
				for (let i = 0; i < count; i += 2) history.apply({ kind: 'delete', path: `/p/${i}` });
				for (let i = 0; i < count; i += 2) history.create(`/p/${i}`, bytes('anew'));
				answers.push(await answer);
			}
			const children = Array.from({ length: count }, (_, i) => `/p/${i}=before ${i}`);
			const nodes = ['/=', '/zookeeper=', '/zookeeper/quota=', '/zookeeper/config=', '/p=', ...children];
			const expected = { nodes, sessions: frozen.sessions, digest: frozen.digest, zxid: count + 1 };
			expect(answers).toEqual([expected, expected, expected]);
		} finally {
			await worker.terminate();
			frozen.release();
		}
	});
});

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
