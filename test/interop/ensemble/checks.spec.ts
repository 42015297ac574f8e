/** The check of what clients were told finds what it is there for. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { ClientNode } from '#test/support/client-tree';
import { checkLoad, type LoadRecord } from '#test/support/ensemble-load';
import { lossesOfZooKeeper } from '#test/support/ensemble-logs';
import type { MemberKind } from '#test/support/ensemble-member';
import { type LoggingMember, mismatchesOf } from '#test/support/ensemble-mismatches';
import { parseDigests, parseStatus } from '#test/support/ensemble-words';

const client = 'a-0';
const path = (name: string): string => `/load/${client}/${name}`;

/** A beginning and its end. */
function done(
	n: number,
	begin: LoadRecord['begin'] & string,
	name: string,
	ok: LoadRecord['ok'] & object,
): LoadRecord[] {
	const data = begin === 'delete' ? null : String(n);
	return [
		{ at: n, client, n, begin, path: path(name), data },
		{ at: n + 1, client, n, ok, tries: 1 },
	];
}

function node(name: string, data: string, version: number, ephemeralOwner = '0x0'): ClientNode {
	const stat = { czxid: '0x1', mzxid: '0x1', pzxid: '0x1', ctime: 0, mtime: 0, aversion: 0, clientCversion: 0 };
	const more = { numChildren: 0, dataLength: data.length, acl: [] };
	return { path: path(name), data: Buffer.from(data).toString('base64'), version, ephemeralOwner, ...stat, ...more };
}

const records = [
	...done(1, 'create', 'sum', { version: 0, zxid: 1 }),
	...done(2, 'create', 'n1', { version: 0, zxid: 2 }),
	...done(3, 'set', 'n1', { version: 1, zxid: 3 }),
	...done(4, 'ephemeral', 'e1', { version: 0, zxid: 4, owner: '0x1' }),
	...done(5, 'multi', 'm1', { version: 1, zxid: 5 }),
	...done(6, 'create', 'n2', { version: 0, zxid: 6 }),
	...done(7, 'delete', 'n2', {}),
];
const tree = [node('sum', '5', 1), node('n1', '3', 1), node('e1', '4', 0, '0x1'), node('m1', '5', 0)];
const without = (name: string): ClientNode[] => tree.filter((one) => one.path !== path(name));

describe('the check of a load', () => {
	it('lets pass what is as it was told', () => {
		expect(checkLoad(records, tree, 'open')).toMatchObject({ problems: [], acknowledged: 7, triedAgain: 0 });
		expect(checkLoad(records, without('e1'), 'closed').problems).toEqual([]);
	});

	it.each([
		['a node is lost', records, without('n1'), 'open', 'n1 is absent'],
		['a write is lost', records, [...without('n1'), node('n1', '2', 0)], 'open', 'has to be "3" version 1'],
		['a write was done twice', records, [...without('n1'), node('n1', '3', 2)], 'open', 'n1 is "3" version 2'],
		['a deleted node is back', records, [...tree, node('n2', '6', 0)], 'open', 'has to be absent'],
		['half of a multi is there', records, without('m1'), 'open', 'm1 is absent'],
		['an ephemeral is gone before its session', records, without('e1'), 'open', 'e1 is absent'],
		['an ephemeral outlives its session', records, tree, 'closed', 'its session is not'],
		[
			'an ephemeral is another one’s',
			records,
			[...without('e1'), node('e1', '4', 0, '0x2')],
			'open',
			'is owned by 0x2',
		],
		['a node nobody made', records, [...tree, node('x', '', 0)], 'open', 'nobody made it'],
		[
			'a version is left out',
			[...records, ...done(8, 'set', 'n1', { version: 3, zxid: 8 })],
			tree,
			'open',
			'version 3 after 1',
		],
		[
			'writes are out of order',
			[...records, ...done(8, 'set', 'n1', { version: 2, zxid: 5 })],
			tree,
			'open',
			'zxid 5 after 6',
		],
		[
			'a user sees an error',
			[...records, { at: 9, client, error: 'SessionExpiredError' }],
			tree,
			'open',
			'SessionExpired',
		],
	] as const)('finds that %s', (_, lines, nodes, sessions, problem) => {
		expect(checkLoad(lines, nodes, sessions).problems.join('\n')).toContain(problem);
	});

	it('lets either be, where the client was killed before it had an answer', () => {
		const begun = { at: 9, client, n: 8, begin: 'set', path: path('n1'), data: '8' } as const;
		for (const [data, version] of [
			['3', 1],
			['8', 2],
		] as const) {
			expect(checkLoad([...records, begun], [...without('n1'), node('n1', data, version)], 'open').problems).toEqual(
				[],
			);
		}
		const other = [...without('n1'), node('n1', '7', 2)];
		expect(checkLoad([...records, begun], other, 'open').problems.join()).toContain('n1 is "7"');
	});
});

describe('the words of a member', () => {
	it('are read', () => {
		expect(parseStatus('Zxid: 0x100000002\nMode: follower\n')).toEqual({ mode: 'follower', zxid: 0x1_0000_0002n });
		expect(parseStatus('This ZooKeeper instance is not currently serving requests\n')).toBeUndefined();
		expect(parseDigests('100000080: 12\n100000100: -3\n')).toEqual(
			new Map([
				[0x1_0000_0080n, '12'],
				[0x1_0000_0100n, '-3'],
			]),
		);
	});
});

describe('what is ZooKeeper’s own', () => {
	const folder = mkdtempSync(join(tmpdir(), 'ensemble-checks-'));
	afterAll(() => rmSync(folder, { recursive: true, force: true }));
	let members = 0;
	const epoch = (number: bigint, from: bigint, to: bigint): bigint[] =>
		Array.from({ length: Number(to - from) + 1 }, (_, index) => (number << 32n) + from + BigInt(index));

	/** With these zxids in a log, and snapshots of these names. */
	function member(
		zxids: readonly bigint[],
		log = '',
		kind: MemberKind = 'zookeeper',
		...snapshots: string[]
	): LoggingMember {
		members += 1;
		const dataDir = join(folder, String(members));
		mkdirSync(join(dataDir, 'version-2'), { recursive: true });
		const records = zxids.map((zxid) => {
			const record = Buffer.alloc(12 + 32 + 1);
			record.writeInt32BE(32, 8);
			record.writeBigInt64BE(zxid, 12 + 12);
			return record;
		});
		writeFileSync(join(dataDir, 'version-2', 'log.100000001'), Buffer.concat([Buffer.alloc(16), ...records]));
		for (const name of snapshots) writeFileSync(join(dataDir, 'version-2', name), '');
		return { id: members, kinds: new Set([kind]), dataDir, lives: [{ kind, log }] };
	}

	const whole = [...epoch(1n, 1n, 20n), ...epoch(2n, 1n, 10n)];
	const hole = [...epoch(1n, 1n, 7n), ...epoch(1n, 12n, 20n), ...epoch(2n, 1n, 10n)];

	it('a hole in one log of what the two others have', () => {
		const complete = [member(whole), member(whole, '', 'chronokeeper')];
		expect(lossesOfZooKeeper([...complete, member(hole)])).toEqual([
			`ZooKeeper member ${members} lost 4 committed transactions from 0x100000008 to 0x10000000b`,
		]);
		const withoutEnd = [...epoch(1n, 1n, 15n), ...epoch(2n, 1n, 10n)];
		expect(lossesOfZooKeeper([...complete, member(withoutEnd)]).join()).toContain('0x100000010 to 0x100000014');
	});

	it('no hole: what a snapshot stands for, what was not there yet, what is not committed, and what is written twice', () => {
		const complete = [member(whole), member(whole)];
		expect(lossesOfZooKeeper([...complete, member(hole, '', 'zookeeper', 'snapshot.10000000b')])).toEqual([]);
		expect(lossesOfZooKeeper([...complete, member(whole.slice(5))])).toEqual([]);
		expect(lossesOfZooKeeper([...complete, member(whole.slice(0, 5))])).toEqual([]);
		expect(lossesOfZooKeeper([member(whole), member(hole), member(hole)])).toEqual([]);
		expect(lossesOfZooKeeper([...complete, member([...whole.slice(0, 9), ...whole.slice(4)])])).toEqual([]);
	});

	it('and never one of ours', () => {
		expect(lossesOfZooKeeper([member(whole), member(whole), member(hole, '', 'chronokeeper')])).toEqual([]);
	});

	const peer = '[QuorumPeer[myid=2](plain=127.0.0.1:1)(secure=disabled)]';
	const [follows, ends] = [`INFO quorum.QuorumPeer - FOLLOWING`, 'INFO server.ZooKeeperServer - shutting down'].map(
		(line) => `1 ${peer} ${line}`,
	);
	const got = (zxid: string) => `1 ${peer} WARN quorum.Learner - Got zxid ${zxid} expected 0x1`;
	const differs = (thread: string, zxid: bigint, times?: number) =>
		times === undefined
			? `1 [${thread}] WARN server.DataTree - Message:Digests are not matching. Value is Zxid. Value:${zxid}`
			: `1 [${thread}] WARN server.DataTree - [${times} times] Message: Digests are not matching. Value is Zxid. Last value:${zxid}`;
	const second = 0x1_0000_0002n;
	const between = [follows, got('0x100000001'), ends, `1 ${peer} INFO FastLeaderElection - New election.`];

	it('mismatches between one leader and the next, also of a thread that is late', () => {
		const log = [
			...between,
			differs('CommitProcessor:2', second),
			follows,
			got('0x100000009'),
			differs('CommitProcessor:2', second + 3n, 4),
		].join('\n');
		expect(mismatchesOf(member(whole, log))).toEqual({
			problems: [],
			ofZooKeeper: 2,
			isCounted: true,
			unsure: [[0x1_0000_0001n, 0x1_0000_0008n]],
		});
	});

	it('but not under a leader, and not when a log is read that is in order', () => {
		const late = [...between, follows, differs('CommitProcessor:2', second)].join('\n');
		expect(mismatchesOf(member(whole, late)).problems).toHaveLength(1);
		const read = differs('main', second);
		expect(mismatchesOf(member(whole, read)).problems).toHaveLength(1);
		expect(mismatchesOf(member([...whole, ...whole], read))).toMatchObject({ problems: [], ofZooKeeper: 1 });
		expect(mismatchesOf(member([...whole, ...whole], read, 'chronokeeper')).problems).toHaveLength(1);
	});
});
