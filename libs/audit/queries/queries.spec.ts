/** The SQL that Kysely makes is reviewed as SQL: it lies in queries/*.sql and must not change unseen (CK_REWRITE=1 writes it anew). */
import { readFileSync, writeFileSync } from 'node:fs';
import { DummyDriver, Kysely, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler } from 'kysely';
import { expect, it } from 'vitest';
import { endKnownVersionsSql, endVersionsSql } from '../batch-writer.ts';
import type { HistoryDatabase } from '../schema.ts';
import { storedTreeSql } from '../stored-tree.ts';
import { blameQuery, dataVersionsQuery, lastZxidAtQuery } from './blame.ts';
import { cursorQuery, gapsQuery, zxidAtQuery } from './gaps.ts';
import { childPathsAtQuery, diffQuery, nodeAtQuery, treeAtQuery } from './nodes.ts';
import { contentsQuery } from './tail-changes.ts';
import { changesQuery, txnsQuery } from './txns.ts';

const db = new Kysely<HistoryDatabase>({
	dialect: {
		createAdapter: () => new PostgresAdapter(),
		createDriver: () => new DummyDriver(),
		createIntrospector: (it) => new PostgresIntrospector(it),
		createQueryCompiler: () => new PostgresQueryCompiler(),
	},
});

const range = { from: 1, to: 2 };
const compiled: Readonly<Record<string, string>> = {
	txns: txnsQuery(db, range, 500).compile().sql,
	'txns-of-a-session': txnsQuery(db, { ...range, session: 1n, type: 'setData' }, 500).compile().sql,
	'txns-of-a-node': txnsQuery(db, { ...range, path: '/a' }, 500).compile().sql,
	'txns-of-a-subtree': txnsQuery(db, { ...range, path: '/a', recursive: true }, 500).compile().sql,
	changes: changesQuery(db, ['1']).compile().sql,
	'tail-changes': contentsQuery(['1'], true).compile(db).sql,
	gaps: gapsQuery(db, 1, 2).compile().sql,
	cursor: cursorQuery(db).compile().sql,
	'zxid-at': zxidAtQuery(1).compile(db).sql,
	'last-zxid-at': lastZxidAtQuery(1).compile(db).sql,
	blame: blameQuery('/a').compile(db).sql,
	'data-versions': dataVersionsQuery('/a', 1).compile(db).sql,
	'node-at': nodeAtQuery('/a', 1).compile(db).sql,
	'child-paths-at': childPathsAtQuery('/a', 1).compile(db).sql,
	'tree-at': treeAtQuery(1, '/').compile(db).sql,
	diff: diffQuery(1, 2, '/').compile(db).sql,
	'end-known-versions': endKnownVersionsSql,
	'end-versions': endVersionsSql,
	'stored-tree': storedTreeSql(1 as never),
};

it.each(Object.keys(compiled))('%s.sql', (name) => {
	const file = new URL(`./${name}.sql`, import.meta.url);
	const sql = `${readable(compiled[name]!)}\n`;
	if (process.env.CK_REWRITE === '1') writeFileSync(file, sql);
	expect(sql).toBe(readFileSync(file, 'utf8'));
});

/** One clause a line. */
function readable(sql: string): string {
	const oneLine = sql.trim().replaceAll(/\s+/g, ' ');
	return oneLine.replaceAll(/ (from|where|order by|limit|left join|cross join|inner join|and) /g, '\n$1 ');
}
