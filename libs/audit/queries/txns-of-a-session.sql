select "t"."zxid", "t"."time", "t"."session", "t"."cxid", "t"."type", "t"."path", "t"."error", "t"."digest", "t"."principal", "t"."address", "t"."door", "t"."request_id", "t"."trace_id"
from "chronokeeper"."history_txn" as "t"
where "t"."zxid" >= $1::bigint
and "t"."zxid" <= $2::bigint
and "t"."session" = $3::bigint
and "t"."type" = $4
order by "t"."zxid"
limit $5
