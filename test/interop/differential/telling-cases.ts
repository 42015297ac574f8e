/** What differed once or is too rare to be drawn, each with the line that says how. Unlike a seed, they mean the same when the generator has changed. */
import type { ClientRequest } from '#jute/client/requests';
import { opCode } from '#jute/op-codes';
import { open } from './random-values.ts';
import type { Script, ScriptRequest, Slot, Step } from './script.ts';

const plain = (request: ClientRequest): ScriptRequest => ({ type: opCode[request.kind], request });
const send = (...requests: ScriptRequest[]): Step => ({ kind: 'send', slot: 0, requests });
/** By the other client. */
const others = (...requests: ClientRequest[]): Step[] =>
	requests.map((request) => ({ kind: 'send', slot: 1, requests: [plain(request)] }));
const opened = (slot: Slot): Step => ({
	kind: 'open',
	slot,
	timeoutMs: 30_000,
	readOnly: false,
	seen: 'none',
	protocolVersion: 0,
});
const asked = (...requests: ClientRequest[]): Step[] => requests.map((request) => send(plain(request)));
const withNullPath = (request: ClientRequest): Step => send({ ...plain(request), nullPath: true });
const raw = (early: boolean, ...bytes: number[]): Step => ({
	kind: 'raw',
	slot: 0,
	early,
	bytes: Uint8Array.from(bytes),
});
const node = { path: '/n', data: null, acl: open } as const;

const cases: readonly (readonly [story: string, steps: readonly Step[]])[] = [
	['a ping is answered with xid -2 whatever its own', [send({ ...plain({ kind: 'ping' }), xid: 77 })]],
	[
		'the empty path has one descendant more than the root',
		asked({ kind: 'getAllChildrenNumber', path: '' }, { kind: 'getAllChildrenNumber', path: '/' }),
	],
	[
		'whoAmI shows users without their hash',
		asked({ kind: 'auth', type: 0, scheme: 'digest', auth: Buffer.from('ada:secret') }, { kind: 'whoAmI' }),
	],
	[
		'a null path is no empty one',
		[
			withNullPath({ kind: 'exists', path: '', watch: false }),
			withNullPath({ kind: 'getData', path: '', watch: false }),
			withNullPath({ kind: 'getACL', path: '' }),
			withNullPath({ kind: 'getChildren', path: '', watch: false }),
			withNullPath({ kind: 'getChildren2', path: '', watch: false }),
			withNullPath({ kind: 'getAllChildrenNumber', path: '' }),
			withNullPath({ kind: 'getEphemerals', path: '' }),
			withNullPath({ kind: 'sync', path: '' }),
			withNullPath({ kind: 'create', ...node, path: '', flags: 0 }),
			withNullPath({ kind: 'delete', path: '', version: -1 }),
			withNullPath({ kind: 'setData', path: '', data: null, version: -1 }),
			withNullPath({ kind: 'setACL', path: '', acl: open, version: -1 }),
			withNullPath({ kind: 'removeWatches', path: '', type: 3 }),
		],
	],
	[
		'in a multi the flags decide, not the op code',
		asked(
			{
				kind: 'multi',
				ops: [
					{ kind: 'createTTL', ...node, flags: 0, ttlMs: 5 },
					{ kind: 'delete', path: '/n', version: -1 },
				],
			},
			{ kind: 'multi', ops: [{ kind: 'create2', ...node, flags: 2 }] },
			{
				kind: 'multi',
				ops: [
					{ kind: 'create', ...node, flags: 4 },
					{ kind: 'create2', ...node, path: '/m', flags: 0 },
				],
			},
			{ kind: 'multi', ops: [{ kind: 'createTTL', ...node, path: '/t', flags: 6, ttlMs: 600_000 }] },
		),
	],
	[
		'the types of watches that 3.9 added are unknown',
		asked(
			{ kind: 'addWatch', path: '/w', mode: 0 },
			{ kind: 'removeWatches', path: '/w', type: 4 },
			{ kind: 'removeWatches', path: '/w', type: 5 },
			{ kind: 'removeWatches', path: '/w', type: 3 },
			{ kind: 'removeWatches', path: '/w', type: 3 },
		),
	],
	[
		'a multiRead leaves no watch',
		asked(
			{ kind: 'create', ...node, flags: 0 },
			{
				kind: 'multiRead',
				ops: [
					{ kind: 'getData', path: '/n', watch: true },
					{ kind: 'getChildren', path: '/n', watch: true },
				],
			},
			{ kind: 'setData', path: '/n', data: null, version: 0 },
			{ kind: 'ping' },
		),
	],
	[
		'a reconfig that cannot be decoded draws no zxid',
		[send({ type: opCode.reconfig, bytes: new Uint8Array(0) }), ...asked({ kind: 'ping' })],
	],
	[
		'the largest frame there may be, and one byte more',
		[1_048_554, 1_048_555].flatMap((length) =>
			asked(
				{ kind: 'setData', path: '/', data: Buffer.alloc(length, 'x'), version: -1 },
				{ kind: 'setData', path: '/', data: null, version: -1 },
			),
		),
	],
	[
		'frames that are none end the connection',
		[false, true].flatMap((early) => [
			raw(early, 0, 0, 0, 0),
			raw(early, 0, 0, 0, 4, 0, 0, 0, 1),
			raw(early, 0, 0, 0, 7, 0, 0, 0, 1, 0, 0, 0),
			raw(early, 255, 255, 255, 255),
			raw(early, 128, 0, 0, 0),
			raw(early, 127, 255, 255, 255),
			raw(early, 0, 16, 0, 0),
		]),
	],
	[
		'who may not read a node hears nothing of it',
		[
			...asked({ kind: 'exists', path: '/p', watch: true }, { kind: 'addWatch', path: '/', mode: 1 }),
			...others(
				{ kind: 'auth', type: 0, scheme: 'digest', auth: Buffer.from('ada:secret') },
				{ kind: 'create', path: '/p', data: null, acl: [{ perms: 31, scheme: 'auth', id: '' }], flags: 0 },
			),
			...asked({ kind: 'exists', path: '/p', watch: true }),
			...others(
				{ kind: 'setData', path: '/p', data: null, version: -1 },
				{ kind: 'create', path: '/p/q', data: null, acl: open, flags: 0 },
				{ kind: 'delete', path: '/p/q', version: -1 },
			),
			...asked({ kind: 'exists', path: '/p', watch: true }),
			...others({ kind: 'delete', path: '/p', version: -1 }),
			...asked({ kind: 'ping' }),
		],
	],
	['null credentials are no good', asked({ kind: 'auth', type: 0, scheme: 'digest', auth: null }, { kind: 'ping' })],
	['a null SASL token ends the connection', asked({ kind: 'sasl', token: null }, { kind: 'ping' })],
	[
		'a token without SASL is answered with none',
		asked({ kind: 'sasl', token: Buffer.from('token') }, { kind: 'ping' }),
	],
];

export const tellingCases: readonly (readonly [story: string, script: Script])[] = cases.map(([story, steps]) => [
	story,
	{
		seed: 0,
		slots: 2,
		steps: [opened(0), opened(1), ...steps],
	},
]);
