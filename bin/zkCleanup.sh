#!/usr/bin/env bash
# Removes old snapshots and logs, as ZooKeeper's zkCleanup.sh does: zkCleanup.sh [--config DIR] -n COUNT leaves the newest COUNT snapshots, at least 3, and
# the logs they need. Logs that the history does not have yet stay; `autopurge.purgeInterval` does the same inside of the server.

ck_script=${BASH_SOURCE[0]}
while [ -L "$ck_script" ]; do
	ck_link=$(readlink -- "$ck_script")
	case $ck_link in
	/*) ck_script=$ck_link ;;
	*) ck_script=$(dirname -- "$ck_script")/$ck_link ;;
	esac
done
. "$(dirname -- "$ck_script")/zkEnv.sh"

exec "$ck_node" "$ck_root/bin/zk-cleanup.mjs" "$ZOOCFG" "$@"
