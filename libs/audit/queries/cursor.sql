select "m"."zxid", "m"."digest", "m"."writer", "m"."mirrored"
from "chronokeeper"."mirror_cursor" as "m"
