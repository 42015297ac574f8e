/** node-zookeeper-client: the protocol in plain JavaScript. */
import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { promisify } from 'node:util';
import { check, eventually, installed, main, server, within } from './checks.mjs';
import { Network } from './network.mjs';

let zookeeper;

/** A client whose methods give promises; `states` is what it went through. */
class Client {
	states = [];
	#client;

	constructor(address, options) {
		zookeeper ??= installed('node-zookeeper-client');
		this.#client = zookeeper.createClient(address, { sessionTimeout: 10_000, spinDelay: 10, retries: 0, ...options });
		this.#client.on('state', (state) => this.states.push(state.name));
	}

	static async connect(ends, { address = server, ...options } = {}) {
		const client = new Client(address, options);
		ends.push(() => client.close());
		const connected = new Promise((resolve) => client.#client.once('connected', resolve));
		client.#client.connect();
		await within(connected, 'connected');
		return client;
	}

	get plain() {
		return this.#client;
	}

	call(method, ...args) {
		return promisify(this.#client[method].bind(this.#client))(...args);
	}

	/** getData and getChildren answer with two values. */
	both(method, ...args) {
		return new Promise((resolve, reject) => {
			this.#client[method](...args, (error, value, stat) => {
				if (error) reject(error instanceof Error ? error : new Error(String(error)));
				else resolve([value, stat]);
			});
		});
	}

	async close() {
		const closed = new Promise((resolve) => this.#client.once('disconnected', resolve));
		if (this.#client.getState().name !== 'SYNC_CONNECTED') return this.#client.close();
		this.#client.close();
		await within(closed, 'disconnected');
	}
}

/** What ZooKeeper refuses, by the name of the error. */
function refused(promise, name) {
	return rejects(promise, (error) => {
		equal(error.getName?.(), name, error);
		return true;
	});
}

check('connects: the session has an id, a password and the timeout it asked for', async (ends) => {
	const client = await Client.connect(ends);
	ok(client.plain.getSessionId().some((byte) => byte !== 0));
	equal(client.plain.getSessionPassword().length, 16);
	equal(client.plain.getSessionTimeout(), 10_000);
	deepEqual(client.states, ['SYNC_CONNECTED']);
});

check('create, get, set, exists, remove', async (ends) => {
	const { CreateMode } = installed('node-zookeeper-client');
	const client = await Client.connect(ends);
	equal(await client.call('create', '/plain', Buffer.from('one')), '/plain');
	await refused(client.call('create', '/plain'), 'NODE_EXISTS');
	await refused(client.call('create', '/none/child'), 'NO_NODE');
	equal(await client.call('create', '/plain/s-', null, CreateMode.PERSISTENT_SEQUENTIAL), '/plain/s-0000000000');
	equal(await client.call('create', '/plain/e-', null, CreateMode.EPHEMERAL_SEQUENTIAL), '/plain/e-0000000001');
	await refused(client.call('create', '/plain/e-0000000001/child'), 'NO_CHILDREN_FOR_EPHEMERALS');
	const [data, stat] = await client.both('getData', '/plain');
	deepEqual([data.toString(), stat.version, stat.dataLength, stat.numChildren], ['one', 0, 3, 2]);
	equal((await client.call('setData', '/plain', Buffer.from('größer'), 0)).version, 1);
	await refused(client.call('setData', '/plain', Buffer.from('x'), 0), 'BAD_VERSION');
	equal((await client.both('getData', '/plain'))[0].toString(), 'größer');
	equal(await client.call('exists', '/none'), null);
	ok((await client.call('exists', '/plain')).mzxid.equals((await client.both('getData', '/plain'))[1].mzxid));
	deepEqual((await client.both('getChildren', '/plain'))[0].sort(), ['e-0000000001', 's-0000000000']);
	await refused(client.call('remove', '/plain', -1), 'NOT_EMPTY');
	await client.call('removeRecursive', '/plain', -1);
	await client.call('mkdirp', '/deep/er/and/deeper');
	ok(await client.call('exists', '/deep/er/and/deeper'));
});

check('49: watches', async (ends) => {
	const [watcher, writer] = [await Client.connect(ends), await Client.connect(ends)];
	const events = [];
	const seen = (event) => events.push(`${event.getName()} ${event.getPath()}`);
	const expect = async (...expected) => {
		await eventually(() => events.length >= expected.length, `${expected}, but ${events}`);
		deepEqual(events.splice(0).sort(), expected.sort());
	};
	equal(await watcher.call('exists', '/watched', seen), null);
	await writer.call('create', '/watched');
	await expect('NODE_CREATED /watched');
	await watcher.both('getData', '/watched', seen);
	await watcher.both('getChildren', '/watched', seen);
	await writer.call('setData', '/watched', Buffer.from('x'), -1);
	await expect('NODE_DATA_CHANGED /watched');
	await writer.call('create', '/watched/child');
	await expect('NODE_CHILDREN_CHANGED /watched');
	await watcher.both('getData', '/watched/child', seen);
	await writer.call('remove', '/watched/child', -1);
	await expect('NODE_DELETED /watched/child');
});

check('transactions', async (ends) => {
	const client = await Client.connect(ends);
	await client.call('create', '/multi', Buffer.from('0'));
	const good = client.plain.transaction();
	good.check('/multi', 0).create('/multi/a').setData('/multi', Buffer.from('1'), 0).remove('/multi/a', -1);
	const results = await promisify(good.commit.bind(good))();
	deepEqual(
		results.map(({ type }) => type),
		[13, 1, 5, 2],
	);
	equal(results[1].path, '/multi/a');
	const bad = client.plain.transaction().create('/multi/b').check('/multi', 7).remove('/multi', -1);
	const { error, outcome } = await new Promise((resolve) =>
		bad.commit((failure, all) => resolve({ error: failure, outcome: all })),
	);
	equal(error.getName(), 'BAD_VERSION');
	deepEqual(
		outcome.map(({ err }) => err),
		[0, -103, -2],
	);
	equal(await client.call('exists', '/multi/b'), null);
});

check('ACLs and authentication', async (ends) => {
	const { ACL } = installed('node-zookeeper-client');
	const [owner, stranger] = [await Client.connect(ends), await Client.connect(ends)];
	await refused(stranger.call('create', '/mine', null, ACL.CREATOR_ALL_ACL), 'INVALID_ACL');
	owner.plain.addAuthInfo('digest', Buffer.from('ada:secret'));
	await owner.call('create', '/mine', Buffer.from('mine'), ACL.CREATOR_ALL_ACL);
	await refused(stranger.both('getData', '/mine'), 'NO_AUTH');
	const [acls] = await owner.both('getACL', '/mine');
	deepEqual(
		acls.map(({ permission, id }) => [permission, id.scheme, id.id.split(':')[0]]),
		[[31, 'digest', 'ada']],
	);
	equal((await owner.call('setACL', '/mine', ACL.READ_ACL_UNSAFE, 0)).aversion, 1);
	equal((await stranger.both('getData', '/mine'))[0].toString(), 'mine');
	await refused(stranger.call('setData', '/mine', Buffer.from('x'), -1), 'NO_AUTH');
});

check('63: ephemerals go with the session that is closed', async (ends) => {
	const { CreateMode } = installed('node-zookeeper-client');
	const [owner, witness] = [await Client.connect(ends), await Client.connect(ends)];
	await owner.call('create', '/ephemeral', null, CreateMode.EPHEMERAL);
	const stat = await witness.call('exists', '/ephemeral');
	ok(stat.ephemeralOwner.equals(owner.plain.getSessionId()));
	await owner.close();
	equal(await witness.call('exists', '/ephemeral'), null);
});

check('54: a connection that is cut: the session, its ephemerals, its watches and its authentication', async (ends) => {
	const { ACL, CreateMode } = installed('node-zookeeper-client');
	const network = await Network.open(server);
	ends.push(() => network.close());
	const [client, other] = [await Client.connect(ends, { address: network.address }), await Client.connect(ends)];
	client.plain.addAuthInfo('digest', Buffer.from('ada:secret'));
	await client.call('create', '/cut', Buffer.from('0'), ACL.CREATOR_ALL_ACL, CreateMode.EPHEMERAL);
	await other.call('create', '/changed', Buffer.from('0'));
	const sessionId = Buffer.from(client.plain.getSessionId());
	const events = [];
	const seen = (event) => events.push(`${event.getName()} ${event.getPath()}`);
	await client.both('getData', '/changed', seen);
	await client.call('exists', '/cut/off', seen);
	network.freeze();
	await other.call('setData', '/changed', Buffer.from('1'), -1);
	network.cut();
	network.thaw();
	await eventually(() => client.states.length === 3, `it is back: ${client.states}`);
	deepEqual(client.states, ['SYNC_CONNECTED', 'DISCONNECTED', 'SYNC_CONNECTED']);
	await eventually(() => events.length === 1, 'what changed meanwhile');
	deepEqual(events, ['NODE_DATA_CHANGED /changed']);
	ok(client.plain.getSessionId().equals(sessionId));
	equal((await client.both('getData', '/cut'))[0].toString(), '0');
	ok((await other.call('exists', '/cut')).ephemeralOwner.equals(sessionId));
});

check('62: a session that was silent for too long is expired', async (ends) => {
	const network = await Network.open(server);
	ends.push(() => network.close());
	const client = await Client.connect(ends, { address: network.address, sessionTimeout: 1000 });
	const witness = await Client.connect(ends);
	await client.call('create', '/silent', null, installed('node-zookeeper-client').CreateMode.EPHEMERAL);
	network.freeze();
	await eventually(async () => (await witness.call('exists', '/silent')) === null, 'it is expired');
	network.cut();
	network.thaw();
	await eventually(() => client.states.includes('EXPIRED'), 'it hears of it');
});

await main();
