/** docs/restore.md as an operator follows it: each command as it is printed there, in order, on a server that was just started. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ChronokeeperClient } from '#client/client';
import { openAcl } from '#jute/acl';
import { errors } from '#jute/errors';
import { commandLine } from '#test/support/ck';
import { CompiledServer, type ServerAddresses } from '#test/support/compiled-server';
import { GuideCommands } from '#test/support/guide-commands';
import { startKazoo } from '#test/support/kazoo';
import { createDatabase, type TestDatabase } from '#test/support/postgres';
import { RunningProgram } from '#test/support/processes';
import { TestServers } from '#test/support/test-servers';
import { WireClient } from '#test/support/wire-client';
import { zooKeepersZkCli } from '#test/support/zk-cli';

const root = fileURLToPath(new URL('../..', import.meta.url));
const servers = new TestServers();
const work = servers.newDirectory();
const compiled = new CompiledServer();
let database: TestDatabase;
/** A process of its own: it serves while a shell is waited for. */
let server: RunningProgram & { readonly addresses: ServerAddresses };
let client: ChronokeeperClient;

const guide = new GuideCommands(readFileSync(join(root, 'docs', 'restore.md'), 'utf8'), () => ({
	cwd: work,
	environment: {
		...(process.env as Record<string, string>),
		CK_SERVER: server.addresses.grpc,
		CK_AUDIT_URL: database.url,
		NO_COLOR: '1',
	},
	replaced: [['npx ck', commandLine.map((word) => `'${word}'`).join(' ')]],
}));

beforeAll(async () => {
	mkdirSync(work, { recursive: true });
	database = await createDatabase({ migrate: false });
	server = servers.keepProcess(
		await compiled.start({
			CK_DATA_DIR: servers.newDirectory(),
			CK_AUDIT_URL: database.url,
			CK_GRPC_RESTORE_IDS: 'ip:127.0.0.1',
			CK_LOG_FORMAT: 'json',
		}),
	);
	client = servers.connect(server.addresses.grpc);
});
afterAll(async () => {
	await servers.close();
	servers.remove();
	compiled.remove();
	await database.drop();
});

/** A command that asks PostgreSQL sees what was committed before. */
async function mirrored(): Promise<void> {
	const isThere = async () => {
		const { lastZxid, mirror } = await client.status();
		return mirror?.mirroredZxid === lastZxid;
	};
	await vi.waitUntil(isThere, { timeout: 60_000 });
}

function lines(text: string): string[] {
	return text.trimEnd().split('\n');
}

describe('docs/restore.md', () => {
	it('finds the mistake', async () => {
		guide.next('npx ck delete --recursive /services');
		await mirrored();
		const found = guide.next('npx ck history /services');
		expect(found).toContain('delete');
		expect(found).toContain('/services/web');
	});

	it('shows what a restore would do, as it is printed there, and does it', async () => {
		const document = readFileSync(join(root, 'docs', 'restore.md'), 'utf8');
		const planned = lines(guide.next('--dry-run'));
		expect(planned).toHaveLength(4);
		for (const line of planned) expect(document).toContain(`    ${line}\n`);
		const did = guide.next("--reason 'deleted by mistake at 14:03'");
		expect(did).toMatch(
			/^restored \/services to 0x4: 3 changes in 1 multis, transactions 0x[0-9a-f]+–0x[0-9a-f]+, in /,
		);
		expect(did).toContain('deleted by mistake at 14:03');
		expect(lines(did).at(-1)).toBe('host=b');
		expect(await client.exists('/services/web')).toBeDefined();
		expect(await client.exists('/jobs')).toBeDefined();
		expect(guide.next('--unchanged-since 0x8')).toContain('0 to create');
	});

	it('undoes one transaction', async () => {
		const block = guide.blocks.shift()!;
		const [set, history, ...others] = block.split('\n');
		guide.follow(set!);
		const { stat } = (await client.get('/services/api'))!;
		// The number that is printed there is the one that it is.
		expect(block).toContain(`npx ck revert 0x${stat!.mzxid.toString(16)} `);
		await mirrored();
		expect(guide.follow(history!)).toContain('setData');
		const reverted = lines(guide.follow(others.join('\n')));
		expect(reverted[0]).toBe('~ /services/api  "host=oops" → "host=b"');
		expect(reverted.at(-1)).toBe('host=b');
	});

	it('stands still where others have written since its operator looked, says so with exit code 1, and can be given up or forced', async () => {
		const { lastZxid } = await client.status();
		await client.set('/services/web', Buffer.from('theirs'));
		const command = `npx ck restore --live --to 0x4 --path /services --reason again --unchanged-since 0x${lastZxid.toString(16)}`;
		await mirrored();
		expect(() => guide.follow(command)).toThrow(
			/! \/services\/web {2}got other data\n[\s\S]*restore 2 stands still: others have written 1 of its nodes since it began; 0 changes were made\n`ck restore --resume 2 --force` overwrites that/,
		);
		expect(guide.follow('npx ck restore --abort 2')).toBe('restore 2 is given up: 0 changes were made, and stay\n');
		expect(() => guide.follow(command)).toThrow('restore 3 stands still');
		expect(guide.follow('npx ck restore --resume 3 --force')).toContain(
			'restored /services to 0x4 by force: 1 changes',
		);
		expect(Buffer.from((await client.get('/services/web'))!.data!).toString()).toBe('host=w');
	});

	it('restores to a time', async () => {
		const { stat } = (await client.get('/services/web'))!;
		await expect.poll(() => Date.now()).toBeGreaterThan(Number(stat!.mtimeMs) + 1);
		const then = new Date(Number(stat!.mtimeMs)).toISOString();
		await client.set('/services/web', Buffer.from('later'));
		await mirrored();
		guide.follow(`npx ck restore --live --at '${then}' --path /services --reason 'by time'`);
		expect(Buffer.from((await client.get('/services/web'))!.data!).toString()).toBe('host=w');
	});

	it('67: clones the cluster as it was, for every client, and answers NotReadOnly to writes', async () => {
		const [, , ...args] = guide.blocks.shift()!.split(' ');
		const clone = new RunningProgram(
			process.execPath,
			[join(compiled.dist, 'apps', 'cli', 'main.js'), ...args, '--json'],
			{
				env: { ...(process.env as Record<string, string>), CK_AUDIT_URL: database.url },
			},
		);
		servers.keepProcess(clone);
		const [line] = await clone.waitFor(/^\{"zxid".*\}$/m, 60_000);
		const { zxid, zookeeper, grpc, dataDir } = JSON.parse(line);
		expect(zxid).toBe('0x4');
		const port = Number(zookeeper.split(':')[1]);
		// A client that asks for nothing special, as most do.
		const wire = await WireClient.connect(port, { readOnly: undefined });
		const read = await wire.send({ kind: 'getData', path: '/services/api', watch: false });
		expect(read).toMatchObject({ zxid: 4, response: { stat: { mzxid: 4 } } });
		expect(read.response?.kind === 'getData' && Buffer.from(read.response.data!).toString()).toBe('host=b');
		const creation = { kind: 'create', path: '/new', data: null, acl: openAcl, flags: 0 } as const;
		expect((await wire.send(creation)).error).toBe(errors.notReadOnly.code);
		expect((await wire.send({ ...creation, flags: 1 })).error).toBe(errors.notReadOnly.code);
		await wire.send({ kind: 'closeSession' });
		const shell = await zooKeepersZkCli(['-server', zookeeper, 'ls', '/services']);
		expect(shell.stdout).toContain('[api, web]');
		const one = servers.connect(grpc);
		expect(await one.exists('/jobs')).toBeUndefined();
		await expect(one.set('/services/api', Buffer.from('x'))).rejects.toMatchObject({ codeName: 'NotReadOnly' });
		const session = await one.openSession({ timeoutMs: 10_000 });
		expect(Buffer.from((await session.get('/services/web'))!.data!).toString()).toBe('host=w');
		const status = await one.status();
		expect(status).toMatchObject({ ready: true, lastZxid: 4n, role: 'standalone' });
		// One that has seen more is turned away.
		await expect(WireClient.connect(port, { lastZxidSeen: 5 })).rejects.toThrow('it had sent');
		const kazoo = startKazoo('../clone.py', zookeeper);
		await kazoo.exited;
		expect(kazoo.output).toContain('read what was there: host=b, and could not write');
		expect(await clone.stop('SIGINT')).toBe(0);
		expect(() => readFileSync(join(dataDir, 'version-2', 'snapshot.4'))).toThrow('ENOENT');
	});

	it('61: makes data directories for one server and for three', () => {
		expect(guide.next('npx ck log --verify restored')).toContain('restored to 0x4');
		for (const id of ['1', '2', '3']) {
			expect(readFileSync(join(work, 'restored-ensemble', id, 'myid'), 'utf8')).toBe(`${id}\n`);
		}
		expect(guide.blocks).toEqual([]);
	});
});
