/** The codes are those of Apache ZooKeeper 3.8: an ensemble of three was asked wherever a client of it can ask that. */
import { beforeEach, expect, it } from 'vitest';
import { openAcl } from '#jute/acl';
import { errors } from '#jute/errors';
import type { Txn } from '#jute/txn';
import type { Caller, ReconfigOp } from '../../model/op.ts';
import { configPath } from '../../model/path.ts';
import { makeZxid, noSession } from '../../model/zxid.ts';
import { SessionTable } from '../../session/session-table.ts';
import { DataTree } from '../../tree/data-tree.ts';
import { parseQuorumConfig } from '../../zab/parse-quorum-config.ts';
import type { QuorumConfig } from '../../zab/quorum-config.ts';
import { type ChainOptions, defaultChainOptions, superIdentity } from '../options.ts';
import { Prep } from '../prep.ts';
import type { Ensemble } from './ensemble.ts';

const client: Caller = { door: 'zookeeper', identities: [], address: '' };
const superUser: Caller = { ...client, identities: [superIdentity] };
const version = makeZxid(1, 0);
const current = parseQuorumConfig(
	[
		'server.1=10.0.0.1:2888:3888:participant;10.0.0.1:2181',
		'server.2=10.0.0.2:2888:3888:participant;0.0.0.0:2181',
		'server.3=10.0.0.3:2888:3888:participant;0.0.0.0:2181',
		`version=${version.toString(16)}`,
	].join('\n'),
);

let tree: DataTree;
let membership: { current: QuorumConfig; next: QuorumConfig | null };
let synced: Set<number>;
let refused: string[];
let options: ChainOptions;

beforeEach(() => {
	tree = new DataTree();
	membership = { current, next: null };
	synced = new Set([1, 2, 3, 4]);
	refused = [];
	options = { ...defaultChainOptions, reconfigEnabled: true };
});

function prepare(wanted: Partial<ReconfigOp>, caller = superUser, isMember = true): Txn {
	const ensemble: Ensemble = {
		membership,
		isQuorumSynced: (config) => config.isQuorum(synced),
		refused: (reason) => refused.push(reason),
	};
	const { tickMs, minSessionTimeoutMs, maxSessionTimeoutMs } = options;
	const limits = { tickMs, minSessionTimeoutMs, maxSessionTimeoutMs };
	const prep = new Prep({
		tree,
		sessions: new SessionTable({ serverId: 1, ...limits, committed: new Map(), timeMs: 0, nowMs: 0 }),
		options,
		lastZxid: makeZxid(2, 4),
		epoch: 2,
		...(isMember ? { ensemble } : {}),
		onError: (error) => {
			throw error;
		},
	});
	const op: ReconfigOp = {
		kind: 'reconfig',
		joiningServers: null,
		leavingServers: null,
		newMembers: null,
		configId: -1n,
		...wanted,
	};
	const before = tree.digest();
	const { txn, digest } = prep.prepare(
		{ sessionId: noSession, cxid: 1, op, caller, reply: () => {} },
		op,
		undefined,
		1,
		99,
	);
	expect(digest?.value).toBe(before);
	return txn;
}

const codeOf = (txn: Txn): number => (txn.kind === 'error' ? txn.code : 0);
const configOf = (txn: Txn): QuorumConfig => {
	if (txn.kind !== 'reconfig' || txn.data === null) throw new Error(`this is ${txn.kind}`);
	return parseQuorumConfig(Buffer.from(txn.data).toString());
};

it('82: the transaction sets /zookeeper/config to the new configuration, of which its zxid is the version', () => {
	const txn = prepare({
		joiningServers: 'server.4=10.0.0.4:2888:3888:observer;2181, server.2=10.0.0.9:2888:3888;2181',
	});
	expect(txn).toMatchObject({ kind: 'reconfig', path: configPath, version: -1 });
	const config = configOf(txn);
	expect(config.version).toBe(makeZxid(2, 5));
	expect(config.observers).toEqual([4]);
	expect(config.servers.get(2)?.quorumAddresses).toEqual([{ host: '10.0.0.9', port: 2888 }]);
	expect(configOf(prepare({ leavingServers: '3, 8' })).participants).toEqual([1, 2]);
	// One that leaves and joins has its new line.
	const moved = prepare({ leavingServers: '3', joiningServers: 'server.5=10.0.0.3:2888:3888;2181' });
	expect(configOf(moved).participants).toEqual([1, 2, 5]);
	const groups = 'group.1=1,group.2=2,group.3=3';
	const lines = current.toString().split('\n').slice(0, 3).join(',');
	expect(configOf(prepare({ newMembers: `${lines},${groups}` })).groups.size).toBe(3);
	// Without anything it is the same configuration of another version.
	expect(configOf(prepare({})).participants).toEqual([1, 2, 3]);
});

const one = 'server.1=10.1.1.1:1:2;3';
const two = 'server.2=10.1.1.2:1:2;3';
it.each<[string, Partial<ReconfigOp>, keyof typeof errors, string]>([
	['a number that is none', { leavingServers: 'abc' }, 'marshallingError', 'is no server'],
	['no server', { joiningServers: 'nonsense' }, 'badArguments', 'write `server.N=`'],
	['an address that is none', { joiningServers: 'server.4=host:1' }, 'badArguments', 'is not understood'],
	['no port for clients', { joiningServers: 'server.4=10.1.1.1:1:2' }, 'badArguments', 'where clients connect'],
	['a joiner without a number', { joiningServers: 'server.abc=10.1.1.1:1:2;3' }, 'marshallingError', 'is no server'],
	[
		'one address for two that join',
		{ joiningServers: 'server.4=10.1.1.1:1:2;3,server.5=10.1.1.1:1:7;8' },
		'badArguments',
		'10.1.1.1:1 of server.5 is an address of server.4',
	],
	[
		'the address of a member',
		{ joiningServers: 'server.4=10.1.1.1:1:2;10.0.0.1:2181' },
		'badArguments',
		'10.0.0.1:2181 of server.4 is an address of server.1',
	],
	['one port for both', { joiningServers: 'server.4=10.1.1.1:1:1;3' }, 'badArguments', 'two different ports'],
	['one that stays', { leavingServers: '1,2' }, 'badArguments', '1 participants: at least 2'],
	['none that stays', { leavingServers: '1,2,3' }, 'badArguments', '0 participants: at least 2'],
	['garbage', { newMembers: 'nonsense' }, 'badArguments', 'has no `=`'],
	['a role that is none', { newMembers: 'server.1=10.0.0.1:1:2:king;3' }, 'badArguments', 'has the role'],
	['a member without a number', { newMembers: 'server.x=10.0.0.1:1:2;3' }, 'marshallingError', 'should be'],
	['a version that is none', { newMembers: `${one}\nversion=zz` }, 'marshallingError', 'is not a zxid'],
	['one member', { newMembers: one }, 'badArguments', '1 participants'],
	[
		'observers alone',
		{ newMembers: 'server.1=10.1.1.1:1:2:observer;3' },
		'marshallingError',
		'No server is a participant',
	],
	[
		'an observer and one participant',
		{ newMembers: `${one},server.2=10.1.1.2:1:2:observer;3` },
		'marshallingError',
		'1 participants',
	],
	['nobody', { newMembers: '' }, 'badArguments', '0 participants'],
	['a group without numbers', { newMembers: `${one},${two},group.1=1:2:x` }, 'marshallingError', 'should be'],
	['a server in two groups', { newMembers: `${one},${two},group.1=1:2,group.2=2` }, 'badArguments', 'leave it in one'],
	['a server in no group', { newMembers: `${one},${two},group.1=1` }, 'badArguments', 'in no group'],
	['another key', { newMembers: `${one},${two},foo=1` }, 'badArguments', 'is of no use here'],
])('82: %s is refused, and the log says why', (_what, wanted, error, reason) => {
	expect(codeOf(prepare(wanted))).toBe(errors[error].code);
	expect(refused).toEqual([expect.stringContaining(reason)]);
});

it('82: loopback and wildcard addresses are taken twice', () => {
	const lines = ['server.1=127.0.0.1:1:2;3', 'server.2=127.0.0.1:4:5;6'];
	membership.current = parseQuorumConfig(lines.join('\n'));
	expect(codeOf(prepare({ joiningServers: 'server.4=127.0.0.1:1:2;0.0.0.0:3' }))).toBe(0);
});

it('82: without standaloneEnabled one participant is enough', () => {
	options = { ...options, standaloneEnabled: false };
	expect(configOf(prepare({ leavingServers: '2,3' })).participants).toEqual([1]);
	expect(codeOf(prepare({ leavingServers: '1,2,3' }))).toBe(errors.badArguments.code);
	expect(codeOf(prepare({ newMembers: '' }))).toBe(errors.marshallingError.code);
});

it('82: where groups decide all members are to be named', () => {
	membership.current = parseQuorumConfig(`${current.toString()}\ngroup.1=1:2:3`);
	expect(codeOf(prepare({ leavingServers: 'abc' }))).toBe(errors.badArguments.code);
	expect(refused[0]).toContain('groups decide');
});

it('82: what is asked first is answered first', () => {
	const nonsense = { joiningServers: 'nonsense' };
	expect(codeOf(prepare(nonsense, client, false))).toBe(errors.unimplemented.code);
	const noQuorum = Array.from({ length: 5 }, (_, i) => `server.${i + 4}=10.1.1.${i}:1:2;3`).join();
	expect(codeOf(prepare({ joiningServers: noQuorum }, client))).toBe(errors.newConfigNoQuorum.code);
	expect(refused[0]).toContain('(1, 2, 3, 4, 5, 6, 7, 8) is in step');
	expect(codeOf(prepare({ leavingServers: '3' }, client))).toBe(errors.noAuth.code);
	expect(codeOf(prepare({ leavingServers: '3', configId: 9n }, client))).toBe(errors.badVersion.code);
	expect(codeOf(prepare({ leavingServers: '3', configId: BigInt(version) }))).toBe(0);
	expect(codeOf(prepare({ ...nonsense, configId: 9n }))).toBe(errors.badVersion.code);
	membership.next = current.withVersion(makeZxid(2, 1));
	expect(codeOf(prepare({ ...nonsense, configId: 9n }))).toBe(errors.reconfigInProgress.code);
	options = { ...options, reconfigEnabled: false };
	expect(codeOf(prepare(nonsense))).toBe(errors.reconfigDisabled.code);
});

it('34, 82: who may write /zookeeper/config may reconfigure', () => {
	tree.setAcl(configPath, openAcl, 1, undefined);
	expect(codeOf(prepare({ leavingServers: '3' }, client))).toBe(0);
});
