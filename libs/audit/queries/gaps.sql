select "g"."after_zxid", "g"."through_zxid", "g"."kind", "g"."reason"
from "chronokeeper"."gap" as "g"
where "g"."through_zxid" >= $1::bigint
and "g"."after_zxid" < $2::bigint
order by "g"."after_zxid", "g"."through_zxid"
