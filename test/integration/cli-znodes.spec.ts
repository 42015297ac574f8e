/** The command line against a whole replica: real files, the real chain, gRPC; where it reads and writes bytes, between two processes. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { loadConfig } from '#server/config/config';
import { type RunningServer, startServer } from '#server/start-server';
import { ck, ckHere, lines, objects } from '#test/support/ck';

let folder: string;
let server: RunningServer;

beforeAll(async () => {
	folder = mkdtempSync(join(tmpdir(), 'ck-znodes-'));
	const overrides = {
		dataDir: folder,
		clientPort: 0,
		grpcPort: 0,
		httpPort: 0,
		extendedTypesEnabled: true,
		'audit.mode': 'off',
		'log.level': 'fatal',
	} as const;
	server = await startServer(loadConfig({ overrides }));
	vi.stubEnv('CK_SERVER', server.addresses.grpc);
});
afterAll(async () => {
	await server?.close();
	rmSync(folder, { recursive: true, force: true });
});

/** One that must succeed. */
async function done(args: readonly string[], input?: string, run: typeof ckHere = ckHere): Promise<string> {
	const outcome = await run(args, input);
	expect(outcome, args.join(' ')).toMatchObject({ status: 0, stderr: '' });
	return outcome.stdout;
}

/** The same as a process of its own. */
function doneApart(args: readonly string[], input?: string): Promise<string> {
	return done(args, input, (all, given) => ck(all, given === undefined ? {} : { input: given }));
}

it('creates, reads, changes, lists and deletes', async () => {
	expect(await done(['create', '/app', 'hello'])).toBe('/app\n');
	expect(await done(['get', '/app'])).toBe('hello');
	expect(await done(['set', '/app', 'world'])).toMatch(/^\/app has version 1 \(zxid 0x[0-9a-f]+\)\n$/);
	expect(await done(['create', '-p', '/app/a/b/c'])).toBe('/app/a/b/c\n');
	expect(await done(['create', '--sequential', '/app/n-'])).toBe('/app/n-0000000001\n');
	expect(await done(['ls', '/app'])).toBe('a\nn-0000000001\n');
	expect(await done(['ls', '-R', '/app'])).toBe('/app/a\n/app/a/b\n/app/a/b/c\n/app/n-0000000001\n');
	expect(await done(['ls', '--long', '/app'])).toMatch(/^VERSION +BYTES .*\n +0 +0 +1 +20\S+Z +- +a\n/);
	expect(await done(['delete', '/app/n-0000000001'])).toMatch(/^\/app\/n-0000000001 deleted \(zxid 0x/);
	expect(await done(['delete', '--recursive', '/app'])).toMatch(/^\/app: 4 deleted \(zxid 0x/);
	expect(await done(['ls', '/'])).toBe('zookeeper\n');
});

it('22: makes containers and TTL nodes, whose owner nobody sees', async () => {
	await done(['create', '--container', '/box']);
	await done(['create', '--ttl', '3600000', '/short']);
	const owner = (path: string) => server.replica.host.tree.storedStat(path)?.ephemeralOwner;
	expect(owner('/box')).toBe(0x8000_0000_0000_0000n);
	expect(owner('/short')).toBe((0xffn << 56n) | 3_600_000n);
	expect(objects(await done(['stat', '--json', '/box']))).toEqual([expect.objectContaining({ ephemeralOwner: '0x0' })]);
});

describe('data', () => {
	it('20: null is not empty', async () => {
		await done(['create', '/null']);
		await done(['create', '/empty', '']);
		expect(objects(await done(['get', '--json', '/null']))).toEqual([expect.objectContaining({ data: null })]);
		expect(objects(await done(['get', '--json', '/empty']))).toEqual([expect.objectContaining({ data: '', text: '' })]);
		await done(['set', '/empty', '--null']);
		expect(objects(await done(['get', '--json', '/empty']))).toEqual([expect.objectContaining({ data: null })]);
	});

	it('come from a file or a pipe, and go out byte for byte', async () => {
		const file = join(folder, 'bytes');
		writeFileSync(file, Buffer.from([0, 0xff, 0x0a]));
		await doneApart(['create', '/bytes', '--file', file]);
		expect(objects(await doneApart(['get', '--json', '/bytes']))).toEqual([expect.objectContaining({ data: 'AP8K' })]);
		await doneApart(['set', '/bytes'], 'piped in\n');
		expect(await doneApart(['get', '/bytes'])).toBe('piped in\n');
		await doneApart(['set', '/bytes', '--file', '-'], 'too');
		expect(await doneApart(['get', '/bytes'])).toBe('too');
	});
});

it('shows a Stat in full, the same for people and machines', async () => {
	await done(['create', '/stat', 'x']);
	const text = Object.fromEntries(lines(await done(['stat', '/stat'])).map((line) => line.split(/ {2,}/)));
	const [object] = objects(await done(['--json', 'stat', '/stat']));
	expect(Object.keys(text)).toHaveLength(11);
	expect(object).toMatchObject({ path: '/stat', czxid: text.czxid, pzxid: text.pzxid, dataLength: 1, version: 0 });
	expect(new Date(text.ctime!).getTime()).toBe(object!.ctime);
});

describe('failures', () => {
	it.each([
		[['get', '/missing'], 'ck: /missing: the node does not exist (NoNode)'],
		[['stat', '/missing'], 'ck: /missing: the node does not exist (NoNode)'],
		[['ls', '-R', '/missing'], 'ck: /missing: the node does not exist (NoNode)'],
		[['create', '/zookeeper'], 'ck: /zookeeper: the node exists already (NodeExists)'],
		[['delete', '/zookeeper'], expect.stringMatching(/\(BadArguments\)$/)],
		[['create', '/a\u0001b'], expect.stringMatching(/\(BadArguments\)$/)],
		[['create', '--acl', 'digest:nonsense:r', '/a'], expect.stringMatching(/\(InvalidACL\)$/)],
	])('%j is one line and ends with 1', async (args, message) => {
		const { status, stdout, stderr } = await ckHere(args);
		expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
		expect(lines(stderr)[0]).toEqual(message);
	});

	it('26, 28: tell what to do about a version and about children', async () => {
		await done(['create', '-p', '/busy/child']);
		const version = await ckHere(['set', '/busy', 'x', '--version', '7']);
		expect(lines(version.stderr)).toEqual([
			expect.stringMatching(/^ck: \/busy: .*\(BadVersion\)$/),
			expect.stringContaining('ck stat PATH'),
		]);
		const children = await ckHere(['delete', '/busy']);
		expect(children.stderr).toContain('--recursive');
	});

	it('34: a node of somebody else needs --auth', async () => {
		await done(['create', '/mine', 'secret', '--acl', 'auth::cdrwa', '--auth', 'ann:pw']);
		const stranger = await ckHere(['get', '/mine']);
		expect(stranger.stderr).toMatch(/\(NoAuth\)\n.*--auth/);
		expect(await done(['--auth', 'ann:pw', 'get', '/mine'])).toBe('secret');
	});
});

it('tells how the replica is', async () => {
	const [status] = objects(await done(['status', '--json']));
	expect(status).toMatchObject({
		ready: true,
		role: 'standalone',
		dataDir: expect.stringContaining(folder),
		sessions: 0,
	});
	expect(status!.digest).toBe(server.replica.host.tree.digest().toString());
	expect(await done(['status'])).toMatch(/serves +in full\n/);
});
