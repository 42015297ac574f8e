select "m"."zxid", "m"."digest", "m"."writer", "m"."mirrored"
from "chronokeeper"."history_cursor" as "m"
