select x.zxid, x.time, x.data, x.size, x.principal, x.address, x.door, x.request_id, x.trace_id
from ( (select v.mzxid as zxid, 2147483647 as ordinal, v.mtime as time, v.data, v.data_length as size, null as principal, null as address, null as door, null as request_id, null as trace_id
from chronokeeper.history_version v
where v.path = $1
and v.czxid = $2::bigint
and v.data_zxid <> v.mzxid
order by v.from_zxid
limit 1) union all select c.zxid, c.ordinal, t.time, c.data, c.size_after, t.principal, t.address, t.door, t.request_id, t.trace_id
from chronokeeper.history_change c
cross join lateral ( select o.time, o.principal, o.address, o.door, o.request_id, o.trace_id
from chronokeeper.history_txn o
where o.zxid = c.zxid offset 0 ) t
where c.path = $3
and c.zxid >= $4::bigint
and c.size_after is not null ) x
order by x.zxid, x.ordinal
