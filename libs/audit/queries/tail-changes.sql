select c.zxid, case when $1::boolean then c.data end as data, a.acl
from chronokeeper.change c
left join lateral ( select v.acl_id
from chronokeeper.znode_version v
where v.path = c.path
and v.from_zxid <= c.zxid
order by v.from_zxid desc
limit 1 ) v on true
left join chronokeeper.acl a on a.id = coalesce(v.acl_id, c.acl_id)
where c.zxid = any($2::bigint[])
order by c.zxid, c.ordinal
