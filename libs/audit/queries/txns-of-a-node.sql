select "t"."zxid", "t"."time", "t"."session", "t"."cxid", "t"."type", "t"."path", "t"."error", "t"."digest", "t"."principal", "t"."address", "t"."door", "t"."request_id", "t"."trace_id"
from "chronokeeper"."history_txn" as "t"
where "t"."zxid" >= $1::bigint
and "t"."zxid" <= $2::bigint
and "t"."zxid" in (select distinct "c"."zxid"
from "chronokeeper"."history_change" as "c"
where "c"."zxid" >= $3::bigint
and "c"."zxid" <= $4::bigint
and "c"."path" = $5)
order by "t"."zxid"
limit $6
