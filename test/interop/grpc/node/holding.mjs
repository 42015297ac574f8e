/** Sessions, their stream of operations, and watches. */
import { deepEqual, equal } from 'node:assert/strict';
import { check, ephemeral, eventText, fails } from './checks.mjs';
import { all, call, inside, Operating, stream } from './client.mjs';

/** Operations that were sent on streams, in all checks. */
export const operated = new Set();

check(
	'a session owns ephemeral nodes, proves identities, goes to another replica, and takes its nodes with it when it is closed',
	async ({ one, two, root }) => {
		const session = await call(one.session, 'openSession', { timeoutMs: 20_000 });
		const path = `${root}/mine`;
		const { stat } = await call(one.znode, 'create', { path, mode: ephemeral }, inside(session));
		equal(stat.ephemeralOwner, session.sessionId);
		await call(one.session, 'keepAlive', {}, inside(session));
		const proof = { scheme: 'digest', credentials: Buffer.from('ann:secret') };
		const { identities } = await call(one.session, 'authenticate', proof, inside(session));
		deepEqual((await call(one.znode, 'whoAmI', {}, inside(session))).identities, identities);
		const attached = await call(two.session, 'attachSession', {
			sessionId: session.sessionId,
			password: session.password,
			timeoutMs: 20_000,
			lastZxidSeen: session.zxid,
		});
		equal(attached.timeoutMs, 20_000);
		await fails('FAILED_PRECONDITION', 'SessionMoved', one.znode, 'create', { path: `${root}/no` }, inside(session));
		deepEqual((await call(two.znode, 'getEphemerals', {}, inside(session))).paths, [path]);
		await call(two.session, 'closeSession', {}, inside(session));
		equal((await call(two.znode, 'exists', { path })).stat, undefined);
	},
);

check('a session that is silent for its timeout is over, which a watch tells at another replica', async (world) => {
	const { one, two, root } = world;
	const session = await call(one.session, 'openSession', { timeoutMs: 2000 });
	const path = `${root}/silent`;
	const { zxid: afterZxid } = await call(one.znode, 'create', { path, mode: ephemeral }, inside(session));
	await call(two.znode, 'sync');
	const messages = await all(two.watch, 'watch', { targets: [{ path, kind: 'WATCH_KIND_DATA' }], afterZxid });
	deepEqual(
		messages.flatMap(({ events }) => events.map(eventText)),
		[`NODE_DELETED ${path}`],
	);
	await fails('FAILED_PRECONDITION', 'SessionExpired', one.session, 'keepAlive', {}, inside(session));
});

check('watches of all kinds tell what happened, in order; after_zxid tells what was missed', async ({ one, root }) => {
	const path = `${root}/watched`;
	await call(one.znode, 'create', { path });
	const targets = [{ path, kind: 'WATCH_KIND_PERSISTENT_RECURSIVE' }];
	const heard = [];
	let first;
	for await (const { events, zxid } of stream(one.watch, 'watch', { targets, withData: true })) {
		if (first === undefined) {
			first = zxid;
			await call(one.znode, 'set', { path, data: Buffer.from('new') });
			await call(one.znode, 'create', { path: `${path}/child` });
			await call(one.znode, 'delete', { path: `${path}/child` });
		}
		heard.push(...events);
		if (heard.length === 3) break;
	}
	deepEqual(heard.map(eventText), [
		`NODE_DATA_CHANGED ${path}`,
		`NODE_CREATED ${path}/child`,
		`NODE_DELETED ${path}/child`,
	]);
	deepEqual([String(heard[0].data), heard[0].stat.version, heard[2].stat], ['new', 1, undefined]);
	const oneShot = ['DATA', 'CHILDREN'].map((kind) => ({ path, kind: `WATCH_KIND_${kind}` }));
	const missed = await all(one.watch, 'watch', { targets: oneShot, afterZxid: first });
	deepEqual(missed.flatMap(({ events }) => events.map(eventText)).sort(), [
		`NODE_CHILDREN_CHANGED ${path}`,
		`NODE_DATA_CHANGED ${path}`,
	]);
	for await (const { events } of stream(one.watch, 'watch', { targets: [{ path, kind: 'WATCH_KIND_PERSISTENT' }] })) {
		if (events.length === 0) await call(one.znode, 'create', { path: `${path}/child` });
		else {
			deepEqual(events.map(eventText), [`NODE_CHILDREN_CHANGED ${path}`]);
			break;
		}
	}
});

check('the stream of operations answers each kind of operation, batch by batch, in their order', async (world) => {
	const { one, root } = world;
	const path = `${root}/stream`;
	const batch = [
		{ create: { path, data: Buffer.from('0'), mode: ephemeral } },
		{ set: { path, data: Buffer.from('1') } },
		{ get: { path } },
		{ exists: { path, consistency: 'CONSISTENCY_LINEARIZABLE' } },
		{ getEphemerals: {} },
		{ setAcl: { path, acl: [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }] } },
		{ getAcl: { path } },
		{ delete: { path } },
		{ get: { path } },
		{ multi: { ops: [{ create: { path } }, { delete: { path } }] } },
		{ multiRead: { ops: [{ get: { path: root } }] } },
		{ listChildren: { path: root } },
		{ getAllChildrenNumber: { path: root } },
		{ sync: {} },
		{ authenticate: { scheme: 'digest', credentials: Buffer.from('ann:secret') } },
		{ whoAmI: {} },
		{ addWatch: { path, kind: 'WATCH_KIND_PERSISTENT' } },
		{ removeWatches: { path } },
		{ setWatches: { relativeZxid: String(2n ** 53n - 1n), data: [root] } },
		{ keepAlive: {} },
	];
	const operating = new Operating(one.session, { open: { timeoutMs: 20_000 } }, ...batch.slice(0, 3));
	const { opened } = await operating.item();
	operating.send(batch.slice(3));
	const replies = (await operating.items(batch.length)).map(({ reply }) => reply);
	deepEqual(
		replies.map(({ id }) => id),
		batch.map((_, index) => index + 1),
	);
	const kinds = batch.map((operation) => Object.keys(operation)[0]);
	deepEqual(
		replies.map(({ result }) => result),
		kinds.with(8, 'error'),
	);
	deepEqual([String(replies[2].get.data), replies[8].error.name], ['1', 'NoNode']);
	equal(replies[0].create.stat.ephemeralOwner, opened.sessionId);
	await operateMany(operating, `${root}/counter`);
	operating.send([{ closeSession: {} }]);
	equal((await operating.item()).reply.result, 'closeSession');
	equal(await operating.item(), null);
	for (const kind of [...kinds, 'closeSession']) operated.add(kind);
});

/** Thousands under way at once: all answered, in order, as one after the other. */
async function operateMany(operating, path) {
	operating.send([{ create: { path } }]);
	await operating.item();
	const data = Buffer.alloc(100);
	for (let message = 0; message < 50; message++) operating.send(Array(100).fill({ set: { path, data } }));
	const versions = (await operating.items(5000)).map(({ reply }) => reply.set.stat.version);
	deepEqual(
		versions,
		versions.map((_, index) => index + 1),
	);
}

check('events stand between the replies; the session and its watches move to another replica', async (world) => {
	const { one, two, root } = world;
	const path = `${root}/moving`;
	const operating = new Operating(
		one.session,
		{ open: { timeoutMs: 20_000 } },
		{ create: { path } },
		{ get: { path, watch: true } },
		{ addWatch: { path: `${root}/other`, kind: 'WATCH_KIND_DATA', withData: true } },
		{ set: { path } },
		{ get: { path } },
		{ create: { path: `${root}/other`, mode: ephemeral, data: Buffer.from('born') } },
	);
	const items = await operating.items(9);
	deepEqual(
		items.map(({ item }) => item),
		['opened', 'reply', 'reply', 'reply', 'event', 'reply', 'reply', 'event', 'reply'],
	);
	equal(eventText(items[4].event), `NODE_DATA_CHANGED ${path}`);
	deepEqual([eventText(items[7].event), String(items[7].event.data)], [`NODE_CREATED ${root}/other`, 'born']);
	operating.drop();
	const { zxid: lastZxidSeen } = items[8].reply.create;
	await call(two.znode, 'create', { path: `${path}/child` });
	const { sessionId, password } = items[0].opened;
	const again = new Operating(
		two.session,
		{ attach: { sessionId, password, timeoutMs: 20_000, lastZxidSeen } },
		{ setWatches: { relativeZxid: lastZxidSeen, child: [path] } },
		{ getEphemerals: {} },
	);
	const [attached, event, , mine] = await again.items(4);
	deepEqual([attached.item, eventText(event.event)], ['attached', `NODE_CHILDREN_CHANGED ${path}`]);
	deepEqual(mine.reply.getEphemerals.paths, [`${root}/other`]);
	again.end();
	equal(await again.item(), null);
	await call(two.session, 'closeSession', {}, inside({ sessionId, password }));
});
