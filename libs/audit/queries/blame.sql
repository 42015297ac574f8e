select what, zxid, time, version, principal, address, door, request_id, trace_id
from chronokeeper.blame($1)
