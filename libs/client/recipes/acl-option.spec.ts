/** Every recipe creates its nodes, and those above them, with the access control list that it is given. */
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { RecipeClients, soon } from '#test/support/recipe-clients';
import type { Chronokeeper } from '../chronokeeper.ts';
import { NoAuthError } from '../errors.ts';
import type { AclOption } from './acl-option.ts';
import {
	Barrier,
	Configuration,
	Counter,
	DelayQueue,
	DistributedLock,
	DoubleBarrier,
	HostMonitor,
	LeaderElection,
	MultiLock,
	NamingService,
	PriorityQueue,
	Queue,
	ReadWriteLock,
	Semaphore,
	ServiceRegistry,
	SharedValue,
	WorkPartitioner,
} from './index.ts';

const clients = RecipeClients.forFile();
let ann: Chronokeeper;
let stranger: Chronokeeper;
/** Whoever creates a node, and nobody else. */
const acl = [{ perms: 31, id: { scheme: 'auth', id: '' } }];
const value = new Uint8Array([1]);

beforeAll(async () => {
	ann = await clients.connect('server', { auth: [{ scheme: 'digest', credentials: 'ann:secret' }] });
	stranger = clients.other;
});

type Use = (ck: Chronokeeper, path: string, options: AclOption) => Promise<unknown>;

const recipes: Readonly<Record<string, Use>> = {
	DistributedLock: (ck, path, options) => new DistributedLock(ck, path, options).acquire(),
	'ReadWriteLock, read': (ck, path, options) => new ReadWriteLock(ck, path, options).read.acquire(),
	'ReadWriteLock, downgraded': async (ck, path, options) =>
		(await new ReadWriteLock(ck, path, options).write.acquire()).downgrade(),
	Semaphore: (ck, path, options) => new Semaphore(ck, path, 2, options).acquire(),
	MultiLock: (ck, path, options) => new MultiLock(ck, [path, `${path}2`], options).acquire(),
	LeaderElection: (ck, path, options) => new LeaderElection(ck, path, options).lead(),
	'LeaderElection, as LeaderSelector': (ck, path, options) =>
		new LeaderElection(ck, path, { layout: 'selector', ...options }).lead(),
	Barrier: (ck, path, options) => new Barrier(ck, path, options).set(),
	DoubleBarrier: (ck, path, options) => new DoubleBarrier(ck, path, 1, options).enter(),
	Counter: (ck, path, options) => new Counter(ck, path, options).increment(),
	SharedValue: (ck, path, options) => new SharedValue<number>(ck, path, undefined, options).set(1),
	Queue: async (ck, path, options) => {
		const queue = new Queue(ck, path, options);
		await queue.put(value);
		return queue.take();
	},
	// Who waits stands in a line.
	'Queue, waiting': async (ck, path, options) => {
		const queue = new Queue(ck, path, options);
		const taken = queue.take();
		taken.catch(() => {});
		const isWaiting = () => ck.exists(`${path}/waiting`);
		if (ck === ann) await vi.waitFor(async () => expect(await isWaiting()).toMatchObject({ numChildren: 1 }), soon);
		await queue.put(value);
		return taken;
	},
	PriorityQueue: (ck, path, options) => new PriorityQueue(ck, path, options).put(value, { priority: 1 }),
	DelayQueue: (ck, path, options) => new DelayQueue(ck, path, options).put(value, { delayMs: 1 }),
	HostMonitor: (ck, path, options) => new HostMonitor(ck, path, options).announce('db'),
	'NamingService, claim': (ck, path, options) => new NamingService(ck, path, options).claim('blue', 'ann'),
	'NamingService, register': (ck, path, options) => new NamingService(ck, path, options).register('blue', 'ann'),
	'NamingService, newName': (ck, path, options) => new NamingService(ck, path, options).newName('blue', 'ann'),
	'NamingService, ids': (ck, path, options) => new NamingService(ck, path, options).ids('orders').next(),
	WorkPartitioner: async (ck, path, options) => {
		const worker = await new WorkPartitioner(ck, path, { partitions: ['p'], ...options }).join(() => Promise.resolve());
		await vi.waitFor(() => expect(worker.partitions).toEqual(['p']), soon);
	},
	ServiceRegistry: (ck, path, options) =>
		new ServiceRegistry(ck, path, options).register({ service: 'mail', address: '10.0.0.1' }),
	Configuration: (ck, path, options) =>
		Configuration.open(ck, path, { schema: (values) => values as object, initial: { min: 1 }, ...options }),
};

/** Of everything that the client may see below the node. */
async function openNodes(ck: Chronokeeper, path: string): Promise<string[]> {
	const { names } = await ck.children(path);
	const below = await Promise.all(names.map((name) => openNodes(ck, `${path}/${name}`)));
	const list = await ck.getAcl(path);
	const isOpen = list.acl.some(({ id }) => id?.scheme !== 'digest' || !id.id.startsWith('ann:'));
	return [...(isOpen ? [path] : []), ...below.flat()];
}

describe('the option acl', () => {
	it.each(Object.entries(recipes))('20: is that of all that %s creates: a stranger is refused', async (name, use) => {
		const top = `/${name.replaceAll(/\W+/g, '-')}`;
		await use(ann, `${top}/it`, { acl });
		expect(await openNodes(ann, top)).toEqual([]);
		await expect(use(stranger, `${top}/it`, {})).rejects.toThrow(NoAuthError);
	});
});
