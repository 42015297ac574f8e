import { type RawBuilder, sql } from 'kysely';

export interface ContentRow {
	zxid: string;
	/** Null too when the caller did not want data. */
	data: Uint8Array | null;
	/** The node's right after the transaction, of a deletion the one before; null when no version is known. */
	acl: { perms: number; scheme: string; id: string }[] | null;
}

/** Of the changes of these transactions, in their order: the data, if they are wanted, and who could read the node. */
export function contentsQuery(zxids: readonly string[], withData: boolean): RawBuilder<ContentRow> {
	return sql<ContentRow>`select c.zxid, case when ${withData}::boolean then c.data end as data, a.acl
from chronokeeper.change c
left join lateral ( select v.acl_id from chronokeeper.znode_version v
where v.path = c.path and v.from_zxid <= c.zxid
order by v.from_zxid desc
limit 1 ) v on true
left join chronokeeper.acl a on a.id = coalesce(v.acl_id, c.acl_id)
where c.zxid = any(${zxids}::bigint[])
order by c.zxid, c.ordinal`;
}
