import { describe, expect, it } from 'vitest';
import { openAcl } from '#jute/acl';
import { forwardedOperation, wireRequest } from './forwarding.ts';
import type { CreateMode, WriteOp } from './op.ts';

const modes: readonly CreateMode[] = [
	'persistent',
	'ephemeral',
	'persistentSequential',
	'ephemeralSequential',
	'container',
	'invalid',
];
const data = new Uint8Array([1, 2, 3]);
const creates: WriteOp[] = modes.map((mode) => ({
	kind: 'create',
	path: '/a',
	data,
	acl: openAcl,
	mode,
	withStat: mode === 'container',
}));
const ops: readonly WriteOp[] = [
	...creates,
	{ kind: 'create', path: '/a', data: null, acl: [], mode: 'persistent', withStat: true },
	{ kind: 'create', path: '/a', data, acl: openAcl, mode: 'ttl', withStat: true, ttlMs: 12_345 },
	{ kind: 'create', path: '/a', data, acl: openAcl, mode: 'ttlSequential', withStat: true, ttlMs: 1 },
	{ kind: 'delete', path: '/a', version: 3 },
	{ kind: 'setData', path: '/a', data: null, version: -1 },
	{ kind: 'setACL', path: '/a', acl: openAcl, version: 0 },
	{ kind: 'createSession', timeoutMs: 30_000 },
	{ kind: 'closeSession' },
	{ kind: 'reconfig', joiningServers: 'server.4=a:1:2;3', leavingServers: null, newMembers: null, configId: -1n },
	{ kind: 'unparsable' },
	{
		kind: 'multi',
		ops: [
			{ kind: 'create', path: '/a', data, acl: openAcl, mode: 'ephemeralSequential', withStat: false },
			{ kind: 'create', path: '/c', data, acl: openAcl, mode: 'container', withStat: true },
			{ kind: 'create', path: '/t', data, acl: openAcl, mode: 'ttl', withStat: true, ttlMs: 5 },
			{ kind: 'setData', path: '/a', data, version: 7 },
			{ kind: 'check', path: '/b', version: 1 },
			{ kind: 'delete', path: '/b', version: 1 },
		],
	},
];

describe('a forwarded write', () => {
	it.each(ops)('$kind is the same at the leader', (op) => {
		expect(forwardedOperation(wireRequest(op))).toEqual(op);
	});

	it('45: that cannot be parsed is an operation too', () => {
		expect(forwardedOperation({ type: 1, body: data })).toEqual({ kind: 'unparsable' });
		expect(forwardedOperation({ type: -10, body: data })).toEqual({ kind: 'unparsable' });
		expect(forwardedOperation({ type: 4711, body: data })).toEqual({ kind: 'unknown', code: 4711 });
	});
});
