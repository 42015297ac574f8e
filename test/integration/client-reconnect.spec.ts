/** The client that connect() makes, where the network is not what it should be. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
	type Chronokeeper,
	type ConnectOptions,
	connect,
	type NodeEvent,
	type NodeWatch,
	OutcomeUnknownError,
	SessionExpiredError,
	type StateChange,
} from '#client/index';
import { Cable } from '#test/support/cable';
import { TestServers } from '#test/support/test-servers';

const servers = new TestServers();
let address: string;
let cable: Cable;
/** Beside the server. */
let near: Chronokeeper;
const far: Chronokeeper[] = [];

beforeAll(async () => {
	address = (await servers.start(servers.newDirectory(), { tickTime: 150, maxSessionTimeout: 60_000 })).addresses.grpc;
	near = servers.keep(await connect({ endpoints: address }));
	cable = servers.keep(await Cable.lay(address));
});
afterEach(async () => {
	cable.plug();
	for (const ck of far.splice(0)) await ck.close();
});
afterAll(async () => {
	await servers.close();
	servers.remove();
});

async function open(options: Partial<ConnectOptions> = {}): Promise<Chronokeeper> {
	const ck = await connect({ endpoints: cable.address, retry: { firstPauseMs: 10, longestPauseMs: 50 }, ...options });
	far.push(ck);
	return ck;
}

/** What a watch tells up to a node `end` below its path. */
async function until(watch: NodeWatch, end: string): Promise<NodeEvent[]> {
	const told: NodeEvent[] = [];
	for await (const event of watch) {
		if (event.path === end) break;
		told.push(event);
	}
	return told;
}

function connected(ck: Chronokeeper): Promise<void> {
	return expect.poll(() => ck.state).toBe('connected');
}

const brief = ({ type, path, zxid }: NodeEvent) => `${type} ${path} ${zxid}`;

describe('a stream that is lost', () => {
	it('54: costs watches no event, and none is told twice', async () => {
		const ck = await open();
		const ephemeral = await ck.create('/kept', null, { mode: 'ephemeral' });
		const { id } = ck.session;
		const root = await near.create('/cut', null);
		const tree = ck.watch('/cut', { recursive: true, withData: true });
		const node = ck.watch('/cut');
		await Promise.all([tree.ready, node.ready]);
		const trees = until(tree, '/cut/end');
		const nodes: NodeEvent[] = [];
		void (async () => {
			for await (const event of node) nodes.push(event);
		})();
		const expected: string[] = [];
		const children: bigint[] = [];
		for (let round = 0; round < 8; round++) {
			for (let i = 0; i < 20; i++) {
				if (i === 3 + round) cable.cut();
				const path = `/cut/${round}-${i % 7}`;
				const data = `${round} ${i}`;
				if (i < 7) {
					const { zxid } = await near.create(path, data);
					expected.push(`created ${path} ${zxid} ${data}`);
					children.push(zxid);
				} else if (i < 14) {
					const { zxid } = await near.set(path, data);
					expected.push(`dataChanged ${path} ${zxid} ${data}`);
				} else if (i < 17) {
					const zxid = await near.delete(path);
					expected.push(`deleted ${path} ${zxid} `);
					children.push(zxid);
				} else {
					const { zxid } = (await near.transaction().set(path, 'a').set(path, data).check('/cut').commit())[0]!;
					expected.push(`dataChanged ${path} ${zxid} a|${data}`, `dataChanged ${path} ${zxid} ${data}`);
				}
			}
			await connected(ck);
		}
		await near.create('/cut/end', null);
		const told = await trees;
		expect(told.map(brief)).toEqual(expected.map((one) => one.split(' ').slice(0, 3).join(' ')));
		for (const [i, event] of told.entries()) {
			const [type, path, zxid, ...data] = expected[i]!.split(' ');
			expect(brief(event)).toBe(`${type} ${path} ${zxid}`);
			expect(data.join(' ').split('|')).toContain(Buffer.from(event.data ?? []).toString());
		}
		expect(nodes.slice(0, -1).map(brief)).toEqual(children.map((zxid) => `childrenChanged /cut ${zxid}`));
		expect(ck.session.id).toBe(id);
		expect((await near.exists('/kept'))?.czxid).toBe(ephemeral.zxid);
		expect(root.stat.version).toBe(0);
	});

	it('costs reads nothing: what waits is sent when there is one again', async () => {
		const ck = await open();
		await near.create('/waits', 'x');
		cable.unplug();
		await expect.poll(() => ck.state).toBe('suspended');
		const reads = [ck.get('/waits'), ck.exists('/waits'), ck.children('/waits')];
		cable.plug();
		expect(await Promise.all(reads)).toMatchObject([{ stat: { version: 0 } }, { version: 0 }, { names: [] }]);
	});

	it('46: a one-shot watch that was waiting is told of what happened meanwhile', async () => {
		const ck = await open();
		await near.create('/one', 'x');
		const told = new Promise<NodeEvent>((resolve) => void ck.get('/one', { watch: resolve }));
		await ck.sync();
		const gone = ck.untilDeleted('/one');
		await ck.sync();
		cable.unplug();
		await near.delete('/one');
		cable.plug();
		expect(await told).toMatchObject({ type: 'deleted', path: '/one' });
		await gone;
	});
});

describe('a session that is lost', () => {
	it('60: says so without any server, is replaced, and its watches go on without a gap', async () => {
		const ck = await open({ sessionTimeoutMs: 2000, operationTimeoutMs: 10_000 });
		const states: StateChange[] = [];
		ck.on((change) => states.push(change));
		const first = ck.session;
		await ck.create('/lost', null);
		await ck.create('/lost/ephemeral', null, { mode: 'ephemeral' });
		const watch = ck.watch('/lost', { recursive: true });
		await watch.ready;
		const told = until(watch, '/lost/end');
		cable.silence();
		const written = ck.set('/lost', 'never').catch((error: unknown) => error);
		await new Promise((resolve) => first.signal.addEventListener('abort', resolve));
		expect(ck.state).toBe('lost');
		const error = await written;
		expect(error instanceof SessionExpiredError || error instanceof OutcomeUnknownError, String(error)).toBe(true);
		expect(first.signal.reason).toBeInstanceOf(SessionExpiredError);
		const read = ck.get('/lost');
		const gone = ck.untilDeleted('/lost/ephemeral');
		await near.create('/lost/meanwhile', null);
		cable.plug();
		await read;
		await connected(ck);
		expect(ck.session.id).not.toBe(first.id);
		expect(ck.session.signal.aborted).toBe(false);
		expect(states.map(({ state }) => state).filter((state) => state !== 'suspended')).toEqual(['lost', 'connected']);
		await gone;
		await near.create('/lost/end', null);
		const events = (await told).map(({ type, path }) => `${type} ${path}`).toSorted();
		expect(events).toEqual(['created /lost/meanwhile', 'deleted /lost/ephemeral']);
	});
});
