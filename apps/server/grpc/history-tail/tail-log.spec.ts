/** A tail that reads the log of a replica: (1, 1) to (1, 60) and (2, 1) to (2, 40), in files of 20. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { formatZxid, makeZxid, type Zxid, zeroZxid } from '#core/model/zxid';
import { DataTree } from '#core/tree/data-tree';
import { openAcl } from '#jute/acl';
import { DataDirectory } from '#storage/data-directory';
import { type MadeHistory, writeStoredHistory } from '#test/support/stored-history';
import { type FromDisk, TailLog } from './tail-log.ts';

let first: string;
let history: MadeHistory;
let root: string;
let directory: DataDirectory;
let log: TailLog;
beforeAll(async () => {
	first = mkdtempSync(join(tmpdir(), 'chronokeeper-tail-'));
	history = await writeStoredHistory(first);
});
afterAll(() => rmSync(first, { recursive: true }));
beforeEach(() => {
	root = mkdtempSync(join(tmpdir(), 'chronokeeper-tail-'));
	cpSync(first, root, { recursive: true });
	directory = new DataDirectory(root);
	log = new TailLog(directory, () => history.tree);
});
afterEach(() => {
	log.forget();
	rmSync(root, { recursive: true });
});

const committed = makeZxid(2, 40);

function zxids(found: FromDisk): string[] | string {
	return typeof found === 'string' ? found : found.map(({ zxid }) => formatZxid(zxid));
}

async function through(after: Zxid, upTo: Zxid): Promise<string[]> {
	const seen: string[] = [];
	for (let at = after; at < upTo; ) {
		const slice = await log.read(at, upTo);
		if (typeof slice === 'string' || slice.length === 0) return [...seen, String(slice)];
		seen.push(...slice.map(({ zxid }) => formatZxid(zxid)));
		at = slice.at(-1)!.zxid;
	}
	return seen;
}

const between = (after: Zxid, upTo: Zxid) =>
	history.records
		.map(({ header: { zxid } }) => zxid)
		.filter((zxid) => zxid > after && zxid <= upTo)
		.map(formatZxid);

describe('the log of a replica', () => {
	it('has what comes behind a zxid, up to what is committed, over files and epochs', async () => {
		for (const after of [zeroZxid, makeZxid(1, 0), makeZxid(1, 20), makeZxid(1, 33), makeZxid(1, 60), makeZxid(2, 0)]) {
			for (const upTo of [makeZxid(1, 35), makeZxid(2, 7), committed]) {
				expect(await through(after, upTo), `${formatZxid(after)} to ${formatZxid(upTo)}`).toEqual(between(after, upTo));
			}
		}
	});

	it('is read once by those who are at the same place', async () => {
		const [one, other] = await Promise.all([log.read(zeroZxid, committed), log.read(zeroZxid, committed)]);
		expect(one).toBe(other);
		log.forget();
		expect(await log.read(zeroZxid, committed)).not.toBe(one);
	});

	it('says that a zxid was never committed when the history has gone on without it', async () => {
		expect(await log.read(makeZxid(1, 61), committed)).toBe('never committed');
		expect(await log.read(makeZxid(1, 1000), committed)).toBe('never committed');
	});

	it('does not answer for what it lacks: what was purged, and what lies behind a hole', async () => {
		const [, second] = directory.logs();
		rmSync(second!.path);
		expect(await through(zeroZxid, committed)).toEqual([...between(zeroZxid, makeZxid(1, 20)), 'not here']);
		expect(zxids(await log.read(makeZxid(1, 30), committed))).toBe('not here');
		expect(await through(makeZxid(1, 40), committed)).toEqual(between(makeZxid(1, 40), committed));
		log.forget();
		rmSync(directory.logs()[0]!.path);
		expect(zxids(await log.read(makeZxid(1, 5), committed))).toBe('not here');
	});

	it('does not take the end of an epoch for granted when nothing shows it', async () => {
		for (const file of directory.logs()) if (file.zxid < makeZxid(2, 1)) rmSync(file.path);
		expect(zxids(await log.read(makeZxid(1, 60), committed))).toBe('not here');
		expect(await through(makeZxid(2, 0), committed)).toEqual(between(makeZxid(2, 0), committed));
	});

	it('has nothing yet when the disk is behind what is committed', async () => {
		expect(await log.read(committed, makeZxid(2, 50))).toEqual([]);
	});

	it('knows who could read a node when its list is still the one it was created with', async () => {
		const created = history.records.find(({ txn }) => txn.kind === 'create' && history.tree.has(txn.path))!;
		const { path } = created.txn as { path: string };
		const tree = new DataTree();
		const other = new TailLog(directory, () => tree);
		const aclOf = async (from: TailLog) => {
			const slice = (await from.read((created.header.zxid - 1) as Zxid, committed)) as Exclude<FromDisk, string>;
			return slice[0]!.changes.find((change) => change.path === path)!.acl;
		};
		// That of a creation is in the log itself.
		expect(await aclOf(log)).toEqual(openAcl);
		expect(await aclOf(other)).toEqual(openAcl);
		const deleted = history.records.find(({ txn }) => txn.kind === 'closeSession' && (txn.paths?.length ?? 0) > 0)!;
		const deletion = async (from: TailLog) => {
			const slice = (await from.read((deleted.header.zxid - 1) as Zxid, committed)) as Exclude<FromDisk, string>;
			return slice[0]!.changes[0]!.acl;
		};
		// Of what is gone: that of the list it stood in, when that is the same.
		expect(await deletion(log)).toEqual(history.tree.acl('/'));
		tree.setAcl('/', [], 1, undefined);
		expect(await deletion(other)).toBeNull();
		other.forget();
	});
});
