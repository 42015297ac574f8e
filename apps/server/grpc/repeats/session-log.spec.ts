/** What sessions wrote, out of the log of a replica: (1, 1) to (1, 60) and (2, 1) to (2, 40), in files of 20; seven sessions, whose cxids are the counters. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { TxnRecord } from '#core/model/txn-record';
import { makeZxid, nextZxid, type SessionId, type Zxid, zeroZxid } from '#core/model/zxid';
import { openAcl } from '#jute/acl';
import type { Txn } from '#jute/txn';
import { DataDirectory } from '#storage/data-directory';
import { FileTxnLog } from '#storage/txn-log';
import { createLogger } from '#telemetry/logger';
import { type MadeHistory, writeStoredHistory } from '#test/support/stored-history';
import { SessionLog, type SessionWrites } from './session-log.ts';

const logger = createLogger({ level: 'silent', format: 'json', destination: { write: () => true } });
const last = makeZxid(2, 40);
const session = 0x1003n as SessionId;
let first: string;
let history: MadeHistory;
let root: string;
let directory: DataDirectory;
let durable: Zxid;
let isServing: boolean;
let log: SessionLog;
beforeAll(async () => {
	first = mkdtempSync(join(tmpdir(), 'chronokeeper-repeats-'));
	history = await writeStoredHistory(first);
});
afterAll(() => rmSync(first, { recursive: true }));
beforeEach(() => {
	root = mkdtempSync(join(tmpdir(), 'chronokeeper-repeats-'));
	cpSync(first, root, { recursive: true });
	directory = new DataDirectory(root);
	durable = last;
	isServing = true;
	log = new SessionLog({ directory, lastDurable: () => durable, isServing: () => isServing, logger });
});
afterEach(() => rmSync(root, { recursive: true }));

/** By cxid, the zxids. */
function shown({ results }: SessionWrites): [number, Zxid][] {
	return [...results].map(([cxid, { zxid }]) => [cxid, zxid]);
}

/** What the history says. The last one with a cxid is not its first. */
function expected(sessionId: SessionId, after: Zxid, through: Zxid): [number, Zxid][] {
	const found = new Map<number, Zxid>();
	for (const { header, txn } of history.records) {
		const { zxid, cxid } = header;
		if (header.sessionId !== sessionId || zxid <= after || zxid > through || txn.kind !== 'create') continue;
		if (!found.has(cxid)) found.set(cxid, zxid);
	}
	return [...found];
}

/** Writes these behind the history, in a log of their own. */
async function append(
	txns: readonly { readonly cxid: number; readonly txn: Txn }[],
	from = nextZxid(last),
): Promise<void> {
	const records = txns.map(({ cxid, txn }, at): TxnRecord => {
		const header = { sessionId: session, cxid, zxid: (from + at) as Zxid, time: 1000 + at };
		return { header, txn, digest: { version: 2, value: 1n }, context: null };
	});
	const file = new FileTxnLog({ directory: directory.logDirectory, lastZxid: (from - 1) as Zxid });
	file.listen({ durable: () => {}, failed: () => {} });
	file.append(records);
	await file.close();
	durable = records.at(-1)!.header.zxid;
}

function created(path: string): Txn {
	return { kind: 'create', path, data: new Uint8Array(3), acl: openAcl, ephemeral: true, parentCversion: 1 };
}

describe('what a session wrote', () => {
	it('is found by its cxids behind a zxid, over files and epochs, whoever asks at the same time', async () => {
		const asked: { sessionId: SessionId; after: Zxid; through: Zxid }[] = [];
		for (const after of [
			zeroZxid,
			makeZxid(1, 20),
			makeZxid(1, 33),
			makeZxid(1, 60),
			makeZxid(2, 0),
			makeZxid(2, 39),
			last,
		])
			for (const through of [makeZxid(1, 35), makeZxid(2, 7), last])
				for (const sessionId of [0x1001n, 0x1003n, 0x77n] as SessionId[]) asked.push({ sessionId, after, through });
		const found = await Promise.all(asked.map(({ sessionId, after, through }) => log.find(sessionId, after, through)));
		for (const [at, { sessionId, after }] of asked.entries()) {
			// Who asks along for more than is read for it may be told of more.
			const more = expected(sessionId, after, last);
			expect(found[at]!.isComplete).toBe(true);
			expect(shown(found[at]!), `${sessionId} behind ${after}`).toEqual(more);
		}
		const alone = await log.find(session, makeZxid(1, 3), makeZxid(1, 35));
		expect(shown(alone)).toEqual(expected(session, makeZxid(1, 3), makeZxid(1, 35)));
		expect(shown(alone).length).toBeGreaterThan(2);
	});

	it('is not all known where the log has a hole behind that zxid, and is in front of nothing that is missing', async () => {
		const [, second] = directory.logs();
		rmSync(second!.path);
		// (1, 21) to (1, 40) are missing.
		for (const [after, isComplete] of [
			[zeroZxid, false],
			[makeZxid(1, 25), false],
			[makeZxid(1, 39), false],
			[makeZxid(1, 40), true],
			[makeZxid(1, 55), true],
		] as const) {
			const found = await log.find(session, after, last);
			expect(found.isComplete, `behind ${after}`).toBe(isComplete);
			if (isComplete) expect(shown(found)).toEqual(expected(session, after, last));
		}
		expect((await log.find(session, makeZxid(1, 5), makeZxid(1, 20))).isComplete).toBe(true);
	});

	it('is not known in front of where the log begins, nor when there is none', async () => {
		for (const file of directory.logs()) if (file.zxid < makeZxid(2, 1)) rmSync(file.path);
		expect((await log.find(session, makeZxid(1, 60), last)).isComplete).toBe(false);
		expect((await log.find(session, makeZxid(2, 0), last)).isComplete).toBe(true);
		for (const file of directory.logs()) rmSync(file.path);
		expect((await log.find(session, makeZxid(2, 39), last)).isComplete).toBe(false);
		expect((await log.find(session, last, last)).isComplete).toBe(true);
	});

	it('78: is not known when a snapshot took the place of what the log lacks at the end of an epoch', async () => {
		// The log ends with (1, 55), a snapshot has (1, 58), and the log goes on with (2, 1).
		const lacking = history.records.filter(({ header: { zxid } }) => zxid > makeZxid(1, 40) && zxid <= makeZxid(1, 55));
		rmSync(directory.logs().find(({ zxid }) => zxid === makeZxid(1, 41))!.path);
		const file = new FileTxnLog({ directory: directory.logDirectory, lastZxid: makeZxid(1, 40) });
		file.listen({ durable: () => {}, failed: () => {} });
		file.append(lacking);
		await file.close();
		expect((await log.find(session, makeZxid(1, 50), last)).isComplete).toBe(true);
		const snapshot = directory.snapshots().at(-1)!;
		cpSync(snapshot.path, join(directory.snapshotDirectory, `snapshot.${makeZxid(1, 58).toString(16)}`));
		expect((await log.find(session, makeZxid(1, 50), last)).isComplete).toBe(false);
		expect((await log.find(session, makeZxid(1, 58), last)).isComplete).toBe(true);
		expect((await log.find(session, makeZxid(2, 0), last)).isComplete).toBe(true);
	});

	it('78: is not known when a snapshot brought what is applied', async () => {
		durable = makeZxid(2, 90);
		expect((await log.find(session, last, makeZxid(2, 90))).isComplete).toBe(false);
		expect((await log.find(session, makeZxid(2, 90), makeZxid(2, 90))).isComplete).toBe(true);
	});

	it('is looked for when the own disk has it, and given up with the leader', async () => {
		durable = makeZxid(2, 39);
		const finding = log.find(session, makeZxid(2, 20), last);
		const early = await Promise.race([finding, new Promise((resolve) => setImmediate(() => resolve('waits')))]);
		expect(early).toBe('waits');
		durable = last;
		expect((await finding).isComplete).toBe(true);
		durable = makeZxid(2, 39);
		const given = log.find(session, makeZxid(2, 20), last);
		isServing = false;
		expect((await given).isComplete).toBe(false);
	});

	it('65: passes over SessionMoved, which says only that a write was not done there; the first result counts', async () => {
		const moved: Txn = { kind: 'error', code: -118 };
		await append([
			{ cxid: 501, txn: moved },
			{ cxid: 502, txn: { kind: 'multi', ops: [{ kind: 'error', code: 0 }, moved] } },
			{ cxid: 501, txn: created('/done') },
			{ cxid: 502, txn: { kind: 'delete', path: '/done' } },
			{ cxid: 503, txn: { kind: 'error', code: -101 } },
			{ cxid: 503, txn: created('/twice') },
			// A number of the server's own.
			{ cxid: 2 ** 30, txn: created('/unary') },
		]);
		const { results, isComplete } = await log.find(session, last, durable);
		expect(isComplete).toBe(true);
		expect([...results].map(([cxid, { ops }]) => [cxid, ops[0]])).toEqual([
			[501, { kind: 'create', path: '/done', dataLength: 3, owner: session }],
			[502, { kind: 'delete', path: '/done' }],
			[503, { kind: 'error', code: -101 }],
		]);
	});

	it('is bounded: of more than a client can have under way it is said that not all is known', async () => {
		const ops = Array.from({ length: 1000 }, () => ({ kind: 'delete', path: '/n' }) as const);
		await append(Array.from({ length: 101 }, (_, at) => ({ cxid: 1000 + at, txn: { kind: 'multi', ops } as const })));
		const most = await log.find(session, nextZxid(last), durable);
		expect([most.isComplete, most.results.size]).toEqual([true, 100]);
		const more = await log.find(session, last, durable);
		expect(more.isComplete).toBe(false);
	});
});
