/** An ensemble's configuration as those who start servers meet it: npm run ensemble, ck server, zkServer.sh. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { ChronokeeperClient } from '#client/client';
import { deployedConfig } from '#test/deploy/deployed-config';
import { root } from '#test/deploy/manifests';
import { RunningProgram, run } from '#test/support/processes';

const folder = mkdtempSync(join(tmpdir(), 'chronokeeper-ensembles-'));
const launched: RunningProgram[] = [];
afterEach(() => Promise.all(launched.splice(0).map((program) => program.stop())));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ids = [1, 2, 3];

function launch(directory: string, environment: Readonly<Record<string, string>> = {}): RunningProgram {
	const env = { CK_ENSEMBLE_DIR: directory, CK_AUDIT_POSTGRES_PORT: '0', CK_LOG_FORMAT: 'text', ...environment };
	const program = new RunningProgram(process.execPath, [join(root, 'bin', 'ensemble.mjs')], { env });
	launched.push(program);
	return program;
}

function fileOf(directory: string, id: number): string {
	return join(directory, `server${id}`, 'zoo.cfg');
}

describe('npm run ensemble', () => {
	it('writes the configurations of three servers that know each other, once, and ends when one of them does at once', async () => {
		const directory = join(folder, 'fresh');
		// Variables of one replica would be the same for all three.
		const environment = {
			CK_AUDIT_MODE: 'off',
			CK_TICK_TIME: 'fast',
			CK_GRPC_PORT: '1',
			CK_SERVER_ID: '9',
			CK_SERVER_1: 'x',
		};
		const first = launch(directory, environment);
		expect(await first.exited).toBe(1);
		expect(first.output).toMatch(/^[123] \|.* tickTime is "fast"/m);
		expect(first.output).not.toMatch(/CK_(GRPC_PORT|SERVER)/);
		expect(first.output).toMatch(/\nReplica [123] ended with code 2 before it served: see above\.\n$/);

		const read = ids.map((id) => deployedConfig({ CK_AUDIT_MODE: 'off' }, fileOf(directory, id)));
		expect(read.flatMap(({ objections }) => objections)).toEqual([]);
		const configs = read.map(({ config }) => config);
		expect(configs.map(({ ensemble }) => ensemble?.self.id)).toEqual(ids);
		expect(new Set(configs.map(({ ensemble }) => ensemble?.members.toString())).size).toBe(1);
		expect(configs.map(({ dataDir }) => dataDir)).toEqual(ids.map((id) => join(directory, `server${id}`)));
		const ports = configs.flatMap(({ ensemble, clientPort, grpcPort, httpPort }) => {
			const { quorumAddresses, electionAddresses, client } = ensemble!.self;
			expect(client).toEqual({ host: '127.0.0.1', port: clientPort });
			return [quorumAddresses[0]!.port, electionAddresses[0]!.port, clientPort, grpcPort, httpPort];
		});
		expect(new Set(ports).size).toBe(15);

		const changed = `${readFileSync(fileOf(directory, 2), 'utf8')}# mine\n`;
		writeFileSync(fileOf(directory, 2), changed);
		expect(await launch(directory, environment).exited).toBe(1);
		expect(readFileSync(fileOf(directory, 2), 'utf8')).toBe(changed);
		rmSync(fileOf(directory, 3));
		const third = launch(directory, environment);
		expect(await third.exited).toBe(1);
		expect(third.output).toContain(`${fileOf(directory, 3)} is missing, and others are there`);
	});

	it('runs three replicas and a PostgreSQL that outlives each of them, and stops all of it', async () => {
		const directory = join(folder, 'running');
		const ensemble = launch(directory);
		const [, url] = await ensemble.waitFor(/^ {2}PostgreSQL {2}(postgresql:\S+)$/m);
		expect(readFileSync(join(directory, 'postgres.url'), 'utf8').trim()).toBe(url);
		const postmaster = join(directory, 'postgres', 'postmaster.pid');
		expect(existsSync(postmaster)).toBe(true);
		const line = /^ {2}replica ([123]) {3}ZooKeeper \S+:\d+ {3}gRPC (\S+) {3}HTTP (http:\S+)$/gm;
		const printed = [...ensemble.output.matchAll(line)].map(([, id, grpc, http]) => ({ id, grpc: grpc!, http: http! }));
		expect(printed.map(({ id }) => Number(id))).toEqual(ids);
		for (const { http } of printed) expect((await fetch(`${http}health/ready`)).status).toBe(200);

		const [first, , third] = printed.map(({ grpc }) => new ChronokeeperClient({ address: grpc }));
		await first!.create('/hello', Buffer.from('world'));
		await third!.sync('/hello');
		expect(Buffer.from((await third!.get('/hello')).data!).toString()).toBe('world');

		// With its process id in it, the file tells the launcher that the replica's doors are open.
		process.kill(Number(readFileSync(join(directory, 'server2', 'serving'), 'utf8')), 'SIGKILL');
		const [, file] = await ensemble.waitFor(
			/^Replica 2 ended with SIGKILL\. To start it again, in another terminal:\n.* npx ck server --config '(.*)'$/m,
		);
		expect(file).toBe(fileOf(directory, 2));
		// It may have been the leader: then the others elect one first.
		await vi.waitFor(() => first!.set('/hello', Buffer.from('again')), { timeout: 60_000 });
		expect(existsSync(postmaster)).toBe(true);
		first!.close();
		third!.close();

		expect(await ensemble.stop('SIGINT')).toBe(0);
		for (const id of [1, 3]) expect(ensemble.output).toMatch(new RegExp(`^${id} \\| .*SIGTERM: stopping`, 'm'));
		expect(existsSync(postmaster)).toBe(false);
		for (const { http } of printed) await expect(fetch(http)).rejects.toThrow('fetch failed');
	});
});

describe('an ensemble in zoo.cfg', () => {
	it('is read by zkServer.sh too, which finds the server by its own line', () => {
		const directory = join(folder, 'shell');
		mkdirSync(directory, { recursive: true });
		writeFileSync(join(directory, 'myid'), '2\n');
		const members = ids.map((id) => `server.${id}=127.0.0.1:${id}2888:${id}3888;127.0.0.1:${id}2181`).join('\n');
		const file = join(directory, 'zoo.cfg');
		writeFileSync(file, `dataDir=${directory}\ninitLimit=10\nsyncLimit=5\n${members}\n`);
		const { stdout } = run(join(root, 'bin', 'zkServer.sh'), ['status', file]);
		expect(stdout).toContain('Client port found: 22181. Client address: 127.0.0.1.');
	});

	it('is refused with everything that is wrong with it', () => {
		const directory = join(folder, 'wrong');
		mkdirSync(directory, { recursive: true });
		writeFileSync(join(directory, 'myid'), '4\n');
		const file = join(directory, 'zoo.cfg');
		writeFileSync(file, `dataDir=${directory}\nsyncLimit=5\nserver.1=a:1:2\nserver.2=b:1\nserver.3=a:1:3\n`);
		const { status, stderr } = run(join(root, 'bin', 'zkServer.sh'), ['start-foreground', file]);
		expect(status).not.toBe(0);
		for (const problem of [
			'server.2 is "b:1"',
			'server.1 and server.3 both have a:1',
			'initLimit is not set',
			'there is no server.4',
		])
			expect(stderr).toContain(problem);
	});
});
