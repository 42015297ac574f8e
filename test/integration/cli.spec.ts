/** The command line, on the recorded history of real ZooKeeper servers: as a process where its streams, its end or its environment are the subject. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ck, ckHere, commandLine, complaints, lines, objects } from '#test/support/ck';
import { createDatabase, type TestDatabase } from '#test/support/postgres';
import { RunningProgram } from '#test/support/processes';
import {
	expectedState,
	expectedTree,
	expectedZxids,
	recordingDirectory,
	recordingNames,
	unpackDamaged,
	unpackRecording,
} from '#test/support/recordings';

let folder: string;
beforeAll(() => {
	folder = mkdtempSync(join(tmpdir(), 'ck-cli-'));
	for (const name of recordingNames) unpackRecording(name, join(folder, name));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('usage', () => {
	it('--help is everywhere and succeeds', async () => {
		const { status, stdout } = await ck(['--help']);
		expect(status).toBe(0);
		const commands = [...stdout.matchAll(/^ {2}([a-z]+) .*/gm)]
			.map(([, name]) => name!)
			.filter((name) => name !== 'help');
		expect(commands).toContain('log');
		const helps = await Promise.all(commands.map((name) => ckHere([name, '--help'])));
		for (const [i, help] of helps.entries()) {
			expect(help, commands[i]).toMatchObject({ status: 0, stderr: '' });
			expect(help.stdout).toMatch(new RegExp(`^Usage: ck ${commands[i]} `));
		}
	});

	it.each([
		[['nosuch'], /unknown command 'nosuch'/],
		[['get'], /missing required argument 'path'/],
		[['get', 'relative'], /a path begins with "\/"/],
		[['log', '--from', 'x', '.'], /"x" is not a zxid: write hexadecimal like 0x500000012, or decimal/],
		[['set', '/a', 'x', '--null'], /the data are named twice/],
		[['create', '/a', '--container', '--sequential'], /--container cannot be combined/],
		[['get', '/a', '--server', 'nowhere'], /write host:port/],
		[[], /Usage: ck/],
	])('%j ends with 2 and says why', async (args, reason) => {
		const { status, stdout, stderr } = await ck(args);
		expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
		expect(stderr).toMatch(reason);
		expect(stderr).not.toMatch(/file:\/\/|node:internal/);
	});

	it('a server that is not there is one clear line, and what to do', async () => {
		const { status, stderr } = await ck(['get', '/a', '--server', '127.0.0.1:1']);
		expect(status).toBe(1);
		expect(lines(stderr)).toEqual([
			'ck: cannot reach 127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1',
			expect.stringContaining('npm start'),
		]);
	});
});

describe('ck log', () => {
	it('prints every transaction as one object, lossless', async () => {
		const { status, stdout, stderr } = await ck(['log', '--json', join(folder, 'recording-a')]);
		expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
		const txns = objects<{ kind: string; zxid: string; type: string; digest: { value: string } | null }>(stdout).filter(
			(object) => object.kind === 'txn',
		);
		const file = join(recordingDirectory('recording-a'), 'expected', 'digests.csv.gz');
		const expected = lines(gunzipSync(readFileSync(file)).toString()).slice(1);
		const printed = txns.map(({ zxid, type, digest }) => `${zxid},${type},${digest ? `2,${digest.value}` : ','}`);
		expect(printed).toEqual(expected);
	});

	it('prints a range, for people', async () => {
		const { status, stdout } = await ckHere(['log', '--from', '768', '--to', '0x302', join(folder, 'recording-a')]);
		expect(status).toBe(0);
		const shown = lines(stdout).filter((line) => !line.startsWith('#'));
		expect(shown.map((line) => line.split(/ +/)[0])).toEqual(['ZXID', '0x300', '0x301', '0x302']);
		expect(shown[3]).toMatch(/ createContainer +\/containers\/c31 "node broke" world:anyone:cdrwa$/);
	});

	it('prints a snapshot node by node', async () => {
		const { status, stdout } = await ckHere(['log', '--json', join(folder, 'recording-a', 'snapshot.5df')]);
		expect(status).toBe(0);
		const all = objects<{ kind: string; path: string; czxid: string; cversion: number; data: string | null }>(stdout);
		const nodes = all.filter((object) => object.kind === 'node');
		const file = join(recordingDirectory('recording-a'), 'expected', 'file-snapshot.5df.jsonl.gz');
		const expected = objects<(typeof nodes)[number]>(gunzipSync(readFileSync(file)).toString());
		const key = ({ path, czxid, cversion, data }: (typeof nodes)[number]) => `${path} ${czxid} ${cversion} ${data}`;
		expect(nodes.map(key).sort()).toEqual(expected.map(key).sort());
		expect(all.at(-1)).toMatchObject({ kind: 'snapshot', nodes: expected.length });
	});

	it('ends quietly when its reader goes away', async () => {
		const command = [...commandLine, 'log', join(folder, 'recording-a')].map((part) => `'${part}'`).join(' ');
		const child = spawn('bash', ['-c', `set -o pipefail; ${command} | head -n 1`]);
		let output = '';
		for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk));
		const status = await new Promise((resolve) => child.on('close', resolve));
		expect({ status, output: lines(output).length }).toEqual({ status: 0, output: 1 });
	});

	it.runIf(existsSync('/dev/full'))('says so when its output cannot be written', async () => {
		const command = [...commandLine, 'log', join(folder, 'recording-a')].map((part) => `'${part}'`).join(' ');
		const child = spawn('bash', ['-c', `${command} > /dev/full`]);
		let errors = '';
		child.stderr.on('data', (chunk: Buffer) => {
			errors += chunk;
		});
		expect(await new Promise((resolve) => child.on('close', resolve))).toBe(1);
		expect(errors).toMatch(/^ck: the output could not be written: ENOSPC.*\n$/);
	});

	it('names what is wrong with a file, and goes on with the next', async () => {
		const damaged = join(folder, 'damaged');
		unpackDamaged('log-flipped-bit-middle', damaged);
		const { status, stdout, stderr } = await ck(['log', '--json', damaged]);
		expect(status).toBe(1);
		expect(lines(stderr)).toHaveLength(1);
		expect(stderr).toMatch(/log\.49bd at byte \d+ \(zxid 0x[0-9a-f]+\): the checksum of a record is wrong/);
		expect(objects<{ kind: string }>(stdout).some((object) => object.kind === 'snapshot')).toBe(true);
	});

	it('knows files that are not ZooKeeper’s', async () => {
		const file = join(folder, 'note.txt');
		writeFileSync(file, 'hello');
		expect(await ckHere(['log', file])).toMatchObject({
			status: 1,
			stderr: expect.stringContaining('begins with "hell", not with ZKLG or ZKSN'),
		});
		expect(await ckHere(['log', join(folder, 'nothing')])).toMatchObject({ status: 1 });
	});
});

describe('ck log --verify', () => {
	it.each(recordingNames)('77: %s has not one mismatch', async (name) => {
		const manifest = JSON.parse(readFileSync(join(recordingDirectory(name), 'manifest.json'), 'utf8'));
		const { txns, lastZxid, finalDigest } = manifest as { txns: number; lastZxid: string; finalDigest: string };
		const { status, stdout } = await ckHere(['log', '--verify', join(folder, name)]);
		expect(stdout).toBe(`${txns} txns, 0 mismatches, last zxid ${lastZxid}, digest ${finalDigest}\n`);
		expect(status).toBe(0);
	});

	it('gives the tree’s digest at any zxid', async () => {
		const { treeDigest } = expectedState('recording-a', '2649');
		const { stdout } = await ckHere(['log', '--verify', '--json', '--to', '0x2649', join(folder, 'recording-a')]);
		expect(objects(stdout)).toEqual([
			{ txns: 0x2649, mismatches: 0, lastZxid: '0x2649', digest: treeDigest, damage: [] },
		]);
	});

	it('77: fails where only a digest tells', async () => {
		const damaged = join(folder, 'wrong-data');
		unpackDamaged('log-wrong-data-right-checksum', damaged);
		const { status, stdout, stderr } = await ckHere(['log', '--verify', damaged]);
		expect(status).toBe(1);
		expect(stdout).toMatch(/^20034 txns, [1-9]\d* mismatches, last zxid 0x4e42, digest \d+\n$/);
		expect(stderr).toMatch(/log\.49bd at byte \d+: the tree at 0x[0-9a-f]+ has digest \d+, its record says \d+/);
	});

	it('fails for a directory whose logs cannot be read on, and counts what lies before', async () => {
		const damaged = join(folder, 'huge-length');
		unpackDamaged('log-huge-length', damaged);
		const { status, stdout, stderr } = await ck(['log', '--verify', damaged]);
		const counted = '19455 txns, 0 mismatches, last zxid 0x4bff, digest 4212128513786\n';
		expect({ status, stdout }).toEqual({ status: 1, stdout: counted });
		expect(stderr).toMatch(/log\.49bd at byte \d+/);
	});
});

describe('history', () => {
	let database: TestDatabase;
	beforeAll(async () => {
		database = await createDatabase({ migrate: false });
		vi.stubEnv('CK_AUDIT_URL', database.url);
	});
	afterAll(async () => {
		vi.unstubAllEnvs();
		await database.drop();
	});

	it('says what to do when the database has no history yet, or there is none', async () => {
		const away = await ckHere([
			'import',
			join(folder, 'recording-a'),
			'--database',
			'postgresql://u:secret@127.0.0.1:1/x',
		]);
		expect(away.status).toBe(1);
		expect(lines(away.stderr)[0]).toBe('ck: cannot reach PostgreSQL at 127.0.0.1:1/x: ECONNREFUSED');
		const empty = await ck(['tree', '--at', '0x1']);
		expect(empty.status).toBe(1);
		expect(lines(empty.stderr)).toEqual([
			expect.stringMatching(/^ck: PostgreSQL at 127/),
			expect.stringContaining('ck import'),
		]);
		const none = await ck(['import', folder, '--data-dir', folder], { env: { CK_AUDIT_URL: '' } });
		expect(none.status).toBe(1);
		expect(none.stderr).toContain('postgres.url');
	});

	it('is imported once: a second time adds nothing', async () => {
		const first = await ck(['import', '--json', join(folder, 'recording-a')]);
		expect([first.status, complaints(first)]).toEqual([0, []]);
		expect(objects(first.stdout)).toEqual([
			expect.objectContaining({
				txns: 20_034,
				lastZxid: '0x4e42',
				digest: '4072018188466',
				gaps: [],
				warnings: [],
			}),
		]);
		const second = await ckHere(['import', join(folder, 'recording-a')]);
		expect(second).toEqual({ status: 0, stdout: 'nothing new: the history goes to 0x4e42 already\n', stderr: '' });
	});

	it('is restored, exactly and in a new epoch', async () => {
		const into = join(folder, 'restored');
		const { treeDigest } = expectedState('recording-a', '2649');
		const keep = ['restore', '--json', '--to', '0x2649', '--into', into, '--keep-sessions'];
		const kept = await ckHere(keep);
		expect([kept.status, complaints(kept)]).toEqual([0, []]);
		expect(objects(kept.stdout)).toEqual([
			expect.objectContaining({ zxid: '0x2649', digest: treeDigest, startZxid: '0x100000000', epoch: 1 }),
		]);
		const verified = await ckHere(['log', '--verify', into]);
		expect(verified.stdout).toBe(`0 txns, 0 mismatches, last zxid 0x100000000, digest ${treeDigest}\n`);
		const ended = await ckHere(['restore', '--json', '--to', '0x2649', '--into', `${into}-all`, '--servers', '2']);
		const [{ sessions, endedSessions, startZxid, directories }] = objects(ended.stdout) as [Record<string, unknown>];
		expect(sessions).toBeGreaterThan(0);
		expect([endedSessions, startZxid]).toEqual([sessions, `0x${(0x1_0000_0000 + Number(sessions)).toString(16)}`]);
		expect(directories).toEqual(['1', '2'].map((id) => join(`${into}-all`, id)));
		const again = await ckHere(['restore', '--to', '0x2649', '--into', into]);
		expect(again).toMatchObject({ status: 1, stderr: expect.stringContaining('is not empty') });
		const ahead = await ckHere(['restore', '--to', '0x4e43', '--into', `${into}-2`]);
		expect(ahead).toMatchObject({ status: 1, stderr: expect.stringContaining('lies ahead') });
	});

	it('1, 74: every transaction is shown, failed ones too, with what the log knows of who did it', async () => {
		const { status, stdout } = await ckHere(['history', '--json']);
		expect(status).toBe(0);
		const file = join(recordingDirectory('recording-a'), 'expected', 'digests.csv.gz');
		const expected = lines(gunzipSync(readFileSync(file)).toString()).slice(1);
		const txns = objects<{ zxid: string; type: string; digest: string | null; door: string }>(stdout);
		expect(txns.map(({ zxid, type, digest }) => `${zxid},${type},${digest ? `2,${digest}` : ','}`)).toEqual(expected);
		expect(new Set(txns.map((txn) => txn.door))).toEqual(new Set(['apache-zookeeper']));
	});

	it('is narrowed by path, range, session and type', async () => {
		const zxids = async (...args: string[]) => {
			const { status, stdout } = await ckHere(['history', '--json', ...args]);
			expect(status).toBe(0);
			return objects<{ zxid: string }>(stdout).map((txn) => Number(txn.zxid));
		};
		expect(await zxids('--from', '0x300', '--to', '770')).toEqual([0x300, 0x301, 0x302]);
		expect(await zxids('--from', '0x300', '--limit', '2')).toEqual([0x300, 0x301]);
		expect(await zxids('/containers/c31', '--type', 'createContainer')).toContain(0x302);
		expect(await zxids('/containers/c31', '--to', '0x303')).toEqual([0x302]);
		expect(await zxids('/containers/c31', '-r', '--to', '0x303')).toEqual([0x302, 0x303]);
		const opened = await zxids('--session', '0x1000030957c000f', '--type', 'createSession');
		expect(opened).toHaveLength(1);
		const none = await ckHere(['history', '/no/such/node']);
		expect(none).toEqual({ status: 0, stdout: '', stderr: 'no transaction matches\n' });
	});

	it('is shown to people in aligned lines', async () => {
		const { stdout } = await ckHere(['history', '--from', '0x302', '--to', '0x303']);
		expect(lines(stdout)).toEqual([
			expect.stringMatching(/^ZXID +TIME +SESSION +TYPE +BY +WHAT$/),
			expect.stringMatching(/^0x302 .* createContainer +apache-zookeeper +\/containers\/c31 version 0 10 B$/),
			expect.stringMatching(/^0x303 .* create +apache-zookeeper +\/containers\/c31\/m0 version 0 0 B$/),
		]);
	});

	it.each(expectedZxids('recording-a'))('gives the tree at 0x%s, every field of it', async (zxid) => {
		const { status, stdout } = await ckHere(['tree', '--json', '--at', `0x${zxid}`]);
		expect(status).toBe(0);
		const nodes = objects<
			{ path: string; data: string | null; stat: Record<string, unknown> } & Record<string, unknown>
		>(stdout);
		const shown = nodes.map(({ path, data, stat, acl, storedCversion, storedOwner }) => {
			const { ephemeralOwner: _, dataLength: __, cversion: clientCversion, ...rest } = stat;
			return { path, data, ...rest, clientCversion, cversion: storedCversion, ephemeralOwner: storedOwner, acl };
		});
		const byPath = (a: { path: string }, b: { path: string }) => (a.path < b.path ? -1 : 1);
		expect(shown.sort(byPath)).toEqual(expectedTree('recording-a', zxid).sort(byPath));
	});

	it('gives one node, its data byte for byte', async () => {
		const node = expectedTree('recording-a', '2649').find((each) => (each.data ?? '').length > 100)!;
		const { status, stdout } = await ckHere(['at', '0x2649', node.path]);
		expect(status).toBe(0);
		expect(Buffer.from(stdout).toString('base64')).toBe(node.data);
		const missing = await ckHere(['at', '0x2649', '/no/such/node']);
		expect(missing).toMatchObject({ status: 1, stderr: 'ck: /no/such/node: there was no such node at 0x2649\n' });
		const ahead = await ckHere(['at', '0x99999', '/']);
		expect(ahead).toMatchObject({ status: 1, stdout: '', stderr: expect.stringMatching(/^ck: .*0x99999 lies ahead/) });
	});

	it('gives the difference of two zxids', async () => {
		const [before, after] = ['20e3', '2338'].map(
			(zxid) => new Map(expectedTree('recording-a', zxid).map((node) => [node.path, node])),
		);
		const { stdout } = await ckHere(['diff', '--json', '0x20e3', '0x2338']);
		const shown = new Map(
			objects<{ path: string; difference: string }>(stdout).map((each) => [each.path, each.difference]),
		);
		for (const path of new Set([...before!.keys(), ...after!.keys()])) {
			const [a, b] = [before!.get(path), after!.get(path)];
			const difference = a === undefined ? 'created' : b === undefined ? 'deleted' : undefined;
			if (difference !== undefined) expect(shown.get(path), path).toBe(difference);
			else if (a!.czxid !== b!.czxid) expect(shown.get(path), path).toBe('recreated');
			else expect(shown.has(path), path).toBe(a!.mzxid !== b!.mzxid || a!.aversion !== b!.aversion);
		}
		const text = await ckHere(['diff', '0x20e3', '0x2338', '/brokers']);
		for (const line of lines(text.stdout)) expect(line).toMatch(/^[-+~] \/brokers/);
		expect(text.status).toBe(0);
	});

	it('is followed until Ctrl-C', async () => {
		const other = await createDatabase({ migrate: false });
		const beginning = join(folder, 'beginning');
		unpackRecording('recording-a', beginning, (name) => name === 'snapshot.0' || name === 'log.1');
		await ckHere(['import', '--database', other.url, beginning]);
		const args = [...commandLine.slice(1), 'history', '--json', '--follow', '--from', '0x58d', '--type', 'setData'];
		const program = new RunningProgram(commandLine[0]!, args, { env: { CK_AUDIT_URL: other.url } });
		await program.waitFor(/"zxid":"0x58d"/);
		await ckHere(['import', '--database', other.url, join(folder, 'recording-a')]);
		await program.waitFor(/"zxid":"0x4e2d"/);
		expect(await program.stop('SIGINT')).toBe(0);
		expect(objects<{ zxid: string }>(program.output)).toHaveLength(setDataFrom(0x58d));
		await other.drop();
	});
});

function setDataFrom(zxid: number): number {
	const file = join(recordingDirectory('recording-a'), 'expected', 'digests.csv.gz');
	const rows = lines(gunzipSync(readFileSync(file)).toString()).map((line) => line.split(','));
	return rows.filter(([at, type]) => type === 'setData' && Number(at) >= zxid).length;
}
