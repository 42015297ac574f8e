copy ( select v.path, v.czxid, v.mzxid, v.pzxid, v.ctime, v.mtime, v.version, v.cversion, v.aversion, v.ephemeral_owner, v.acl_id, chronokeeper.content_of(v.path, v.data_zxid)
from chronokeeper.znode_version v
where v.from_zxid <= 1
and (v.to_zxid is null or v.to_zxid > 1)
order by v.path ) to stdout binary
