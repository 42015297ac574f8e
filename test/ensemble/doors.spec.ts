/** The doors of a member that has no leader: nobody is served, everybody is told, and all of it comes back with a leader. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { credentials, loadPackageDefinition, type ServiceError } from '@grpc/grpc-js';
import { service as healthService } from 'grpc-health-check';
import { afterAll, afterEach, expect, it } from 'vitest';
import { loadConfig } from '#server/config/config';
import { type RunningServer, startServer } from '#server/start-server';
import { createLogger } from '#telemetry/logger';
import { eventually } from '#test/support/ensemble-wait';
import { parseMonitor } from '#test/support/ensemble-words';
import { askWord } from '#test/support/four-letter-word';
import { createDatabase } from '#test/support/postgres';
import { freePort } from '#test/support/processes';
import { readiness, TestServers } from '#test/support/test-servers';
import { WireClient } from '#test/support/wire-client';

let ensembles = 0;
const folder = mkdtempSync(join(tmpdir(), 'chronokeeper-ensemble-doors-'));
const servers = new TestServers();
afterEach(() => servers.close());
afterAll(() => {
	servers.remove();
	rmSync(folder, { recursive: true, force: true });
});

const notServing = 'This ZooKeeper instance is not currently serving requests';

/** Members 1 and 2 of three; the third is never there. */
class Members {
	readonly #number = ++ensembles;
	readonly #lines: string[] = [];

	async draw(): Promise<this> {
		for (const id of [1, 2, 3])
			this.#lines.push(`server.${id}=127.0.0.1:${await freePort()}:${await freePort()};127.0.0.1:${await freePort()}`);
		return this;
	}

	async start(id: number, settings: string): Promise<RunningServer> {
		const dataDir = join(folder, `ensemble${this.#number}`, `server${id}`);
		mkdirSync(dataDir, { recursive: true });
		writeFileSync(join(dataDir, 'myid'), `${id}\n`);
		const file = join(dataDir, 'zoo.cfg');
		const limits = `tickTime=300\ninitLimit=20\nsyncLimit=5\n4lw.commands.whitelist=*\n${settings}`;
		writeFileSync(file, `dataDir=${dataDir}\n${limits}\n${this.#lines.join('\n')}\n`);
		const overrides = { grpcPort: 0, httpPort: 0, 'shutdown.timeoutMs': 1000 };
		const config = loadConfig({ file, overrides });
		return servers.keep(await startServer(config, createLogger({ level: 'silent', format: 'json' })));
	}
}

/** Of grpc.health.v1. */
function healthOf(address: string): () => Promise<unknown> {
	const { health } = loadPackageDefinition({ health: healthService }) as never as {
		health: new (
			...of: unknown[]
		) => {
			check(request: object, answer: (error: ServiceError | null, response: { status: unknown }) => void): void;
			close(): void;
		};
	};
	const client = servers.keep(new health(address, credentials.createInsecure()));
	return () =>
		new Promise((resolve, reject) =>
			client.check({ service: '' }, (error, response) => (error === null ? resolve(response.status) : reject(error))),
		);
}

it('without a leader every door says so and serves nobody; with one it serves again by itself', async () => {
	const database = await createDatabase({ migrate: false });
	servers.keep({ close: () => database.drop() });
	const members = await new Members().draw();
	const settings = `audit.url=${database.url}`;
	const one = await members.start(1, settings);
	const { grpc, http, zookeeper } = one.addresses;
	const port = Number(zookeeper!.split(':')[1]);
	const client = servers.connect(grpc, { timeoutMs: 3000 });
	const health = healthOf(grpc);

	const expectNobodyServed = async (): Promise<void> => {
		await expect(client.create('/refused', null)).rejects.toMatchObject({
			status: 'UNAVAILABLE',
			codeName: 'ConnectionLoss',
			message: expect.stringContaining('this replica has no leader at the moment'),
		});
		await expect(client.get('/')).rejects.toMatchObject({ status: 'UNAVAILABLE' });
		expect(await client.status()).toMatchObject({ role: 'looking', ready: false });
		const { code, body } = await readiness(http);
		expect([code, body.status, body.problems]).toEqual([503, 'failed', ['there is no leader at the moment']]);
		await expect.poll(health).toBe('NOT_SERVING');
		expect((await fetch(`http://${http}/health/live`)).status).toBe(200);
		expect(await askWord(port, 'isro')).toBe('null');
		expect(await askWord(port, 'ruok')).toBe('imok');
		for (const word of ['srvr', 'mntr', 'conf']) expect(await askWord(port, word)).toBe(`${notServing}\n`);
		await expect(WireClient.connect(port)).rejects.toThrow('closed');
	};
	await expectNobodyServed();

	let two = await members.start(2, settings);
	for (let round = 0; round < 2; round++) {
		await eventually('both serve', () => one.health.check().ready && two.health.check().ready);
		await client.create(`/served${round}`, null);
		const session = await WireClient.connect(port, { timeoutMs: 20_000 });
		expect(await askWord(port, 'isro')).toBe('rw');
		await expect.poll(health).toBe('SERVING');
		await eventually(
			'the history has begun',
			async () => (await database.query('select 1 from chronokeeper.history_txn')).length,
		);
		const history = client.history({ follow: true });
		expect((await history.next()).done).toBe(false);
		const ended = (async () => {
			for await (const _ of history);
		})();
		ended.catch(() => undefined); // Looked at below.

		await two.close();
		expect(two.replica.host.state).toBe('stopped');
		await session.closed;
		await expect(ended).rejects.toMatchObject({
			status: 'UNAVAILABLE',
			message: expect.stringContaining('has no leader any more'),
		});
		await expectNobodyServed();

		two = await members.start(2, settings);
		await eventually('both serve again', () => one.health.check().ready && two.health.check().ready);
		const back = await WireClient.reattach(port, session.session);
		expect(back.session.id).toBe(session.session.id);
		expect(['leader', 'follower']).toContain((await client.status()).role);
	}
});

it('its words and commands tell of the ensemble, under the names that ZooKeeper has for it', async () => {
	const members = await new Members().draw();
	const [one, two] = [await members.start(1, 'audit.mode=off'), await members.start(2, 'audit.mode=off')];
	await eventually('both serve', () => one.health.check().ready && two.health.check().ready);
	const leader = one.replica.role === 'leader' ? one : two;
	const follower = leader === one ? two : one;
	const portOf = ({ addresses }: RunningServer) => Number(addresses.zookeeper!.split(':')[1]);
	const monitorOf = async (server: RunningServer) => parseMonitor(await askWord(portOf(server), 'mntr'));
	const commandOf = async ({ addresses }: RunningServer, name: string) =>
		(await (await fetch(`http://${addresses.http}/commands/${name}`)).json()) as Record<string, unknown>;

	const ensemble = leader.config.ensemble!;
	const conf = await askWord(portOf(leader), 'conf');
	const { quorumAddresses, electionAddresses } = ensemble.self;
	const lines = [
		`serverId=${ensemble.self.id}`,
		'initLimit=20',
		'syncLimit=5',
		'electionAlg=3',
		`electionPort=${electionAddresses[0]!.port}`,
		`quorumPort=${quorumAddresses[0]!.port}`,
		'peerType=0',
		'membership: ',
		ensemble.members.toString(),
	];
	expect(conf.endsWith(`\n${lines.join('\n')}`)).toBe(true);

	await expect.poll(async () => (await monitorOf(leader)).get('zk_synced_followers')).toBe('1');
	const led = await monitorOf(leader);
	const names = ['peer_state', 'quorum_size', 'learners', 'synced_non_voting_followers', 'synced_observers'];
	expect(names.map((name) => led.get(`zk_${name}`))).toEqual(['leading - broadcast', '3', '1', '0', '0']);
	expect(Number(led.get('zk_leader_uptime'))).toBeGreaterThan(0);
	const following = await monitorOf(follower);
	expect([...names, 'leader_uptime'].map((name) => following.get(`zk_${name}`))).toEqual([
		'following - broadcast',
		'3',
		...Array.from({ length: 4 }),
	]);

	const leaderId = leader.config.serverId;
	expect(await commandOf(follower, 'leader')).toMatchObject({
		is_leader: false,
		leader_id: leaderId,
		leader_ip: '127.0.0.1',
	});
	expect(await commandOf(leader, 'leader')).toMatchObject({ is_leader: true, leader_id: leaderId });
	expect(await commandOf(leader, 'observers')).toMatchObject({ synced_observers: 0, observers: [] });
	expect(Object.keys((await commandOf(leader, 'voting_view')).current_config as object)).toEqual(['1', '2', '3']);
	const zab = { is_leader: false, voting: true, myid: follower.config.serverId };
	expect(await commandOf(follower, 'zabstate')).toMatchObject({ ...zab, zabstate: 'broadcast' });
	await leader.close();
	await expect
		.poll(() => commandOf(follower, 'zabstate'))
		.toMatchObject({ ...zab, zabstate: expect.stringMatching(/^(election|synchronization)$/) });
});
