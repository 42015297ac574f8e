/**
 * A process that uses all recipes at once, in one session, again and again until it is killed, and says what happens.
 *
 *     recipes-worker.ts ENDPOINTS SESSION-TIMEOUT-MS
 */
import {
	Barrier,
	Counter,
	connect,
	DistributedLock,
	DoubleBarrier,
	Group,
	LeaderElection,
	LockLostError,
	MultiLock,
	NoNodeError,
	OutcomeUnknownError,
	ReadWriteLock,
	Semaphore,
	ServiceDiscovery,
	ServiceRegistry,
	SessionExpiredError,
	SharedValue,
	type Transaction,
	WorkPartitioner,
} from '#client/index';
import { pause } from '#client/recipes/pause';
import {
	type AdditionWord,
	leases,
	type PossessionWord,
	partitions,
	recipePaths as paths,
	type Share,
	service,
	together,
	type Word,
} from './recipes-words.ts';

type Unsaid<W> = W extends unknown ? Omit<W, 'atMs'> : never;

function say(word: Unsaid<Word>): void {
	process.stdout.write(`${JSON.stringify({ ...word, atMs: Date.now() })}\n`);
}

const [endpoints, timeout] = process.argv.slice(2) as [string, string];
const ck = await connect({ endpoints, sessionTimeoutMs: Number(timeout), connectTimeoutMs: 60_000 });
const id = `${process.pid}`;

/** What it does in between takes up to so long. */
function moment(ms: number): Promise<void> {
	return pause(Math.random() * ms);
}

async function again(turn: () => Promise<void>): Promise<never> {
	for (;;) {
		await turn();
		await moment(100);
	}
}

/** An error ends the process, and with it the test. */
async function named(what: string, doing: Promise<void>): Promise<void> {
	try {
		await doing;
	} catch (error) {
		throw new Error(`${what} failed: ${(error as Error).message}`, { cause: error });
	}
}

/** Nobody knows whether it was done, and the client has another session. */
function isUnknown(error: unknown): boolean {
	return error instanceof SessionExpiredError || error instanceof OutcomeUnknownError;
}

interface Held {
	readonly token: bigint;
	readonly signal: AbortSignal;
	transaction(): Transaction;
}

/** Writes in transactions of what is held, for a moment or until it is lost. */
async function use(name: string, held: Held, share: Share = 'all', forMs = Math.random() * 40): Promise<void> {
	const tell = (kind: PossessionWord['kind'], zxid?: bigint) =>
		say({
			about: 'possession',
			name,
			kind,
			share,
			token: `${held.token}`,
			...(zxid === undefined ? {} : { zxid: `${zxid}` }),
		});
	tell('has');
	const end = () => {
		const { reason } = held.signal;
		tell(reason instanceof LockLostError && reason.reason === 'sessionLost' ? 'lost' : 'left');
	};
	held.signal.addEventListener('abort', end, { once: true });
	const untilMs = performance.now() + forMs;
	do {
		try {
			const [, written] = await held.transaction().set(`${paths.journals}/${name}`, `${held.token}`).commit();
			tell('wrote', written!.zxid);
		} catch (error) {
			// Whatever else it is, nobody knows then whether it was written.
			tell(error instanceof NoNodeError ? 'refused' : 'failed');
			return;
		}
		await moment(20);
	} while (!held.signal.aborted && performance.now() < untilMs);
}

const lock = new DistributedLock(ck, paths.lock, { id });
const election = new LeaderElection(ck, paths.leader, { id });
const readWrite = new ReadWriteLock(ck, paths.readWrite, { id });
const semaphore = new Semaphore(ck, paths.semaphore, leases, { id });
const both = new MultiLock(ck, [...paths.multi]);

async function readOrWrite(): Promise<void> {
	if (Math.random() < 0.6) {
		await using reader = await readWrite.read.acquire();
		await use('read-write', reader, 'part');
		return;
	}
	await using writer = await readWrite.write.acquire();
	await use('read-write', writer);
	if (Math.random() < 0.5) return;
	try {
		await using reader = await writer.downgrade();
		await use('read-write', reader, 'part');
	} catch (error) {
		if (!(error instanceof NoNodeError) && !isUnknown(error)) throw error;
	}
}

async function takeLease(): Promise<void> {
	await using lease = await semaphore.acquire();
	await use('semaphore', lease, 'part');
}

async function oneOrBoth(): Promise<void> {
	const nameOf = (path: string) => path.slice(1);
	if (Math.random() < 0.5) {
		await using held = await both.acquire();
		await Promise.all([...held.locks].map(([path, one]) => use(nameOf(path), one)));
		return;
	}
	const path = paths.multi[Math.random() < 0.5 ? 0 : 1];
	await new DistributedLock(ck, path, { id }).run((held) => use(nameOf(path), held));
}

async function add(to: AdditionWord['to'], addition: () => Promise<bigint | undefined>): Promise<void> {
	say({ about: 'addition', to, kind: 'asked' });
	try {
		const number = await addition();
		say({ about: 'addition', to, kind: 'done', ...(number === undefined ? {} : { number: `${number}` }) });
	} catch (error) {
		if (!isUnknown(error)) throw error;
		say({ about: 'addition', to, kind: 'unknown' });
	}
}

const counter = new Counter(ck, paths.counter);
const value = new SharedValue<Readonly<Record<string, number>>>(ck, paths.value);

async function addToValue(): Promise<undefined> {
	await value.update((before) => ({ ...before, [id]: (before?.[id] ?? 0) + 1 }));
}

async function followValue(): Promise<void> {
	for await (const { zxid } of value.values()) say({ about: 'value', zxid: `${zxid}` });
}

async function comeThrough(): Promise<void> {
	const barrier = new Barrier(ck, paths.barrier);
	for await (const { value: generation } of new SharedValue<number>(ck, paths.generation).values()) {
		if (generation === undefined) continue;
		await barrier.wait();
		say({ about: 'barrier', generation });
	}
}

const doubleBarrier = new DoubleBarrier(ck, paths.doubleBarrier, together, { id });

async function goInAndOut(): Promise<void> {
	const tell = (kind: 'entering' | 'inside' | 'leaving' | 'left', isLost = false) =>
		say({ about: 'double barrier', kind, isLost });
	tell('entering');
	const inside = await doubleBarrier.enter();
	const { signal } = ck.session;
	tell('inside');
	await moment(50);
	tell('leaving', signal.aborted);
	await inside.leave();
	tell('left', signal.aborted);
}

async function followGroup(): Promise<void> {
	const group = new Group(ck, paths.group);
	await group.join(id);
	let isHeard = false;
	for await (const { kind, member, zxid } of group.changes()) {
		if (kind !== 'changed') say({ about: 'group', kind, id: member.id, token: `${member.token}`, zxid: `${zxid}` });
		if (isHeard) continue;
		isHeard = true;
		say({ about: 'group is heard', zxid: `${await mark()}` });
	}
}

/** @returns the zxid of a write of now */
async function mark(): Promise<bigint> {
	for (;;) {
		try {
			return (await ck.set(paths.mark, id)).zxid;
		} catch (error) {
			if (!isUnknown(error)) throw error;
		}
		await moment(100);
	}
}

const registry = new ServiceRegistry(ck, paths.services);
let served = 0;

async function followServices(): Promise<void> {
	const view = new ServiceDiscovery(ck, paths.services).watch(service);
	const tell = () => say({ about: 'services', ids: view.instances.map((instance) => instance.id) });
	await view.ready;
	tell();
	view.on(tell);
	await registry.register({ service, id, address: '127.0.0.1' });
}

/** Beside the instance that is there for as long as the process. */
async function serveForAMoment(): Promise<void> {
	await using _ = await registry.register({ service, id: `${id}.${++served}`, address: '127.0.0.1' });
	await moment(200);
}

async function workOnPartitions(): Promise<void> {
	const partitioner = new WorkPartitioner(ck, paths.partitioner, { partitions, name: id });
	const worker = await partitioner.join((held) =>
		use(`partition/${held.partition}`, held, 'all', Number.POSITIVE_INFINITY),
	);
	worker.on(() => say({ about: 'partitions', names: worker.partitions }));
}

say({ about: 'connection', state: ck.state });
ck.on(({ state }) => say({ about: 'connection', state }));
await Promise.all([
	named('shared value', followValue()),
	named('barrier', comeThrough()),
	named('group', followGroup()),
	named('discovery', followServices()),
	named('partitioner', workOnPartitions()),
	named(
		'lock',
		again(() => lock.run((held) => use('lock', held))),
	),
	named(
		'leader',
		again(() => election.run((leadership) => use('leader', leadership))),
	),
	named('read-write lock', again(readOrWrite)),
	named('semaphore', again(takeLease)),
	named('multi-lock', again(oneOrBoth)),
	named(
		'counter',
		again(() => add('counter', () => counter.increment())),
	),
	named(
		'shared value',
		again(() => add('value', addToValue)),
	),
	named('double barrier', again(goInAndOut)),
	named('registry', again(serveForAMoment)),
]);
