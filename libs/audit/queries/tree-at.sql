select path, kind, data, data_length, num_children, czxid, mzxid, pzxid, ctime, mtime, version, cversion, aversion, client_cversion, ephemeral_owner, data_hash, acl
from chronokeeper.tree_at($1::bigint, $2)
