/** A history of 100,000 transactions that never was, made by PostgreSQL itself within seconds: for what only shows when there is much. */
import type { TestDatabase } from './postgres.ts';

export const madeTxns = 100_000;
/** So many transactions has each of the four epochs. */
const perEpoch = madeTxns / 4;

/**
 * 5,000 nodes /app/<n> that are set again and again; every tenth transaction is of a principal that is known, every thousandth sets an ACL. The leader of the third
 * epoch had a clock that was an hour behind, and within the second it went back by ten seconds once.
 */
export async function makeRows({ query }: Pick<TestDatabase, 'query'>): Promise<void> {
	await query(
		`insert into chronokeeper.txn (zxid, epoch, time, session, cxid, type, path, error, principal, door, hash)
		select z.zxid, z.zxid >> 32,
			timestamptz '2026-11-20 12:00Z' + interval '100 ms' * n - case when z.zxid >> 32 = 3 then interval '1 hour' else interval '0' end
				- case when z.zxid >> 32 = 2 and z.zxid & 65535 > 10000 then interval '10 s' else interval '0' end,
			1000 + n % 500, n, case when n % 1000 = 7 then 'setACL' else 'setData' end, '/app/' || n % 5000, 0,
			case when n % 10 = 0 then 'digest:bob' || n % 100 || ':aGFzaA==' end, 'grpc', '\\x00'
		from generate_series(0, ${madeTxns - 1}) n
		cross join lateral (select ((1 + n / ${perEpoch})::bigint << 32) + 1 + n % ${perEpoch} as zxid) z`,
	);
	await query(`insert into chronokeeper.acl values (1, '[{"id": "anyone", "perms": 31, "scheme": "world"}]')`);
	await query(
		`insert into chronokeeper.change (zxid, ordinal, type, path, size_before, size_after, version, data)
		select zxid, 0, type, path, 4, case when type = 'setData' then 4 end, 1, case when type = 'setData' then '\\x7b7d0a0a'::bytea end from chronokeeper.txn`,
	);
	await query(
		`insert into chronokeeper.znode_version (from_zxid, to_zxid, czxid, mzxid, pzxid, data_zxid, ephemeral_owner, ctime, mtime, acl_id,
			version, cversion, aversion, client_cversion, data_length, num_children, span, path, parent)
		select x.zxid, x.ended, x.zxid, x.zxid, x.zxid, x.zxid, 0, now(), now(), 1, 1, 0, 0, 0, 4, 0,
			case when x.ended is null then 63 else chronokeeper.version_span(x.ended - x.zxid) end, x.path, '/app'
		from (select c.zxid, c.path, lead(c.zxid) over (partition by c.path order by c.zxid) as ended from chronokeeper.change c) x
		union all
		select 0, null, 0, 0, 0, 0, 0, now(), now(), 1, 0, 1, 0, 1, 0, 1, 63, '/', null
		union all
		select 1, null, 1, 1, 1, 1, 0, now(), now(), 1, 0, 5000, 0, 5000, 0, 5000, 63, '/app', '/'`,
	);
	await query(
		`update chronokeeper.mirror_cursor set zxid = (select max(zxid) from chronokeeper.txn), digest = 0, hash = '\\x00'`,
	);
	await query('analyze chronokeeper.txn, chronokeeper.change, chronokeeper.znode_version');
}
