/** Every operation with a body that ends at every byte, and with bytes behind it, as a script. */
import type { ClientRequest } from '#jute/client/requests';
import { opCode } from '#jute/op-codes';
import { open } from './random-values.ts';
import { bodyOf, type Script, type Step } from './script.ts';

const data = Buffer.from('xy');
const twoEntries = [...open, { perms: 1, scheme: 'digest', id: 'a:b' }];

/** Each can be sent any number of times. A check on its own is not among them: see docs/divergence.md. */
const samples: readonly ClientRequest[] = [
	{ kind: 'create', path: '/n', data, acl: twoEntries, flags: 2 },
	{ kind: 'create2', path: '/n', data, acl: open, flags: 2 },
	{ kind: 'createContainer', path: '/n', data, acl: open, flags: 4 },
	{ kind: 'createTTL', path: '/n', data, acl: open, flags: 6, ttlMs: 100_000 },
	{ kind: 'delete', path: '/n', version: 7 },
	{ kind: 'exists', path: '/n', watch: false },
	{ kind: 'getData', path: '/', watch: false },
	{ kind: 'setData', path: '/', data, version: -1 },
	{ kind: 'getACL', path: '/' },
	{ kind: 'setACL', path: '/', acl: open, version: -1 },
	{ kind: 'getChildren', path: '/zookeeper', watch: false },
	{ kind: 'getChildren2', path: '/zookeeper', watch: false },
	{ kind: 'sync', path: '/' },
	{
		kind: 'multi',
		ops: [
			{ kind: 'setData', path: '/', data: null, version: -1 },
			{ kind: 'create', path: '/n', data: null, acl: open, flags: 2 },
			{ kind: 'check', path: '/', version: -1 },
		],
	},
	{
		kind: 'multi',
		ops: [
			{ kind: 'createTTL', path: '/n', data: null, acl: open, flags: 6, ttlMs: 5000 },
			{ kind: 'delete', path: '/none', version: -1 },
			{ kind: 'check', path: '/', version: -1 },
		],
	},
	{
		kind: 'multiRead',
		ops: [
			{ kind: 'getData', path: '/', watch: true },
			{ kind: 'getChildren', path: '/none', watch: true },
		],
	},
	{ kind: 'reconfig', joiningServers: 'a', leavingServers: 'b', newMembers: null, configId: -1n },
	{ kind: 'checkWatches', path: '/none', type: 3 },
	{ kind: 'removeWatches', path: '/none', type: 3 },
	{ kind: 'addWatch', path: '/never', mode: 0 },
	{
		kind: 'setWatches2',
		relativeZxid: 1_000_000,
		data: ['/'],
		exist: ['/no'],
		child: ['/'],
		persistent: ['/p'],
		persistentRecursive: ['/r'],
	},
	{
		kind: 'setWatches',
		relativeZxid: 0,
		data: ['/'],
		exist: ['/no'],
		child: ['/zookeeper'],
		persistent: [],
		persistentRecursive: [],
	},
	{ kind: 'getEphemerals', path: '/' },
	{ kind: 'getAllChildrenNumber', path: '/zookeeper' },
	{ kind: 'whoAmI' },
	{ kind: 'auth', type: 0, scheme: 'digest', auth: Buffer.from('a:b') },
	{ kind: 'sasl', token: Buffer.from('token') },
	{ kind: 'ping' },
	{ kind: 'closeSession' },
];

export function bodySweep(): Script {
	const steps: Step[] = [
		{ kind: 'open', slot: 0, timeoutMs: 30_000, readOnly: false, seen: 'none', protocolVersion: 0 },
	];
	for (const request of samples) {
		const type = opCode[request.kind];
		const body = bodyOf({ type, request }, 0);
		for (let cut = 0; cut <= body.length; cut++) {
			steps.push({ kind: 'send', slot: 0, requests: [{ type, request, cut }] });
		}
		steps.push({ kind: 'send', slot: 0, requests: [{ type, bytes: Buffer.concat([body, Buffer.from('more')]) }] });
	}
	return { seed: 0, slots: 1, steps };
}
