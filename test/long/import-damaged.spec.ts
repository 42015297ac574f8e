/** Damaged directories: what is imported is true, and what is missing is said. Nothing of recording d may become a history that never was. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ImportOutcome, importDirectories } from '#audit/import';
import { expectEqual } from '#test/support/equal';
import { createDatabase, type TestDatabase } from '#test/support/postgres';
import { recordingDirectory, unpackDamaged } from '#test/support/recordings';

const work = mkdtempSync(path.join(tmpdir(), 'ck-damaged-'));
const { cases } = JSON.parse(
	readFileSync(path.join(recordingDirectory('recording-d-damaged'), 'outcomes.json'), 'utf8'),
) as { cases: { case: string }[] };

/** Not the last transaction: where the history ends, or that it has a gap, because nothing sound has the rest. */
const short: Readonly<Record<string, { last?: number; gap?: boolean; refused?: RegExp }>> = {
	'log-torn-cut': { last: 0x4e41 },
	'log-torn-cut-in-header': { last: 0x4e41 },
	'log-torn-zeros': { last: 0x4e41 },
	'log-no-end-mark': { last: 0x4e41 },
	'log-flipped-bit-last-record': { last: 0x4e41 },
	'log-flipped-bit-middle': { last: 0x4bff },
	'log-flipped-bit-length': { last: 0x4bff },
	'log-huge-length': { last: 0x4bff },
	'log-zero-length-field': { last: 0x4bff },
	'log-bad-magic': { last: 0x49bc },
	'log-empty-last': { last: 0x49bc },
	'log-missing-last': { last: 0x49bc },
	'log-old-flipped-bit': { gap: true },
	'log-empty-middle': { last: 0x4445 },
	'log-missing-middle': { last: 0x4445 },
	'logs-all-missing': { last: 0x4445, gap: true },
	'log-wrong-data-right-checksum': { refused: /digest mismatch after zxid 0x4c00/ },
};

/** Most cases have only these: older files are away, as a ZooKeeper purges them. The damage lies in what is there. */
const recentFiles = new Set([
	'log.3d24',
	'log.4446',
	'log.49bd',
	'log.4e43',
	'snapshot.3d28',
	'snapshot.4445',
	'snapshot.49be',
]);
/** Where their history begins: snapshot.3d28 was written while transactions went on, and has this zxid's tree. */
const beginning = 0x3d6a;
/** Those that are about old files, or about all of them. */
const fromTheFirst = new Set([
	'control',
	'log-old-flipped-bit',
	'logs-all-missing',
	'snapshots-all-flipped',
	'snapshots-all-missing',
]);

const columns =
	'path, data, czxid, mzxid, pzxid, ctime, mtime, version, cversion, aversion, client_cversion, ephemeral_owner, num_children, acl';
const treeSql = (zxid: number) =>
	`select ${columns} from chronokeeper.tree_at(${zxid}::bigint) where path not like '%/zookeeper_stats' order by path`;
const txnsSql =
	'select zxid, row(time, session, cxid, type, path, error, digest)::text as said from chronokeeper.txn order by zxid';

describe('recording d', () => {
	let truth: TestDatabase;
	const txns = new Map<number, string>();
	const trees = new Map<number, unknown[]>();
	beforeAll(async () => {
		truth = await createDatabase();
		const directory = path.join(work, 'truth');
		unpackDamaged('control', directory);
		await importDirectories([directory], truth.url);
		for (const [zxid, said] of await txnsOf(truth)) txns.set(zxid, said);
	});
	afterAll(async () => {
		await truth.drop();
		rmSync(work, { recursive: true, force: true });
	});

	async function trueTree(zxid: number): Promise<unknown[]> {
		const known = trees.get(zxid) ?? (await truth.query(treeSql(zxid)));
		trees.set(zxid, known);
		return known;
	}

	it.each(cases.map((it) => it.case))(
		'%s',
		async (name) => {
			const directory = path.join(work, name);
			const isWhole = fromTheFirst.has(name);
			unpackDamaged(name, directory, (file) => isWhole || recentFiles.has(file));
			const database = await createDatabase();
			try {
				const expected = short[name] ?? {};
				const importing = importDirectories([directory], database.url);
				let gaps: readonly { readonly afterZxid: number; readonly throughZxid: number }[] = [];
				if (expected.refused !== undefined) {
					await expect(importing).rejects.toThrow(expected.refused);
				} else {
					const outcome: ImportOutcome = await importing;
					({ gaps } = outcome);
					// The old files that are away are said to be.
					if (!isWhole) expect(gaps[0]).toMatchObject({ afterZxid: 0, throughZxid: beginning });
					expect(gaps.length > (isWhole ? 0 : 1), outcome.warnings.join('\n')).toBe(expected.gap === true);
					expect(outcome.lastZxid.toString(16)).toBe((expected.last ?? 0x4e42).toString(16));
					if (expected.last !== undefined && expected.last < 0x4e41) expect(outcome.warnings).not.toEqual([]);
				}
				const imported = await txnsOf(database);
				expect(imported.filter(([zxid, said]) => txns.get(zxid) !== said)).toEqual([]);
				const [cursor] = await database.query<{ zxid: string }>(
					'select coalesce(zxid, 0) as zxid from chronokeeper.mirror_cursor',
				);
				const last = Number(cursor?.zxid);
				if (expected.refused === undefined) {
					const isMissing = (zxid: number) => gaps.some((gap) => zxid > gap.afterZxid && zxid <= gap.throughZxid);
					const there = [...txns.keys()].filter((zxid) => zxid <= last && !isMissing(zxid));
					expectEqual(
						imported.map(([zxid]) => zxid),
						there,
					);
				}
				expectEqual(await database.query(treeSql(last)), await trueTree(last));
			} finally {
				await database.drop();
				rmSync(directory, { recursive: true });
			}
		},
		60_000,
	);
});

/** What each transaction was, in order. */
async function txnsOf(database: TestDatabase): Promise<(readonly [zxid: number, said: string])[]> {
	const rows = await database.query<{ zxid: string; said: string }>(txnsSql);
	return rows.map(({ zxid, said }) => [Number(zxid), said]);
}
