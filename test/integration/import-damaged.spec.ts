/** Damaged directories: what is imported is true, and what is missing is said. Nothing of recording d may become a history that never was. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ImportOutcome, importDirectories } from '#audit/import';
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

const columns =
	'path, data, czxid, mzxid, pzxid, ctime, mtime, version, cversion, aversion, client_cversion, ephemeral_owner, num_children, acl';
const treeSql = (zxid: number) =>
	`select ${columns} from chronokeeper.tree_at(${zxid}::bigint) where path not like '%/zookeeper_stats' order by path`;
const txnsSql = 'select zxid, time, session, cxid, type, path, error, digest from chronokeeper.txn t order by t.zxid';

describe('recording d', () => {
	let truth: TestDatabase;
	let txns: Map<string, unknown>;
	beforeAll(async () => {
		truth = await createDatabase();
		const directory = path.join(work, 'control');
		unpackDamaged('control', directory);
		await importDirectories([directory], truth.url);
		txns = new Map((await truth.query<{ zxid: string }>(txnsSql)).map((row) => [row.zxid, row]));
	});
	afterAll(async () => {
		await truth.drop();
		rmSync(work, { recursive: true, force: true });
	});

	it.each(cases.map((it) => it.case))(
		'%s',
		async (name) => {
			const directory = path.join(work, name);
			unpackDamaged(name, directory);
			const database = await createDatabase();
			try {
				const expected = short[name] ?? {};
				const importing = importDirectories([directory], database.url);
				if (expected.refused !== undefined) {
					await expect(importing).rejects.toThrow(expected.refused);
				} else {
					const outcome: ImportOutcome = await importing;
					expect(outcome.gaps.length > 0, outcome.warnings.join('\n')).toBe(expected.gap === true);
					expect(outcome.lastZxid.toString(16)).toBe((expected.last ?? 0x4e42).toString(16));
					if (expected.last !== undefined && expected.last < 0x4e41) expect(outcome.warnings).not.toEqual([]);
				}
				const rows = await database.query<{ zxid: string }>(txnsSql);
				for (const row of rows) expect(row).toEqual(txns.get(row.zxid));
				const [cursor] = await database.query<{ zxid: string }>(
					'select coalesce(zxid, 0) as zxid from chronokeeper.mirror_cursor',
				);
				const last = Number(cursor?.zxid);
				expect(await database.query(treeSql(last))).toEqual(await truth.query(treeSql(last)));
			} finally {
				await database.drop();
				rmSync(directory, { recursive: true });
			}
		},
		60_000,
	);
});
