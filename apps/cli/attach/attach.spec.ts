/** What `ck attach` refuses, and what it writes; test/interop/ensemble/observer-guide.spec.ts attaches to real ZooKeepers. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ckHere } from '#test/support/ck';
import { unpackRecording } from '#test/support/recordings';
import { serverLines, serversOf } from './ensemble.ts';
import { copyPast } from './past.ts';

let folder: string;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), 'ck-attach-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it.each([
	['zk1:2888:3888,zk2:2888:3888', ['server.1=zk1:2888:3888:participant', 'server.2=zk2:2888:3888:participant']],
	[
		'7=[::1]:2888:3888,9=zk9:1:2:observer;2181',
		['server.7=[::1]:2888:3888:participant', 'server.9=zk9:1:2:observer;0.0.0.0:2181'],
	],
])('%s are the servers', async (text, lines) => {
	expect(serverLines(await serversOf(text))).toEqual(lines);
});

it.each([
	[['zk1:2888:3888,zk2:2888'], /server\.2 is not understood at `zk2:2888`/],
	[['1=zk1:2888:3888,1=zk2:2888:3888'], /gives two servers one number/],
	[['zk1:2888:3888,zk2:2888:3888', '--id', '2'], /cannot be server\.2\n.* a number above 2/],
	[['254=zk1:2888:3888'], /cannot be server\.255\n.* not above 254/],
	[['zk1:2888:3888', '--address', '127.0.0.1:2889'], /server\.2 is not understood at `127\.0\.0\.1:2889`/],
])('%j ends with 2, says why and writes nothing', async (args, reason) => {
	const { status, stderr } = await ckHere(['attach', ...args, '--into', join(folder, 'observer')]);
	expect(stderr).toMatch(reason);
	expect(status).toBe(2);
	expect(readdirSync(folder)).toEqual([]);
});

it('leaves a configuration alone that says something else', async () => {
	writeFileSync(join(folder, 'zoo.cfg'), 'clientPort=1\n');
	const { status, stderr } = await ckHere(['attach', 'zk1:2888:3888', '--into', folder]);
	expect(stderr).toMatch(/zoo\.cfg is there already and says something else\n/);
	expect(status).toBe(1);
	expect(readFileSync(join(folder, 'zoo.cfg'), 'utf8')).toBe('clientPort=1\n');
});

it('copies all of a past, or nothing', async () => {
	const from = [join(folder, 'theirs')];
	unpackRecording('recording-a', join(folder, 'theirs', 'version-2'));
	const into = join(folder, 'observer');
	mkdirSync(into);
	const seen: number[] = [];
	const bytes = await copyPast({ from, into, progress: ({ done }) => seen.push(done) });
	expect(seen.at(-1)).toBe(bytes);
	const copied = readdirSync(join(into, 'version-2'));
	expect(copied.filter((name) => name.startsWith('log.')).length).toBeGreaterThan(0);
	expect(copied.filter((name) => name.startsWith('snapshot.')).length).toBeGreaterThan(0);
	expect(await copyPast({ from, into, progress: () => undefined }), 'a second time').toBe(0);

	mkdirSync(join(folder, 'empty'));
	const nothing = { from: [join(folder, 'empty')], into: join(folder, 'other'), progress: () => undefined };
	await expect(copyPast(nothing)).rejects.toThrow('has no snapshots and no logs of ZooKeeper');
	expect(existsSync(join(folder, 'other'))).toBe(false);
});
