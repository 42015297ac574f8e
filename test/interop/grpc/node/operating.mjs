/** The history, and what is for operators. */
import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict';
import { check, eventually, fails } from './checks.mjs';
import { all, basic, call, inside, Operating, stream } from './client.mjs';

check('the history tells who did what, how nodes and trees were, and what is different', async (world) => {
	const { one, two, three, root } = world;
	const path = `${root}/past`;
	const made = await call(one.znode, 'create', { path, data: Buffer.from('before') }, basic('ann:secret'));
	await call(one.znode, 'set', { path, data: Buffer.from('after') });
	const child = await call(one.znode, 'create', { path: `${path}/child` });
	const isMirrored = ({ mirror }) => BigInt(mirror.mirroredZxid) >= BigInt(child.zxid);
	await eventually(
		async () => (await Promise.all([one, two, three].map(({ admin }) => call(admin, 'status')))).some(isMirrored),
		'the mirror is in step',
	);
	const entries = await all(one.history, 'history', { path, recursive: true, toZxid: child.zxid });
	deepEqual(
		entries.map(({ type }) => type),
		['create', 'setData', 'create'],
	);
	const [{ zxid, context }] = entries;
	deepEqual([zxid, context.door, context.identities[0].scheme], [made.zxid, 'grpc', 'digest']);
	const then = await call(one.history, 'znodeAt', { path, zxid: made.zxid });
	deepEqual([String(then.znode.data), then.zxid], ['before', made.zxid]);
	const trees = await all(one.history, 'treeAt', { zxid: child.zxid, prefix: path });
	deepEqual(
		trees.flatMap(({ znodes }) => znodes.map((node) => node.path)),
		[path, child.path],
	);
	const names = await all(one.history, 'childrenAt', { zxid: child.zxid, path });
	deepEqual(
		[names[0].stat.numChildren, names.flatMap(({ children }) => children)],
		[1, [child.path.slice(path.length + 1)]],
	);
	const between = { fromZxid: made.zxid, toZxid: child.zxid, prefix: path };
	deepEqual(
		(await all(one.history, 'diff', between)).map((one) => [one.path, one.kind]),
		[
			[path, 'DIFF_KIND_CHANGED'],
			[child.path, 'DIFF_KIND_CREATED'],
		],
	);
	const ahead = { path, zxid: String(Number.MAX_SAFE_INTEGER) };
	await fails('OUT_OF_RANGE', undefined, one.history, 'znodeAt', ahead);
});

check('the history comes as it is committed, and goes on at another replica', async ({ one, two, three, root }) => {
	const path = `${root}/tailed`;
	const made = await call(one.znode, 'create', { path, data: Buffer.from('1') });
	const request = { fromZxid: String(BigInt(made.zxid) - 1n), paths: [{ path }], withData: true };
	const first = await firstWith('transactions', stream(one.history, 'tailTransactions', request));
	deepEqual(
		first.transactions.map(({ transaction }) => [transaction.zxid, String(transaction.changes[0].data)]),
		[[made.zxid, '1']],
	);
	const changed = await call(one.znode, 'set', { path, data: Buffer.from('2') });
	const further = stream(two.history, 'tailTransactions', { ...request, fromZxid: first.zxid });
	const { transactions } = await firstWith('transactions', further);
	deepEqual(
		transactions.map(({ transaction }) => transaction.zxid),
		[changed.zxid],
	);
	const watch = stream(three.history, 'watch', { fromZxid: made.zxid, path });
	const { changes } = await firstWith('changes', watch);
	deepEqual(
		changes.map(({ zxid, change }) => [zxid, change.type]),
		[[changed.zxid, 'setData']],
	);
});

/** Of the responses, the first that has any of these. */
async function firstWith(field, responses) {
	for await (const response of responses) if (response[field].length > 0) return response;
	throw new Error('the stream has ended');
}

check('an operator sees states, rates and connections, takes snapshots and sheds load', async ({ one }) => {
	const status = await call(one.admin, 'status');
	deepEqual([status.serverId, status.ready, status.ensemble.members.length], [1, true, 3]);
	let messages = 0;
	for await (const { intervalMs, operations } of stream(one.admin, 'watchStatus', { intervalMs: 100 })) {
		if (messages++ === 0) equal(intervalMs, 0);
		if (operations.some(({ operation, door }) => operation === 'exists' && door === 'grpc')) break;
		await call(one.znode, 'exists', { path: '/' });
	}
	ok(messages > 1);
	ok(BigInt((await call(one.admin, 'takeSnapshot')).bytes) > 0n);
	const operating = new Operating(one.session, { open: { timeoutMs: 20_000 } });
	const { opened } = await operating.item();
	const { connections } = await call(one.admin, 'listConnections');
	const { id } = connections.find(({ sessionId }) => sessionId === opened.sessionId);
	equal((await call(one.admin, 'shedLoad', { connections: { ids: [id] } })).closed, 1);
	equal((await operating.item()).item, 'goingAway');
	await rejects(operating.item(), { code: 'UNAVAILABLE' });
	await call(one.session, 'closeSession', {}, inside(opened));
});

check('an operator sees and changes the members', async ({ one, joiner }) => {
	const asSuper = basic('super:recorder');
	const { config } = await call(one.admin, 'getConfig');
	match(config, /^(server\.\d=.*\n){3}version=/);
	await fails('PERMISSION_DENIED', 'NoAuth', one.admin, 'reconfig', { joining: joiner });
	const fromVersion = '7';
	await fails('FAILED_PRECONDITION', 'BadVersion', one.admin, 'reconfig', { joining: joiner, fromVersion }, asSuper);
	ok((await call(one.admin, 'reconfig', { joining: joiner }, asSuper)).config.includes(joiner));
	const left = await call(one.admin, 'reconfig', { leaving: '4' }, asSuper);
	equal(left.config.replace(/version=.*/, ''), config.replace(/version=.*/, ''));
});
