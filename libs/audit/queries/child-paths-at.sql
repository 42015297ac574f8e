select path
from chronokeeper.child_versions_at($1, $2::bigint)
