#!/usr/bin/env bash
# Starts, stops and asks a server, with the arguments, variables, words and exit codes of ZooKeeper's zkServer.sh. docs/migrating-from-zookeeper.md
#
#   zkServer.sh [--config DIR] {start|start-foreground|stop|restart|status|version|print-cmd} [zoo.cfg]
#
# A file's name without a slash is looked for in the configuration directory. ZOOPIDFILE and ZOO_LOG_DIR say where the process id and what the server
# prints go: dataDir/zookeeper_server.pid and logs/zookeeper-USER-server-HOST.out.

ck_script=${BASH_SOURCE[0]}
while [ -L "$ck_script" ]; do
	ck_link=$(readlink -- "$ck_script")
	case $ck_link in
	/*) ck_script=$ck_link ;;
	*) ck_script=$(dirname -- "$ck_script")/$ck_link ;;
	esac
done
. "$(dirname -- "$ck_script")/zkEnv.sh"

command=$1
case $command in
start | start-foreground | stop | restart | status | version | print-cmd) ;;
*)
	echo "Usage: $0 [--config <conf-dir>] {start|start-foreground|stop|version|restart|status|print-cmd} [zoo.cfg]" >&2
	exit 1
	;;
esac

case $2 in
'') ;;
*/*) ZOOCFG=$2 ;;
*) ZOOCFG=$ZOOCFGDIR/$2 ;;
esac

if [ "$command" = version ]; then
	sed -n "s/^  \"version\": \"\(.*\)\",\$/Chronokeeper, version \1, of ZooKeeper 3.8/p" "$ck_root/package.json"
	exit
fi

echo "Using config: $ZOOCFG" >&2
if [ ! -f "$ZOOCFG" ]; then
	cat >&2 <<-END
		There is no file $ZOOCFG. Either
		  copy $ck_root/conf/zoo_sample.cfg to it and change it to your needs, or
		  name yours: $0 $command /etc/zookeeper/conf/zoo.cfg
		  (or its directory: --config DIR, or the variable ZOOCFGDIR)
	END
	exit 1
fi

lenient=()
case $command in stop | status) lenient=(--lenient) ;; esac
settings=$("$ck_node" "$ck_root/bin/zk-settings.mjs" "$ZOOCFG" "${lenient[@]}") || {
	code=$?
	case $command in
	start | restart)
		echo "Starting zookeeper ... FAILED TO START"
		exit 1
		;;
	*) exit $code ;;
	esac
}
{
	IFS= read -r ck_node
	IFS= read -r ck_main
	IFS= read -r ck_flags
	IFS= read -r data_dir
	IFS= read -r data_log_dir
	IFS= read -r client_port
	IFS= read -r client_address
	IFS= read -r shutdown_ms
} <<<"$settings"

# A heap larger than Node's own limit; a smaller one was measured for Java.
if [[ $ZK_SERVER_HEAP =~ ^[0-9]+$ ]] && [ "$ZK_SERVER_HEAP" -gt 4096 ]; then
	ck_flags="$ck_flags --max-old-space-size=$ZK_SERVER_HEAP"
fi
# The flags have no spaces in them.
server=("$ck_node" $ck_flags "$ck_main" --config "$ZOOCFG")
pid_file=${ZOOPIDFILE:-$data_dir/zookeeper_server.pid}
out_file=$ZOO_LOG_DIR/zookeeper-${USER:-$(id -un)}-server-${HOSTNAME:-$(uname -n)}.out

# Whether this process is a server, ours or ZooKeeper's: after a reboot its number may be somebody else's.
is_server() {
	kill -0 "$1" 2>/dev/null || [ -d "/proc/$1" ] || return 1
	local args
	if [ -r "/proc/$1/cmdline" ]; then args=$(tr '\0' ' ' <"/proc/$1/cmdline"); else args=$(ps -p "$1" -o args=); fi
	case $args in
	*apps/server/main.js* | *QuorumPeerMain* | *ZooKeeperServerMain*) return 0 ;;
	*) return 1 ;;
	esac
}

# Gone, or waiting for nothing but that its parent looks: an init of a container may never do that.
has_ended() {
	local state
	kill -0 "$1" 2>/dev/null || return 0
	if [ -r "/proc/$1/status" ]; then state=$(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null); else state=$(ps -p "$1" -o stat=); fi
	case $state in
	'' | [ZX]*) return 0 ;;
	*) return 1 ;;
	esac
}

make_directories() {
	if [ -n "$ZOO_DATADIR_AUTOCREATE_DISABLE" ]; then
		if [ ! -d "$data_dir/version-2" ]; then
			echo "ZooKeeper data directory is missing at $data_dir fix the path or run initialize"
			exit 1
		fi
		if [ ! -d "$data_log_dir/version-2" ]; then
			echo "ZooKeeper txnlog directory is missing at $data_log_dir fix the path or run initialize"
			exit 1
		fi
	fi
	mkdir -p -- "$(dirname -- "$pid_file")" || exit 1
}

start() {
	local pid ready began=$SECONDS size=0
	echo -n "Starting zookeeper ... "
	if [ -f "$pid_file" ]; then
		pid=$(cat -- "$pid_file")
		if [ -n "$pid" ] && is_server "$pid"; then
			echo "already running as process $pid."
			exit 1
		fi
	fi
	if ! { mkdir -p -- "$ZOO_LOG_DIR" && : >>"$out_file"; } 2>/dev/null; then
		echo "FAILED TO START"
		echo "The server's output cannot be written to $out_file: set ZOO_LOG_DIR to a directory of yours." >&2
		exit 1
	fi
	size=$(wc -c <"$out_file")
	ready=$pid_file.ready
	rm -f -- "$ready"
	# A session of its own, where there is setsid: neither Ctrl-C nor the end of the terminal reaches it.
	local own_session=(nohup)
	if command -v setsid >/dev/null; then own_session=(setsid); fi
	CK_READY_FILE=$ready "${own_session[@]}" "${server[@]}" >>"$out_file" 2>&1 </dev/null &
	pid=$!
	if ! echo -n "$pid" >"$pid_file"; then
		kill "$pid"
		echo "FAILED TO WRITE PID"
		exit 1
	fi
	# It says so itself when it serves. One that has much to read may take longer: it is up, and whoever needs it asks with status.
	while [ ! -e "$ready" ] && [ $((SECONDS - began)) -lt 20 ]; do
		if ! kill -0 "$pid" 2>/dev/null; then
			rm -f -- "$pid_file"
			echo "FAILED TO START"
			{
				tail -c "+$((size + 1))" -- "$out_file" | tail -n 20
				echo "The whole output is in $out_file"
			} >&2
			exit 1
		fi
		sleep 0.02
	done
	if [ ! -e "$ready" ]; then
		echo "STARTED"
		echo "It still reads its data; its output is in $out_file" >&2
		return
	fi
	rm -f -- "$ready"
	echo "STARTED"
}

# As long as a clean stop may take: calls under way, then the mirror, then PostgreSQL.
stop() {
	local pid until=$((SECONDS + shutdown_ms / 1000 + 20))
	echo -n "Stopping zookeeper ... "
	if [ ! -f "$pid_file" ]; then
		echo "no zookeeper to stop (could not find file $pid_file)"
		return
	fi
	pid=$(cat -- "$pid_file")
	if [ -z "$pid" ] || ! is_server "$pid"; then
		rm -f -- "$pid_file"
		echo "no zookeeper to stop (process $pid of $pid_file is not there)"
		return
	fi
	if ! kill "$pid"; then
		echo "FAILED TO STOP"
		exit 1
	fi
	until has_ended "$pid"; do
		if [ $SECONDS -ge $until ]; then
			echo "process $pid is still stopping"
			exit 1
		fi
		sleep 0.02
	done
	rm -f -- "$pid_file"
	echo "STOPPED"
}

status() {
	if [ "$client_port" = 0 ]; then
		echo "Unable to find a client port in $ZOOCFG. Terminating."
		exit 1
	fi
	echo "Client port found: $client_port. Client address: ${client_address:-localhost}. Client SSL: false."
	local mode
	if mode=$("$ck_node" "$ck_root/bin/zk-mode.mjs" "${client_address:-localhost}" "$client_port"); then
		echo "$mode"
	else
		echo "Error contacting service. It is probably not running."
		exit 1
	fi
}

case $command in
start)
	make_directories
	start
	;;
start-foreground)
	make_directories
	if [ -n "$ZOO_NOEXEC" ]; then "${server[@]}"; else exec "${server[@]}"; fi
	;;
stop) stop ;;
restart)
	stop
	make_directories
	start
	;;
status) status ;;
print-cmd)
	printf '%q ' "${server[@]}"
	printf '>> %q 2>&1 < /dev/null\n' "$out_file"
	;;
esac
