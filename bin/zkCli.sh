#!/usr/bin/env bash
# ZooKeeper's command line client, with the options, commands, output and exit codes of its zkCli.sh. docs/zkcli.md
#
#   zkCli.sh [-server host:port[,host:port][/chroot]] [-timeout ms] [-r] [-waitforconnection] [-client-configuration file] [command [arguments]]

ck_script=${BASH_SOURCE[0]}
while [ -L "$ck_script" ]; do
	ck_link=$(readlink -- "$ck_script")
	case $ck_link in
	/*) ck_script=$ck_link ;;
	*) ck_script=$(dirname -- "$ck_script")/$ck_link ;;
	esac
done
. "$(dirname -- "$ck_script")/zkEnv.sh"

exec "$ck_node" "$ck_root/bin/zkCli.mjs" "$@"
