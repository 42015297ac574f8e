import { beforeEach, describe, expect, it } from 'vitest';
import { openAcl } from '#jute/acl';
import type { Acl, Id } from '#jute/records';
import type { SessionId, Zxid } from '#jute/scalars';
import type { Txn } from '#jute/txn';
import type { WatchEvent, Watcher, WatchTarget } from '../model/op.ts';
import { DataTree } from './data-tree.ts';
import { type WatchKind, WatchManager } from './watches.ts';

class Connection implements Watcher {
	readonly sessionId = 1n as SessionId;
	readonly identities: readonly Id[];
	readonly #events: WatchEvent[] = [];

	constructor(...identities: Id[]) {
		this.identities = identities;
	}

	process(event: WatchEvent): void {
		this.#events.push(event);
	}

	/** What arrived since the last call, as `type path`. */
	heard(): string[] {
		return this.events().map(({ type, path }) => `${type} ${path}`);
	}

	events(): WatchEvent[] {
		return this.#events.splice(0);
	}
}

let tree: DataTree;
let watches: WatchManager;
let connection: Connection;
let other: Connection;
let zxid: number;

beforeEach(() => {
	tree = new DataTree();
	watches = new WatchManager(tree);
	connection = new Connection();
	other = new Connection();
	zxid = 0;
});

function apply(txn: Txn): void {
	zxid += 1;
	const header = { sessionId: 9n as SessionId, cxid: 1, zxid: zxid as Zxid, time: 1000 + zxid };
	tree.apply({ header, txn }, watches.listener(header.zxid));
}

function create(path: string, acl: readonly Acl[] = openAcl): void {
	apply({ kind: 'create', path, data: null, acl, ephemeral: false, parentCversion: -1 });
}

const remove = (path: string) => apply({ kind: 'delete', path });
const setData = (path: string) => apply({ kind: 'setData', path, data: null, version: 1 });

describe('firing', () => {
	it('47, 49: a creation tells the path and then its parent, with the zxid', () => {
		watches.add('/a', connection, 'exist');
		watches.add('/', connection, 'child');
		create('/a');
		expect(connection.events()).toEqual([
			{ type: 'nodeCreated', path: '/a', zxid: 1 },
			{ type: 'nodeChildrenChanged', path: '/', zxid: 1 },
		]);
	});

	it('49: a deletion tells a connection with a data and a child watch once, then the parent', () => {
		create('/a');
		watches.add('/a', connection, 'data');
		watches.add('/a', connection, 'child');
		watches.add('/', connection, 'child');
		remove('/a');
		expect(connection.heard()).toEqual(['nodeDeleted /a', 'nodeChildrenChanged /']);
		expect(watches.summary()).toEqual({ connections: 0, paths: 0, watches: 0 });
	});

	it('24, 25, 49: setData tells data watches only, setACL nobody', () => {
		create('/a');
		watches.add('/a', connection, 'data');
		watches.add('/a', other, 'child');
		watches.add('/', other, 'child');
		apply({ kind: 'setACL', path: '/a', acl: openAcl, version: 1 });
		setData('/a');
		expect(connection.heard()).toEqual(['nodeDataChanged /a']);
		expect(other.heard()).toEqual([]);
	});

	it('51: a one-shot watch fires once, and registers once', () => {
		create('/a');
		for (let i = 0; i < 3; i++) watches.add('/a', connection, 'data');
		setData('/a');
		setData('/a');
		expect(connection.heard()).toEqual(['nodeDataChanged /a']);
	});

	it('51: a one-shot and a persistent watch live side by side; the persistent one stays', () => {
		create('/a');
		watches.add('/a', connection, 'persistent');
		watches.add('/a', connection, 'data');
		setData('/a');
		setData('/a');
		expect(connection.heard()).toEqual(['nodeDataChanged /a', 'nodeDataChanged /a']);
		expect(watches.has('/a', connection, 'data')).toBe(false);
		expect(watches.has('/a', connection, 'persistent')).toBe(true);
	});

	it('52: a persistent watch hears of data and children of its path, not of what is below', () => {
		watches.add('/a', connection, 'persistent');
		create('/a');
		create('/a/b');
		setData('/a/b');
		create('/a/b/c');
		setData('/a');
		remove('/a/b/c');
		remove('/a/b');
		remove('/a');
		expect(connection.heard()).toEqual([
			...['nodeCreated /a', 'nodeChildrenChanged /a', 'nodeDataChanged /a', 'nodeChildrenChanged /a', 'nodeDeleted /a'],
		]);
	});

	it('52: a recursive watch hears of the whole subtree, never of changed children', () => {
		watches.add('/a', connection, 'persistentRecursive');
		create('/a');
		create('/a/b');
		create('/a/b/c');
		create('/ab');
		setData('/a/b/c');
		remove('/a/b/c');
		expect(connection.heard()).toEqual([
			...['nodeCreated /a', 'nodeCreated /a/b', 'nodeCreated /a/b/c', 'nodeDataChanged /a/b/c', 'nodeDeleted /a/b/c'],
		]);
	});

	it('52: a recursive watch on the root hears of everything, once', () => {
		watches.add('/', connection, 'persistentRecursive');
		watches.add('/a', connection, 'persistentRecursive');
		watches.add('/a', connection, 'exist');
		create('/a');
		expect(connection.heard()).toEqual(['nodeCreated /a']);
		watches.remove('/', connection, 'persistentRecursive');
		create('/b');
		setData('/a');
		expect(connection.heard()).toEqual(['nodeDataChanged /a']);
	});

	it('53: nothing reaches a connection that is gone', () => {
		for (const kind of ['data', 'child', 'persistent', 'persistentRecursive'] satisfies WatchKind[]) {
			watches.add('/', connection, kind);
			watches.add(`/${kind}`, connection, kind);
		}
		watches.add('/', other, 'child');
		watches.removeWatcher(connection);
		create('/data');
		expect(connection.heard()).toEqual([]);
		expect(other.heard()).toEqual(['nodeChildrenChanged /']);
		expect(watches.summary()).toEqual({ connections: 0, paths: 0, watches: 0 });
	});

	it('53: a connection that is gone gets no more of them, whatever it still has under way', () => {
		create('/data');
		watches.removeWatcher(connection);
		watches.add('/data', connection, 'data');
		watches.add('/data', connection, 'persistentRecursive');
		watches.setWatches(
			{
				relativeZxid: zxid as Zxid,
				data: ['/data'],
				exist: ['/x'],
				child: ['/'],
				persistent: ['/'],
				persistentRecursive: [],
			},
			connection,
		);
		expect(watches.summary()).toEqual({ connections: 0, paths: 0, watches: 0 });
	});

	it('63: a session that closes tells the watches of its ephemerals', () => {
		apply({ kind: 'create', path: '/e', data: null, acl: openAcl, ephemeral: true, parentCversion: -1 });
		watches.add('/e', connection, 'data');
		apply({ kind: 'closeSession', paths: ['/e'] });
		expect(connection.events()).toEqual([{ type: 'nodeDeleted', path: '/e', zxid: 2 }]);
	});
});

describe('48: READ decides who hears', () => {
	const owner: Id = { scheme: 'digest', id: 'u:h' };
	const ownerOnly: readonly Acl[] = [{ perms: 31, ...owner }];
	const writeOnly: readonly Acl[] = [{ perms: 2, scheme: 'world', id: 'anyone' }];

	it('by the ACL of the node, which it had when it is gone', () => {
		const allowed = new Connection(owner);
		for (const each of [connection, allowed]) watches.add('/a', each, 'persistent');
		create('/a', ownerOnly);
		setData('/a');
		remove('/a');
		expect(allowed.heard()).toEqual(['nodeCreated /a', 'nodeDataChanged /a', 'nodeDeleted /a']);
		expect(connection.heard()).toEqual([]);
	});

	it('by the ACL of the parent when children change', () => {
		create('/p', writeOnly);
		watches.add('/p', connection, 'child');
		create('/p/open');
		expect(connection.heard()).toEqual([]);
		create('/q');
		watches.add('/q', connection, 'child');
		create('/q/closed', ownerOnly);
		expect(connection.heard()).toEqual(['nodeChildrenChanged /q']);
	});

	it('and a one-shot watch is used up by an event that may not be told', () => {
		watches.add('/a', connection, 'exist');
		create('/a', ownerOnly);
		apply({ kind: 'setACL', path: '/a', acl: openAcl, version: 1 });
		setData('/a');
		expect(connection.heard()).toEqual([]);
	});

	it('unless the operator says otherwise', () => {
		watches = new WatchManager(tree, () => true);
		watches.add('/a', connection, 'exist');
		create('/a', ownerOnly);
		expect(connection.heard()).toEqual(['nodeCreated /a']);
	});
});

describe('54: setWatches', () => {
	const nothing = { data: [], exist: [], child: [], persistent: [], persistentRecursive: [] };
	const relativeZxid = 3 as Zxid;

	beforeEach(() => {
		for (const path of ['/old', '/changed', '/parent']) create(path); // zxids 1 to 3
		setData('/changed');
		create('/parent/child');
	});

	it('tells what changed and re-arms the rest, data watches by mzxid', () => {
		watches.setWatches({ ...nothing, relativeZxid, data: ['/old', '/changed', '/gone', '/parent'] }, connection);
		expect(connection.events()).toEqual([
			{ type: 'nodeDataChanged', path: '/changed', zxid: -1 },
			{ type: 'nodeDeleted', path: '/gone', zxid: -1 },
		]);
		setData('/old');
		setData('/parent');
		setData('/changed');
		expect(connection.heard()).toEqual(['nodeDataChanged /old', 'nodeDataChanged /parent']);
	});

	it('exist watches by whether the node is there', () => {
		watches.setWatches({ ...nothing, relativeZxid, exist: ['/old', '/none'] }, connection);
		expect(connection.heard()).toEqual(['nodeCreated /old']);
		create('/none');
		expect(connection.heard()).toEqual(['nodeCreated /none']);
	});

	it('child watches by pzxid', () => {
		watches.setWatches({ ...nothing, relativeZxid, child: ['/old', '/parent', '/gone'] }, connection);
		expect(connection.heard()).toEqual(['nodeChildrenChanged /parent', 'nodeDeleted /gone']);
		create('/old/child');
		expect(connection.heard()).toEqual(['nodeChildrenChanged /old']);
	});

	it('54, 55: persistent watches re-arm silently, and a node that went and came back has only changed', () => {
		watches.setWatches(
			{ ...nothing, relativeZxid, persistent: ['/changed'], persistentRecursive: ['/parent'] },
			connection,
		);
		expect(connection.heard()).toEqual([]);
		setData('/changed');
		setData('/parent/child');
		expect(connection.heard()).toEqual(['nodeDataChanged /changed', 'nodeDataChanged /parent/child']);
		remove('/old');
		create('/old');
		watches.setWatches({ ...nothing, relativeZxid, data: ['/old'] }, other);
		expect(other.heard()).toEqual(['nodeDataChanged /old']);
	});

	it('56: may come in several pieces', () => {
		watches.setWatches({ ...nothing, relativeZxid, data: ['/old'] }, connection);
		watches.setWatches({ ...nothing, relativeZxid, child: ['/old'] }, connection);
		expect([watches.has('/old', connection, 'data'), watches.has('/old', connection, 'children')]).toEqual([
			true,
			true,
		]);
	});
});

describe('57: removing and checking', () => {
	it('finds the type that is there, and any', () => {
		watches.add('/a', connection, 'child');
		watches.add('/a', other, 'persistentRecursive');
		expect(watches.has('/a', connection, 'children')).toBe(true);
		expect(watches.has('/a', connection, 'any')).toBe(true);
		for (const type of ['data', 'persistent', 'persistentRecursive'] as const) {
			expect(watches.has('/a', connection, type)).toBe(false);
			expect(watches.remove('/a', connection, type)).toBe(false);
		}
		expect(watches.has('/b', connection, 'any')).toBe(false);
		expect(watches.remove('/a', new Connection(), 'any')).toBe(false);
	});

	it('removes one type and leaves the others', () => {
		create('/a');
		for (const kind of ['data', 'child', 'persistent'] satisfies WatchKind[]) watches.add('/a', connection, kind);
		expect(watches.remove('/a', connection, 'persistent')).toBe(true);
		expect(watches.remove('/a', connection, 'data')).toBe(true);
		setData('/a');
		expect(connection.heard()).toEqual([]);
		expect(watches.remove('/a', connection, 'any')).toBe(true);
		expect(watches.remove('/a', connection, 'any')).toBe(false);
		expect(watches.summary()).toEqual({ connections: 0, paths: 0, watches: 0 });
	});
});

it('says how many watches there are, by path and by connection', () => {
	watches.add('/a', connection, 'data');
	watches.add('/a', connection, 'child');
	watches.add('/a', other, 'data');
	watches.add('/b', other, 'child');
	expect(watches.summary()).toEqual({ connections: 2, paths: 2, watches: 3 });
	expect([...watches.byPath()]).toEqual([
		['/a', [connection, other]],
		['/b', [other]],
	]);
	expect([...watches.byWatcher()]).toEqual([
		[connection, ['/a']],
		[other, ['/a', '/b']],
	]);
});

it('shows the table for data as ZooKeeper does, which counts a persistent watch in both of its tables', () => {
	create('/a');
	watches.add('/a', connection, 'data');
	watches.add('/a', connection, 'child');
	watches.add('/a', other, 'child');
	watches.add('/b', connection, 'exist');
	watches.add('/c', other, 'persistent');
	watches.add('/d', other, 'persistentRecursive');
	expect(watches.tableEntries).toBe(4 + 4);
	expect(watches.dataTableSummary()).toEqual({ connections: 2, paths: 4, watches: 4 });
	expect([...watches.dataTableByPath()]).toEqual([
		['/a', [connection]],
		['/b', [connection]],
		['/c', [other]],
		['/d', [other]],
	]);
	expect([...watches.dataTableByWatcher()]).toEqual([
		[connection, ['/a', '/b']],
		[other, ['/c', '/d']],
	]);
	setData('/a');
	expect(watches.tableEntries).toBe(3 + 4);
	watches.removeWatcher(other);
	watches.removeWatcher(connection);
	expect(watches.tableEntries).toBe(0);
	expect(watches.dataTableSummary()).toEqual({ connections: 0, paths: 0, watches: 0 });
});

it('counts the connections that each event was told to', () => {
	create('/a');
	for (const watcher of [connection, other]) watches.add('/a', watcher, 'data');
	watches.add('/a', other, 'child');
	setData('/a');
	setData('/a');
	create('/a/b');
	expect(watches.fired.nodeDataChanged).toMatchObject({ count: 1, sum: 2 });
	expect(watches.fired.nodeChildrenChanged).toMatchObject({ count: 1, sum: 1 });
	expect(watches.fired.nodeDeleted.count).toBe(0);
});

describe('watches that are opened together', () => {
	const open = (afterZxid: number | undefined, ...targets: WatchTarget[]) =>
		watches.open(afterZxid === undefined ? { targets } : { targets, afterZxid: afterZxid as Zxid }, connection);

	it('46: hear what comes, the one-shot ones once', () => {
		create('/a');
		open(
			undefined,
			{ path: '/a', kind: 'child' },
			{ path: '/new', kind: 'data' },
			{ path: '/a', kind: 'persistentRecursive' },
		);
		expect(watches.pathsOf(connection)).toBe(2);
		create('/new');
		create('/a/b');
		create('/a/c');
		setData('/new');
		expect(connection.heard()).toEqual([
			'nodeCreated /new',
			'nodeCreated /a/b',
			'nodeChildrenChanged /a',
			'nodeCreated /a/c',
		]);
		watches.removeWatcher(connection);
		expect(watches.pathsOf(connection)).toBe(0);
	});

	it('54: hear at once what changed behind the zxid they have seen, and only that', () => {
		for (const path of ['/old', '/set', '/parent', '/again']) create(path);
		const seen = zxid;
		setData('/set');
		create('/parent/child');
		create('/new');
		remove('/again');
		create('/again');
		const kinds = ['data', 'child', 'persistent', 'persistentRecursive'] as const;
		const heard = (path: string) =>
			kinds.map((kind) => {
				watches.removeWatcher(connection);
				connection = new Connection();
				open(seen, { path, kind });
				return connection.events().map(({ type, zxid: of }) => (of === -1 ? type : 'a zxid'));
			});
		expect(heard('/old')).toEqual([[], [], [], []]);
		expect(heard('/set')).toEqual([['nodeDataChanged'], [], ['nodeDataChanged'], []]);
		expect(heard('/parent')).toEqual([[], ['nodeChildrenChanged'], ['nodeChildrenChanged'], []]);
		const isNew = [['nodeCreated'], ['nodeChildrenChanged'], ['nodeCreated', 'nodeChildrenChanged'], []];
		expect(heard('/new')).toEqual(isNew);
		expect(heard('/again')).toEqual(isNew);
		// A one-shot watch that has fired is gone, a persistent one stays.
		connection = new Connection();
		open(seen, { path: '/set', kind: 'data' }, { path: '/parent', kind: 'persistent' });
		expect([watches.pathsOf(connection), watches.has('/parent', connection, 'persistent')]).toEqual([1, true]);
	});

	it('54: a node that is missing may have been deleted when a child of the nearest node above came or went', () => {
		create('/a');
		create('/a/b');
		const seen = zxid;
		const missing = (path: string) => {
			connection = new Connection();
			open(seen, { path, kind: 'data' });
			return connection.heard();
		};
		expect(missing('/a/c/d')).toEqual([]);
		remove('/a/b');
		expect(missing('/a/c/d')).toEqual(['nodeDeleted /a/c/d']);
		expect(missing('/a/b')).toEqual(['nodeDeleted /a/b']);
		expect(missing('/c')).toEqual([]);
	});
});

it('who wants to see the tree as the transaction of an event left it is called once, in front of the next one', () => {
	create('/a');
	watches.add('/a', connection, 'persistent');
	const seen: (number | undefined)[] = [];
	connection.process = () => watches.whenApplied(() => seen.push(tree.stat('/a')?.version));
	const twice = { kind: 'setData', path: '/a', data: null } as const;
	apply({
		kind: 'multi',
		ops: [
			{ ...twice, version: 1 },
			{ ...twice, version: 2 },
		],
	});
	expect(seen).toEqual([]);
	setData('/none');
	expect(seen).toEqual([2, 2]);
	create('/b');
	expect(seen).toEqual([2, 2]);
});
