update chronokeeper.znode_version v set to_zxid = ended.to_zxid, span = chronokeeper.version_span(ended.to_zxid - ended.from_zxid)
from (select *
from unnest($1::text[], $2::bigint[], $3::bigint[]) as e (path, to_zxid, from_zxid) offset 0) ended
where v.path = ended.path
and v.from_zxid = ended.from_zxid
and v.to_zxid is null
