import { sql } from 'kysely';

interface WhoRow {
	zxid: string;
	time: Date | number | null;
	principal: string | null;
	address: string | null;
	door: string | null;
	request_id: string | null;
	trace_id: string | null;
}

export interface BlameRow extends WhoRow {
	what: 'created' | 'data' | 'acl' | 'deleted';
	version: number;
}

export interface DataRow extends WhoRow {
	data: Buffer | null;
	/** Bytes that there are, whether they are shown or not. */
	size: number;
}

export function blameQuery(path: string) {
	return sql<BlameRow>`select what, zxid, time, version, principal, address, door, request_id, trace_id from chronokeeper.blame(${path})`;
}

/**
 * The data of a node in the life that began with this transaction: those it was found with, where that is not known, and all that were set. With OFFSET the index of txn
 * is asked for each of them: a planner that adds up what a look into each partition costs would rather read them all.
 */
export function dataVersionsQuery(path: string, czxid: number) {
	return sql<DataRow>`
		select x.zxid, x.time, x.data, x.size, x.principal, x.address, x.door, x.request_id, x.trace_id from (
			(select v.mzxid as zxid, 2147483647 as ordinal, v.mtime as time, v.data, v.data_length as size,
				null as principal, null as address, null as door, null as request_id, null as trace_id
			from chronokeeper.history_version v
			where v.path = ${path} and v.czxid = ${czxid}::bigint and v.data_zxid <> v.mzxid order by v.from_zxid limit 1)
			union all
			select c.zxid, c.ordinal, t.time, c.data, c.size_after, t.principal, t.address, t.door, t.request_id, t.trace_id
			from chronokeeper.history_change c cross join lateral (
				select o.time, o.principal, o.address, o.door, o.request_id, o.trace_id from chronokeeper.history_txn o where o.zxid = c.zxid offset 0
			) t
			where c.path = ${path} and c.zxid >= ${czxid}::bigint and c.size_after is not null
		) x
		order by x.zxid, x.ordinal`;
}

/** As zxidAtQuery(), null where that fails. */
export function lastZxidAtQuery(ms: number) {
	return sql<{
		zxid: string | null;
	}>`select chronokeeper.last_zxid_at(to_timestamp(${ms}::double precision / 1000)) as zxid`;
}
