/** What `ck` has of zkCli's words and of watches, each command alone, against a whole replica. */
import { existsSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ChronokeeperClient } from '#client/client';
import { ckHere, commandLine, lines, objects } from '#test/support/ck';
import { RunningProgram } from '#test/support/processes';
import { TestServers } from '#test/support/test-servers';

const servers = new TestServers();
const running: RunningProgram[] = [];
let client: ChronokeeperClient;

beforeAll(async () => {
	const { addresses } = await servers.start(servers.newDirectory(), { enforceQuota: true });
	vi.stubEnv('CK_SERVER', addresses.grpc);
	client = servers.connect(addresses.grpc);
});
afterEach(async () => {
	for (const program of running.splice(0)) await program.stop('SIGKILL');
});
afterAll(async () => {
	await servers.close();
	servers.remove();
});

/** One that must succeed. */
async function done(args: readonly string[], input?: string): Promise<string> {
	const outcome = await ckHere(args, input);
	expect(outcome, args.join(' ')).toMatchObject({ status: 0 });
	return outcome.stdout;
}

/** One that goes on, as a process of its own. */
function start(...args: string[]): RunningProgram {
	const program = new RunningProgram(commandLine[0]!, [...commandLine.slice(1), ...args]);
	running.push(program);
	return program;
}

function bytes(text: string): Uint8Array {
	return new TextEncoder().encode(text);
}

describe('zkCli’s flags of the commands that there were', () => {
	it('get -s, set -s -v, ls -s, delete -v, create with an ACL behind the data', async () => {
		await done(['create', '/flags', 'x', 'world:anyone:cdrwa']);
		expect(await done(['get', '-s', '/flags'])).toMatch(/^czxid +0x[\s\S]*\n\nx$/);
		expect(await done(['set', '-s', '-v', '0', '/flags', 'y'])).toMatch(/^version +1$/m);
		expect(await done(['ls', '-s', '/flags'])).toMatch(/^czxid +0x/);
		expect((await ckHere(['delete', '-v', '7', '/flags'])).stderr).toContain('BadVersion');
		await done(['delete', '-v', '1', '/flags']);
	});
});

describe('zkCli’s words', () => {
	it('30: getAcl and setAcl, down a subtree', async () => {
		await done(['create', '-p', '/acl/below']);
		await done(['setAcl', '-R', '/acl', 'world:anyone:rwa']);
		expect(await done(['getAcl', '/acl/below'])).toBe("'world,'anyone\n: rwa\n");
		expect(await done(['getAcl', '-s', '/acl'])).toMatch(/^aclVersion = 1$/m);
		expect(objects(await done(['--json', 'getAcl', '/acl']))).toEqual([
			expect.objectContaining({ path: '/acl', acl: [{ scheme: 'world', id: 'anyone', perms: 19 }] }),
		]);
	});

	it('deleteall, getAllChildrenNumber, sync, whoami', async () => {
		await done(['create', '-p', '/all/a/b/c']);
		expect(await done(['getAllChildrenNumber', '/all'])).toBe('3\n');
		expect(objects(await done(['getAllChildrenNumber', '/all', '--json']))).toEqual([{ path: '/all', count: 3 }]);
		await done(['deleteall', '/all', '-b', '2']);
		expect(await client.exists('/all')).toBeUndefined();
		expect(await done(['sync', '/'])).toBe('Sync is OK\n');
		expect(await done(['whoami', '--auth', 'ann:pw'])).toMatch(/^Auth scheme: User\nip: 127\.0\.0\.1\ndigest: ann/);
	});

	it('setquota, listquota, delquota', async () => {
		await done(['create', '/quota']);
		await done(['setquota', '-N', '2', '/quota']);
		expect(await done(['listquota', '/quota'])).toMatch(/^Output quota for \/quota .*countHardLimit=2/);
		await done(['create', '/quota/one']);
		expect((await ckHere(['create', '/quota/two'])).stderr).toContain('QuotaExceeded');
		await done(['delquota', '-N', '/quota']);
		await done(['create', '/quota/two']);
	});

	it('52: addWatch tells of all that happens, until it is interrupted', async () => {
		await client.create('/watched', null);
		const watch = start('addWatch', '/watched');
		await watch.waitFor(/watching \/watched/);
		await client.create('/watched/child', null);
		await client.set('/watched', bytes('x'));
		await watch.waitFor(/NodeDataChanged path:\/watched /);
		expect(watch.output).toMatch(/NodeCreated path:\/watched\/child zxid:0x[0-9a-f]+\n.*NodeDataChanged/);
		expect(await watch.stop('SIGINT')).toBe(0);
	});

	it('tail prints what is committed, from where it is told to begin, and says how to go on', async () => {
		const { zxid } = await client.create('/tailed', bytes('1'));
		const from = `0x${(zxid - 1n).toString(16)}`;
		const tail = start('tail', '--from', from, '--path', '/tailed', '--recursive');
		await tail.waitFor(/create .*\/tailed version 0 1 B/);
		await client.create('/elsewhere', null);
		const last = await client.create('/tailed/child', null);
		await tail.waitFor(/create .*\/tailed\/child version 0/);
		expect(tail.output).not.toContain('/elsewhere');
		expect(await tail.stop('SIGINT')).toBe(0);
		expect(tail.output).toContain(`--from 0x${last.zxid.toString(16)} goes on from here`);
		const machine = start('tail', '--json', '--data', '--from', from);
		const [line] = await machine.waitFor(/^\{.*"path":"\/tailed".*\}$/m);
		expect(JSON.parse(line)).toMatchObject({
			zxid: `0x${zxid.toString(16)}`,
			type: 'create',
			door: 'grpc',
			changes: [{ type: 'create', path: '/tailed', version: 0, sizeAfter: 1, text: '1' }],
		});
		expect(await machine.stop('SIGINT')).toBe(0);
		expect((await ckHere(['tail', '-r'])).stderr).toContain('--recursive needs a --path');
		const nowhere = await ckHere(['tail', '--server', '127.0.0.1:1']);
		expect([nowhere.status, nowhere.stderr]).toEqual([1, expect.stringContaining('cannot reach 127.0.0.1:1')]);
	});

	it.each([
		[['getAcl'], 'usage: getAcl [-s] path', 2],
		[['getAcl', '-x', '/'], 'Unrecognized option: -x', 2],
		[['getAcl', 'a'], 'Path must start with / character', 1],
		[['getAcl', '/missing'], 'Node does not exist: /missing', 1],
		[['addauth', 'digest', 'a:b'], 'this needs a session', 1],
		[['setquota', '/a'], 'Missing required option', 2],
	])('%j is refused with a reason', async (args, reason, status) => {
		const outcome = await ckHere(args);
		expect(outcome.stderr).toContain(reason);
		expect(outcome.status).toBe(status);
	});

	it('a word that is none gets the one that was meant', async () => {
		expect(await ckHere(['getacl', '/'])).toMatchObject({ status: 2, stderr: expect.stringContaining('getAcl') });
	});
});

describe('multi', () => {
	it('40: does all that its arguments say', async () => {
		await client.create('/m', null);
		const out = await done(['multi', 'create /m/a "one two"', 'set -v 0 /m x', 'check /m/a']);
		expect(lines(out)).toEqual([
			'created /m/a',
			'set /m, version 1',
			'checked /m/a',
			expect.stringMatching(/^zxid 0x/),
		]);
		expect(Buffer.from((await client.get('/m/a')).data!).toString()).toBe('one two');
	});

	it('42: takes lines from a pipe, and does nothing when one fails', async () => {
		await client.create('/none', null);
		const { status, stderr } = await ckHere(['multi'], 'delete /none\n\ncheck -v 9 /\n');
		expect(stderr).toMatch(/^ck: operation 2 \(check \/\): .* \(BadVersion\); nothing was done\n/);
		expect(status).toBe(1);
		expect(await client.exists('/none')).toBeDefined();
		expect((await ckHere(['multi', 'frob /a'])).status).toBe(2);
	});
});

describe('ls --long', () => {
	it('has the Stat of each child, below too with -R', async () => {
		await client.create('/long', null);
		for (const path of ['/long/b', '/long/a', '/long/a/c']) await client.create(path, bytes(path));
		expect(lines(await done(['ls', '-l', '/long'])).map((line) => line.trim().split(/ {2,}/))).toEqual([
			['VERSION', 'BYTES', 'CHILDREN', 'CHANGED', 'OWNER', 'NAME'],
			['0', '7', '1', expect.stringMatching(/Z$/), '-', 'a'],
			['0', '7', '0', expect.stringMatching(/Z$/), '-', 'b'],
		]);
		const listed = objects<{ path: string; stat: { numChildren: number } }>(
			await done(['ls', '-lR', '--json', '/long']),
		);
		expect(listed.map(({ path, stat }) => [path, stat.numChildren])).toEqual([
			['/long/a', 1],
			['/long/a/c', 0],
			['/long/b', 0],
		]);
	});
});

describe('status --connections', () => {
	it('names who is connected', async () => {
		const session = await client.openSession({ timeoutMs: 10_000 });
		await session.addWatch('/', 'persistent');
		const listed = objects(await done(['status', '--connections', '--json']));
		const id = `0x${session.id.toString(16)}`;
		expect(listed).toContainEqual(expect.objectContaining({ kind: 'grpc-session', sessionId: id, watches: 1 }));
		expect(await done(['status', '--connections'])).toMatch(new RegExp(`grpc-session +127\\.0\\.0\\.1:\\d+ +${id} `));
		await session.close();
	});
});

describe('an operator', () => {
	it('has a snapshot written', async () => {
		const [taken] = objects<{ file: string; zxid: string }>(await done(['snapshot', '--json']));
		expect(existsSync(taken!.file)).toBe(true);
		expect(taken!.file.endsWith(`snapshot.${taken!.zxid.slice(2)}`)).toBe(true);
	});

	it('sends a client away, whose session lives on', async () => {
		const told: string[] = [];
		const session = await client.openSession({ timeoutMs: 10_000, onEvent: ({ kind }) => told.push(kind) });
		const id = `0x${session.id.toString(16)}`;
		const listed = objects<{ id: number; sessionId: string }>(await done(['status', '--connections', '--json']));
		const { id: number } = listed.find(({ sessionId }) => sessionId === id)!;
		expect(await done(['shed', `${number}`])).toBe('1 closed\n');
		await expect.poll(() => told).toEqual(['detached', 'attached']);
		expect(await session.get('/')).toBeDefined();
		await session.close();
		expect((await ckHere(['shed'])).status).toBe(2);
		expect((await ckHere(['shed', '1', '--share', '0.5'])).status).toBe(2);
		expect((await ckHere(['shed', '--share', '2'])).status).toBe(2);
	});
});

describe('--watch', () => {
	it('52: get goes on with the data', async () => {
		await client.create('/data', bytes('one'));
		const get = start('get', '--watch', '/data');
		await get.waitFor(/one\n/);
		await client.create('/data/child', null);
		for (const data of ['two', 'three']) await client.set('/data', bytes(data));
		await client.delete('/data/child');
		await client.delete('/data');
		await get.waitFor(/was deleted/);
		await client.create('/data', bytes('four'));
		await get.waitFor(/four\n/);
		expect(get.output.replace(/\(zxid .*\)/, '(…)')).toBe('one\ntwo\nthree\n/data was deleted (…)\nfour\n');
		expect(await get.stop('SIGINT')).toBe(0);
	});

	it('52: ls goes on with what comes and goes, below too with -R', async () => {
		await client.create('/list', null);
		await client.create('/list/a', null);
		const [one, all] = [start('ls', '-w', '/list'), start('ls', '-w', '-R', '/list')];
		await Promise.all([one.waitFor(/^a$/m), all.waitFor(/^\/list\/a$/m)]);
		await client.create('/list/b', null);
		await client.create('/list/b/c', null);
		await one.waitFor(/^\+ b$/m);
		await client.delete('/list/a');
		await Promise.all([one.waitFor(/^- a$/m), all.waitFor(/^- \/list\/a$/m)]);
		expect(one.output).toBe('a\n+ b\n- a\n');
		expect(all.output).toBe('/list/a\n+ /list/b\n+ /list/b/c\n- /list/a\n');
	});

	it('52: stat waits for a node and goes on with its Stat', async () => {
		const stat = start('stat', '-w', '--json', '/stat');
		await stat.waitFor(/no such node/);
		await client.create('/stat', bytes('x'));
		await stat.waitFor(/"dataLength":1/);
		await client.create('/stat/child', null);
		await stat.waitFor(/"numChildren":1/);
		await client.delete('/stat/child');
		await client.delete('/stat');
		await stat.waitFor(/"deleted":true/);
	});
});
