/** Nodes, lists, access control, multis, reads of the newest state, failures, wide numbers. */
import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { check, ephemeral, fails } from './checks.mjs';
import { all, basic, call, inside, metadata } from './client.mjs';

check('nodes are created, read, changed and deleted, with versions; null is not empty', async ({ one, root }) => {
	const path = `${root}/node`;
	const created = await call(one.znode, 'create', { path, data: Buffer.from('one') });
	deepEqual([created.path, created.stat.version, created.stat.czxid], [path, 0, created.zxid]);
	equal(typeof created.zxid, 'string');
	const { stat } = await call(one.znode, 'set', { path, data: Buffer.from('two'), version: 0 });
	deepEqual([stat.version, stat.dataLength], [1, 3]);
	equal(String((await call(one.znode, 'get', { path })).data), 'two');
	await call(one.znode, 'set', { path, data: Buffer.alloc(0) });
	equal((await call(one.znode, 'get', { path })).data.length, 0);
	await call(one.znode, 'set', { path });
	equal((await call(one.znode, 'get', { path })).data, undefined);
	await fails('FAILED_PRECONDITION', 'BadVersion', one.znode, 'delete', { path, version: 0 });
	await call(one.znode, 'delete', { path, version: 3 });
	equal((await call(one.znode, 'exists', { path })).stat, undefined);
});

check('nodes are sequential, containers, or have a time to live', async ({ one, root }) => {
	const path = `${root}/mode`;
	const create = (mode, ttlMs) => call(one.znode, 'create', { path, mode: `CREATE_MODE_${mode}`, ttlMs });
	match((await create('PERSISTENT_SEQUENTIAL')).path, /mode\d{10}$/);
	match((await create('TTL_SEQUENTIAL', '60000')).path, /mode\d{10}$/);
	equal((await create('CONTAINER')).path, path);
	await call(one.znode, 'delete', { path });
	equal((await create('TTL', String(2 ** 40 - 1))).stat.ephemeralOwner, '0');
	const failed = await fails('INVALID_ARGUMENT', undefined, one.znode, 'create', { path: `${root}/x`, ttlMs: '1' });
	equal(failed.BadRequest.fieldViolations[0].field, 'ttl_ms');
});

check('children come whole, by prefix, in pages and as a stream; descendants are counted', async ({ one, root }) => {
	const path = `${root}/list`;
	const names = Array.from({ length: 3000 }, (_, index) => `${index % 2 === 0 ? 'a' : 'b'}${index}`);
	await call(one.znode, 'create', { path });
	const ops = names.map((name) => ({ create: { path: `${path}/${name}`, data: Buffer.from(name) } }));
	await call(one.znode, 'multi', { ops });
	deepEqual((await call(one.znode, 'listChildren', { path })).children.sort(), names.toSorted());
	const found = [];
	let pageToken = '';
	do {
		const page = await call(one.znode, 'listChildren', { path, prefix: 'b', pageSize: 400, pageToken });
		found.push(...page.children);
		pageToken = page.nextPageToken;
	} while (pageToken !== '');
	deepEqual(found, names.filter((name) => name.startsWith('b')).sort());
	const messages = await all(one.znode, 'streamChildren', { path, withData: true });
	const children = messages.flatMap((message) => message.children);
	deepEqual(children.map(({ name }) => name).sort(), names.toSorted());
	ok(children.every(({ name, data, stat }) => String(data) === name && stat.dataLength === name.length));
	equal(messages[0].stat.numChildren, names.length);
	equal((await call(one.znode, 'getAllChildrenNumber', { path: root })).count, names.length + 1);
});

check('access control lists are kept, and credentials make who one is', async ({ one, root }) => {
	const path = `${root}/secret`;
	const ann = basic('ann:secret');
	const { identities } = await call(one.znode, 'whoAmI', {}, ann);
	deepEqual(
		identities.map(({ scheme }) => scheme),
		['ip', 'digest'],
	);
	await call(one.znode, 'create', { path, acl: [{ perms: 31, id: { scheme: 'auth' } }] }, ann);
	await fails('PERMISSION_DENIED', 'NoAuth', one.znode, 'get', { path });
	const { acl } = await call(one.znode, 'getAcl', { path }, ann);
	deepEqual(acl, [{ perms: 31, id: identities[1] }]);
	const everybody = [{ perms: 1, id: { scheme: 'world', id: 'anyone' } }];
	equal((await call(one.znode, 'setAcl', { path, acl: everybody, aversion: 0 }, ann)).stat.aversion, 1);
	await call(one.znode, 'get', { path });
});

check('several changes are one transaction or none; several reads succeed or fail alone', async ({ one, root }) => {
	const path = `${root}/multi`;
	const { results } = await call(one.znode, 'multi', {
		ops: [
			{ create: { path } },
			{ set: { path, version: 0 } },
			{ check: { path, version: 1 } },
			{ create: { path: `${path}/child` } },
			{ delete: { path: `${path}/child` } },
		],
	});
	deepEqual(
		results.map((result) => result.path),
		[path, '', '', `${path}/child`, ''],
	);
	const ops = [{ set: { path } }, { create: { path } }, { delete: { path } }];
	const { ErrorDetail } = await fails('ALREADY_EXISTS', 'NodeExists', one.znode, 'multi', { ops });
	deepEqual([ErrorDetail.op, ErrorDetail.opCodes], [1, [0, -110, -2]]);
	const reads = [{ get: { path } }, { get: { path: `${path}/none` } }, { listChildren: { path } }];
	const read = await call(one.znode, 'multiRead', { ops: reads });
	deepEqual(
		read.results.map(({ result }) => result),
		['get', 'error', 'listChildren'],
	);
	equal(read.results[1].error.name, 'NoNode');
});

check(
	'a linearizable read at any replica sees what was just acknowledged at another',
	async ({ one, two, three, root }) => {
		const path = `${root}/newest`;
		await call(one.znode, 'create', { path });
		for (let count = 0; count < 20; count++) {
			const { zxid } = await call(one.znode, 'set', { path });
			for (const replica of [two, three]) {
				const seen = await call(replica.znode, 'get', { path, consistency: 'CONSISTENCY_LINEARIZABLE' });
				equal(seen.stat.mzxid, zxid);
			}
			const synced = await call(three.znode, 'sync', { path });
			ok(BigInt(synced.zxid) >= BigInt(zxid));
		}
	},
);

check('a failed call says what, where, and what can be done about it, in standard details', async ({ one, root }) => {
	const path = `${root}/missing`;
	const { ErrorDetail, ErrorInfo, Help, RetryInfo } = await fails('NOT_FOUND', 'NoNode', one.znode, 'set', { path });
	deepEqual([ErrorDetail.code, ErrorDetail.path], [-101, path]);
	deepEqual([ErrorInfo.reason, ErrorInfo.domain, ErrorInfo.metadata.path], ['NO_NODE', 'chronokeeper', path]);
	deepEqual(Help.links, [{ description: ErrorDetail.advice, url: 'docs/grpc.md#nonode' }]);
	equal(RetryInfo, undefined);
	await fails('INVALID_ARGUMENT', 'BadArguments', one.znode, 'create', { path: 'relative' });
	const bad = metadata({ authorization: 'Basic !' });
	await fails('UNAUTHENTICATED', 'AuthFailed', one.znode, 'get', { path: '/' }, bad);
});

check('64-bit values are whole at their edges, in both directions', async ({ alone, root }) => {
	// The number of this replica, 255, is the first byte of its session ids.
	const session = await call(alone.session, 'openSession', { timeoutMs: 10_000 });
	equal(BigInt(session.sessionId) >> 56n, 255n);
	const path = `${root}e`;
	const created = await call(alone.znode, 'create', { path, mode: ephemeral }, inside(session));
	equal(created.stat.ephemeralOwner, session.sessionId);
	for (const edge of [1n, 2n ** 32n, 2n ** 53n + 1n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n]) {
		const request = { sessionId: String(edge), password: Buffer.alloc(16) };
		const failed = await fails('FAILED_PRECONDITION', 'SessionExpired', alone.session, 'attachSession', request);
		match(failed.message, new RegExp(`0x0*${edge.toString(16)} `));
	}
	const status = await call(alone.admin, 'status');
	const taken = await call(alone.admin, 'takeSnapshot');
	deepEqual([taken.digest, taken.zxid], [status.digest, status.lastZxid]);
	ok(BigInt(status.digest) > 2n ** 32n);
	await fails('FAILED_PRECONDITION', 'BadVersion', alone.znode, 'set', { path, version: -(2 ** 31) });
	await call(alone.session, 'closeSession', {}, inside(session));
});
