/** The client that connect() makes, in an ensemble that loses the replica it talks to. */
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { type Chronokeeper, connect, type NodeEvent } from '#client/index';
import { type Ensemble, type EnsembleMember, startEnsemble } from '#test/support/ensemble';
import { eventually } from '#test/support/ensemble-wait';
import { TestServers } from '#test/support/test-servers';

const servers = new TestServers();
afterEach(() => servers.close());
afterAll(() => servers.remove());

async function start(): Promise<{ ensemble: Ensemble; addresses: Map<string, EnsembleMember> }> {
	const ensemble = servers.keep(await startEnsemble({ members: ['chronokeeper', 'chronokeeper', 'chronokeeper'] }));
	const addresses = new Map<string, EnsembleMember>();
	for (const member of ensemble.members) addresses.set((await member.doors()).grpc, member);
	return { ensemble, addresses };
}

/** Sequential creates and reads, as fast as they are answered, until it is stopped. */
class Load {
	readonly created: { readonly path: string; readonly zxid: bigint }[] = [];
	readonly failed: unknown[] = [];
	reads = 0;
	#isOver = false;
	readonly #loops: Promise<void>[];

	constructor(ck: Chronokeeper) {
		this.#loops = Array.from({ length: 8 }, async () => {
			while (!this.#isOver) {
				try {
					const { path, zxid } = await ck.create('/load/n-', 'x', { mode: 'persistentSequential' });
					this.created.push({ path, zxid });
					await ck.get(path);
					this.reads += 1;
				} catch (error) {
					this.failed.push(error);
				}
			}
		});
	}

	async goesOn(): Promise<void> {
		const before = this.reads;
		await eventually('the load goes on', () => this.reads > before + 100);
	}

	async stop(): Promise<void> {
		this.#isOver = true;
		await Promise.all(this.#loops);
	}
}

describe('a client whose replica is killed', () => {
	it('54, 62: loses no operation and no event, does nothing twice, and keeps its session and what is ephemeral', async () => {
		const { ensemble, addresses } = await start();
		const ck = servers.keep(await connect({ endpoints: [...addresses.keys()], sessionTimeoutMs: 40_000 }));
		const { id } = ck.session;
		await ck.create('/load');
		await ck.create('/mine', null, { mode: 'ephemeral' });
		const watch = ck.watch('/load', { recursive: true });
		await watch.ready;
		const told: NodeEvent[] = [];
		const listening = (async () => {
			for await (const event of watch) {
				if (event.path === '/load/end') return;
				told.push(event);
			}
		})();
		const load = new Load(ck);
		for (let kill = 0; kill < 2; kill++) {
			await load.goesOn();
			const member = addresses.get(ck.replica.address)!;
			await member.stop('SIGKILL');
			await load.goesOn();
			expect(ck.replica.address).not.toBe([...addresses].find(([, one]) => one === member)![0]);
			// Another two must be there when the next one is killed. It comes back at another address.
			member.launch();
			await member.serving();
			await ensemble.leader();
		}
		await load.stop();
		await ck.create('/load/end');
		await listening;
		expect(load.failed).toEqual([]);
		const paths = load.created.map(({ path }) => path);
		expect(new Set(paths).size).toBe(paths.length);
		expect((await ck.children('/load')).names).toHaveLength(paths.length + 1);
		const inOrder = load.created.toSorted((a, b) => (a.zxid < b.zxid ? -1 : 1));
		expect(told.map(({ type, path, zxid }) => `${type} ${path} ${zxid}`)).toEqual(
			inOrder.map(({ path, zxid }) => `created ${path} ${zxid}`),
		);
		expect(ck.session.id).toBe(id);
		expect(await ck.ephemerals()).toEqual(['/mine']);
	});
});
