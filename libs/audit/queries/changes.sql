select "c"."zxid", "c"."type", "c"."path", "c"."version", "c"."size_before", "c"."size_after"
from "chronokeeper"."history_change" as "c"
where "c"."zxid" = any($1::bigint[])
order by "c"."zxid", "c"."ordinal"
