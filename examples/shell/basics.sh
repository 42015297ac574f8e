#!/usr/bin/env bash
# Create a node, watch it, and take turns under a lock: with grpcurl. The server says itself which services it has (reflection).
# basics.sh ADDRESS. Without grpcurl: `npx buf curl` can do the same.
set -euo pipefail
address=$1

call() { grpcurl -plaintext "${@:3}" -d "$2" "$address" "chronokeeper.v1.$1"; }
# The value of a field, wherever it stands in the answer.
field() { sed -n "s/^ *\"$1\": \"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}\$/\1/p" | head -n 1; }
text() { base64 -d; }

# Bytes are base64 in JSON.
call ZnodeService/Create "{\"path\": \"/shell\", \"data\": \"$(printf hello | base64)\"}" >/dev/null
echo "created /shell: $(call ZnodeService/Get '{"path": "/shell"}' | field data | text)"

# A watch of one event since a zxid: what happens in between is told, too. The stream ends when it has fired.
zxid=$(call ZnodeService/Get '{"path": "/shell"}' | field zxid)
target='{"path": "/shell", "kind": "WATCH_KIND_DATA"}'
call ZnodeService/Set "{\"path\": \"/shell\", \"data\": \"$(printf world | base64)\"}" >/dev/null
event=$(call WatchService/Watch "{\"targets\": [$target], \"afterZxid\": $zxid}")
echo "changed $(field path <<<"$event"): $(call ZnodeService/Get '{"path": "/shell"}' | field data | text)"

# A lock for scripts: an ephemeral node of a session. Who is in front is the smaller number at the end.
inside() { # SESSION PASSWORD: what a call has in its metadata to be made inside a session; -bin is base64 there
	header=(-H "ck-session-id: $1" -H "ck-session-password-bin: $2")
}
open() {
	local opened
	opened=$(call SessionService/OpenSession '{"timeoutMs": 20000}')
	inside "$(field sessionId <<<"$opened")" "$(field password <<<"$opened")"
}
line_up() { call ZnodeService/Create '{"path": "/shell/lock/lock-", "mode": "CREATE_MODE_EPHEMERAL_SEQUENTIAL"}' "${header[@]}"; }
in_front() { call ZnodeService/ListChildren '{"path": "/shell/lock"}' | sed -n 's/^ *"\(lock-[0-9]*\)".*/\1/p' | sort | head -n 1; }

call ZnodeService/Create '{"path": "/shell/lock", "mode": "CREATE_MODE_CONTAINER"}' >/dev/null
open
first=("${header[@]}")
mine=$(line_up)
token=$(field czxid <<<"$mine")
[ "/shell/lock/$(in_front)" = "$(field path <<<"$mine")" ] && echo 'first has the lock'

open
second=("${header[@]}")
mine=$(line_up)
next=$(field czxid <<<"$mine")
front=$(in_front)
zxid=$(call ZnodeService/Get "{\"path\": \"/shell/lock/$front\"}" | field zxid)
echo 'first releases it'
# The node goes with its session.
call SessionService/CloseSession '{}' "${first[@]}" >/dev/null
call WatchService/Watch "{\"targets\": [{\"path\": \"/shell/lock/$front\", \"kind\": \"WATCH_KIND_DATA\"}], \"afterZxid\": $zxid}" >/dev/null
[ "/shell/lock/$(in_front)" = "$(field path <<<"$mine")" ] &&
	echo "second has the lock, with a greater token: $([ "$next" -gt "$token" ] && echo true)"
call SessionService/CloseSession '{}' "${second[@]}" >/dev/null
