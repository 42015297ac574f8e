#!/usr/bin/env bash
# Sourced by the zk*.sh scripts, with their arguments: finds this project and the configuration, as ZooKeeper's zkEnv.sh does.
#
#   --config DIR first among the arguments, or ZOOCFGDIR: where zoo.cfg lies; conf beside bin otherwise
#   zookeeper-env.sh and java.env in that directory are sourced
#   ZOOCFG: the file's name, zoo.cfg; ZOO_LOG_DIR: where logs go, logs beside bin
#
# Leaves: ck_root, ck_node, ZOOCFGDIR, ZOOCFG, ZOO_LOG_DIR, and "$@" without --config DIR.

# This file's own directory, whatever links lead to it.
ck_here=${BASH_SOURCE[0]}
while [ -L "$ck_here" ]; do
	ck_link=$(readlink -- "$ck_here")
	case $ck_link in
	/*) ck_here=$ck_link ;;
	*) ck_here=$(dirname -- "$ck_here")/$ck_link ;;
	esac
done
ck_root=$(cd -P -- "$(dirname -- "$ck_here")/.." && pwd) || exit 1
unset ck_here ck_link

if [ "$1" = --config ]; then
	if [ -z "$2" ]; then
		echo "--config needs a directory" >&2
		exit 1
	fi
	ZOOCFGDIR=$2
	shift 2
fi
ZOOCFGDIR=${ZOOCFGDIR:-$ck_root/conf}

if [ -f "$ZOOCFGDIR/zookeeper-env.sh" ]; then
	. "$ZOOCFGDIR/zookeeper-env.sh"
fi
case ${ZOOCFG:=zoo.cfg} in
*/*) ;;
*) ZOOCFG=$ZOOCFGDIR/$ZOOCFG ;;
esac
if [ -f "$ZOOCFGDIR/java.env" ]; then
	. "$ZOOCFGDIR/java.env"
fi
ZOO_LOG_DIR=${ZOO_LOG_DIR:-$ck_root/logs}
# Files of settings often set them without exporting them; the server reads them itself (docs/configuration.md).
export SERVER_JVMFLAGS JVMFLAGS CLIENT_JVMFLAGS

# What V8 made of the sources is kept, so that the next start need not compile them again.
export NODE_COMPILE_CACHE=${NODE_COMPILE_CACHE:-$ck_root/dist/.compile-cache}

# Node 24 of this project; in a new clone any Node from 20 on, which installs it.
ck_node=$ck_root/node_modules/.bin/node
if [ ! -x "$ck_node" ] && ! ck_node=$(command -v node); then
	echo "Chronokeeper needs Node 20 or newer, with npm, to install what it runs on: there is no 'node' in PATH ($PATH)." >&2
	exit 1
fi
