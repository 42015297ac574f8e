update chronokeeper.znode_version v set to_zxid = ended.to_zxid, span = chronokeeper.version_span(ended.to_zxid - ended.from_zxid)
from ( select e.path, e.to_zxid, valid.from_zxid
from unnest($1::text[], $2::bigint[]) as e (path, to_zxid)
cross join lateral ( select n.from_zxid, n.to_zxid
from chronokeeper.znode_version n
where n.path = e.path
order by n.from_zxid desc
limit 1 ) valid
where valid.to_zxid is null offset 0 ) ended
where v.path = ended.path
and v.from_zxid = ended.from_zxid
