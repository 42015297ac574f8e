/** zookeeper: the C client, compiled into Node. It has no transactions. */
import { deepEqual, equal, notEqual, ok, rejects } from 'node:assert/strict';
import { check, eventually, installed, main, server, within } from './checks.mjs';
import { Network } from './network.mjs';

async function connect(ends, options = {}) {
	const { Promise: ZooKeeper, constants } = installed('zookeeper');
	const config = { connect: server, timeout: 10_000, debug_level: constants.ZOO_LOG_LEVEL_ERROR, ...options };
	const client = new ZooKeeper({ ...config, host_order_deterministic: false });
	const connected = new Promise((resolve) => client.once('connect', resolve));
	client.init({});
	ends.push(() => close(client));
	await within(connected, 'connected');
	return client;
}

async function close(client) {
	if (client.closed) return;
	client.closed = true;
	const closed = new Promise((resolve) => client.once('close', resolve));
	client.close();
	await within(closed, 'closed');
}

/** Its errors begin with ZooKeeper's code. */
function refused(promise, code) {
	return rejects(promise, new RegExp(`^Error: ${code} `));
}

check('connects', async (ends) => {
	const { constants } = installed('zookeeper');
	const client = await connect(ends);
	equal(client.state, constants.ZOO_CONNECTED_STATE);
	equal(client.timeout, 10_000);
	ok(/^[0-9a-f]+$/.test(client.client_id));
});

check('create: every kind of node', async (ends) => {
	const { constants } = installed('zookeeper');
	const client = await connect(ends);
	equal(await client.create('/native', 'one', constants.ZOO_PERSISTENT), '/native');
	const sequence = constants.ZOO_PERSISTENT_SEQUENTIAL;
	equal(await client.create('/native/s-', '', sequence), '/native/s-0000000000');
	equal(await client.create('/native/es-', '', constants.ZOO_EPHEMERAL_SEQUENTIAL), '/native/es-0000000001');
	equal(await client.create('/native/container', '', constants.ZOO_CONTAINER), '/native/container');
	equal(await client.create('/native/ttl', '', constants.ZOO_PERSISTENT_WITH_TTL, 400), '/native/ttl');
	await refused(client.create('/native', '', constants.ZOO_PERSISTENT), constants.ZNODEEXISTS);
	await refused(client.create('/none/child', '', constants.ZOO_PERSISTENT), constants.ZNONODE);
	await eventually(async () => !(await client.pathExists('/native/ttl', false)), 'the TTL node goes by itself');
});

check('get, set, exists, children, delete, sync', async (ends) => {
	const { constants } = installed('zookeeper');
	const client = await connect(ends, { data_as_buffer: true });
	await client.create('/data', 'one', constants.ZOO_PERSISTENT);
	const [stat, data] = await client.get('/data', false);
	deepEqual([data.toString(), stat.version, stat.dataLength], ['one', 0, 3]);
	equal((await client.set('/data', Buffer.from('größer'), 0)).version, 1);
	equal((await client.get('/data', false))[1].toString(), 'größer');
	await refused(client.set('/data', 'x', 0), constants.ZBADVERSION);
	equal((await client.exists('/data', false)).version, 1);
	await refused(client.exists('/none', false), constants.ZNONODE);
	for (const name of ['a', 'b', 'c']) await client.create(`/data/${name}`, '', constants.ZOO_PERSISTENT);
	deepEqual((await client.get_children('/data', false)).sort(), ['a', 'b', 'c']);
	const [names, parent] = await client.get_children2('/data', false);
	deepEqual([names.length, parent.numChildren, parent.cversion], [3, 3, 3]);
	await client.sync('/data');
	await refused(client.delete_('/data', -1), constants.ZNOTEMPTY);
	await client.delete_('/data/a', 0);
	equal(await client.pathExists('/data/a', false), false);
});

check('49: watches', async (ends) => {
	const { constants } = installed('zookeeper');
	const [watcher, writer] = [await connect(ends), await connect(ends)];
	const events = [];
	const seen = (type, _state, path) => events.push([type, path]);
	const expect = async (...expected) => {
		await eventually(() => events.length >= expected.length, `${expected}, but ${events}`);
		deepEqual(events.splice(0), expected);
	};
	equal(await watcher.w_pathExists('/watched-by-native', seen), false);
	await writer.create('/watched-by-native', '', constants.ZOO_PERSISTENT);
	await expect([constants.ZOO_CREATED_EVENT, '/watched-by-native']);
	await watcher.w_get('/watched-by-native', seen);
	await watcher.w_get_children('/watched-by-native', seen);
	await writer.set('/watched-by-native', 'x', -1);
	await expect([constants.ZOO_CHANGED_EVENT, '/watched-by-native']);
	await writer.create('/watched-by-native/child', '', constants.ZOO_PERSISTENT);
	await expect([constants.ZOO_CHILD_EVENT, '/watched-by-native']);
	await watcher.w_get('/watched-by-native/child', seen);
	await writer.delete_('/watched-by-native/child', -1);
	await expect([constants.ZOO_DELETED_EVENT, '/watched-by-native/child']);
});

check('ACLs and authentication', async (ends) => {
	const { constants } = installed('zookeeper');
	const [owner, stranger] = [await connect(ends), await connect(ends)];
	const authenticated = new Promise((resolve) => owner.add_auth('digest', 'ada:secret', resolve));
	equal(await within(authenticated, 'authenticated'), 0);
	await owner.create('/guarded', 'mine', constants.ZOO_PERSISTENT);
	const acl = [{ perms: constants.ZOO_PERM_ALL, scheme: 'auth', auth: '' }];
	await owner.set_acl('/guarded', 0, acl);
	await refused(stranger.get('/guarded', false), constants.ZNOAUTH);
	const [acls] = await owner.get_acl('/guarded');
	deepEqual(
		[].concat(acls).map(({ perms, scheme, auth }) => [perms, scheme, auth.split(':')[0]]),
		[[31, 'digest', 'ada']],
	);
	equal((await owner.get('/guarded', false))[1].toString(), 'mine');
});

check('63: ephemerals go with the session that is closed', async (ends) => {
	const { constants } = installed('zookeeper');
	const [owner, witness] = [await connect(ends), await connect(ends)];
	await owner.create('/native-ephemeral', '', constants.ZOO_EPHEMERAL);
	const stat = await witness.exists('/native-ephemeral', false);
	equal(stat.ephemeralOwner, owner.client_id);
	await close(owner);
	equal(await witness.pathExists('/native-ephemeral', false), false);
});

check('54: a connection that is cut: the session, its ephemerals and its watches', async (ends) => {
	const { constants } = installed('zookeeper');
	const network = await Network.open(server);
	ends.push(() => network.close());
	const [client, other] = [await connect(ends, { connect: network.address }), await connect(ends)];
	await client.create('/native-cut', '0', constants.ZOO_EPHEMERAL);
	const sessionId = client.client_id;
	const events = [];
	await client.w_get('/native-cut', (type) => type !== constants.ZOO_SESSION_EVENT && events.push(type));
	let connections = 0;
	client.on('connect', () => {
		connections += 1;
	});
	network.freeze();
	await other.set('/native-cut', '1', -1);
	network.cut();
	network.thaw();
	await eventually(() => connections === 1, 'it is back');
	await eventually(() => events.length > 0, 'what changed meanwhile');
	deepEqual(events, [constants.ZOO_CHANGED_EVENT]);
	equal(client.client_id, sessionId);
	equal((await client.get('/native-cut', false))[1].toString(), '1');
});

check('60: a session is taken up with its id and password', async (ends) => {
	const { constants } = installed('zookeeper');
	const first = await connect(ends);
	await first.create('/taken-up', '', constants.ZOO_EPHEMERAL);
	const { client_id, client_password } = first;
	const second = await connect(ends, { client_id, client_password });
	equal(second.client_id, client_id);
	const third = await connect(ends);
	notEqual(third.client_id, client_id);
	ok(await third.pathExists('/taken-up', false));
});

await main();
