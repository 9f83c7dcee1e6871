#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What a silent cut of one tunnel in four costs, in one run and one lab: strongSwan with four
# xfrm interfaces and BIRD multipath (lib_peer.sh), and Bowtie. For each direction: until it
# was noticed, the longest gap of the flows that were on the cut tunnel, packets lost, flows
# moved that need not have moved. Ends with a table and failover.json. "make bench-failover"
# runs it in a guest. What was seen in each trial is kept beside that file.
#
#	TRIALS=20	cuts with Bowtie; the four endpoints take turns
#	PEER_TRIALS=4	with the peer, for which each takes a minute
#	SYSTEMS="..."	of peer, bowtie, bowtie-15ms
#	FLOWS=64 RATE=100	each way, and packets a second in each. Without them: that, or less
#			if the machine cannot carry it; "lost" is scaled to it then

: "${TRIALS:=20}"
: "${PEER_TRIALS:=4}"
: "${SYSTEMS:=peer bowtie bowtie-15ms}"

HERE=$(dirname "$(readlink -f "$0")")
# shellcheck source-path=SCRIPTDIR/../selftests/bowtie
. "$HERE/../selftests/bowtie/lib.sh"
# shellcheck source-path=SCRIPTDIR/../selftests/bowtie
. "$BOWTIE_SELFTESTS/lib_lab.sh"
# shellcheck source-path=SCRIPTDIR
. "$HERE/lib_peer.sh"
# shellcheck source-path=SCRIPTDIR
. "$HERE/lib_cuts.sh"

: "${OUT:=$BOWTIE_TOP/build/bench}"

# Not a test: no TAP
bail()
{
	printf '\nfailover: %s\n' "$*" >&2
	exit 1
}

diag()
{
	printf '%s\n' "$*" >&2
}

load_modules()
{
	modprobe -a xfrm_user esp4 esp6 ip_tunnel xfrm4_tunnel xfrm_interface ||
		bail "kernel modules are missing"
	[[ -d /sys/module/bowtie ]] || insmod "$BOWTIE_KO" || bail "cannot load $BOWTIE_KO"
}

# setting SYSTEM: as the table names it
setting()
{
	case $1 in
	peer)		echo "BGP 10 s/30 s" ;;
	bowtie)		echo "icmp 100 ms x 3" ;;
	bowtie-15ms)	echo "icmp 15 ms x 3" ;;
	*)		bail "no system $1" ;;
	esac
}

bowtie_start()
{
	mkdir -p "$LAB/gw"
	PROBE_INTERVAL=100ms
	[[ $1 == bowtie ]] || PROBE_INTERVAL=15ms
	gw_config >"$LAB/gw/bowtie.yaml"
	gw_start
	bg in_ns "$GW" bowtie -ts monitor tunnel >"$LAB/gw.monitor"
}

# system_up SYSTEM: the lab with it, established
system_up()
{
	TEST_TMP=$TOP/$1
	mkdir "$TEST_TMP"
	lab_network
	cuts_begin
	cloud_start
	if [[ $1 == peer ]]; then
		bg ip -ts -n "$GW" monitor route >"$LAB/gw.monitor"
		peer_start
		BACK=peer_established
	else
		bowtie_start "$1"
		BACK=lab_established
	fi
	busywait 120 $BACK || { lab_logs; bail "$1: the tunnels do not come up"; }
}

system_down()
{
	[[ $1 == peer ]] || stop "$GW_DAEMON"
	stop "$GW_BIRD"
	stop "$GW_CHARON"
	stop "$CLOUD_BIRD"
	stop "$CLOUD_CHARON"
	del_ns "$LAN" "$GW" "$NET" "$CLOUD" "$VPC"
}

# trials SYSTEM COUNT
trials()
{
	local i endpoint seen
	for ((i = 0; i < $2; i++)); do
		endpoint=$((i % 4))
		cut_trial $i "cut_endpoint $endpoint" "mend_endpoint $endpoint" $BACK
		printf '%s %d/%d: ' "$1" $((i + 1)) "$2"
		/usr/bin/python3 "$HERE/failover.py" trial "$LAB" "$1" "$(setting "$1")" \
			"$endpoint" "${TUNNEL_NAMES[endpoint]}" "$TOP/trials" || bail "no figures"
		seen=$OUT/failover/$1-$i
		mkdir -p "$seen"
		cp "$LAB"/*.events "$LAB"/*.monitor "$LAB/times.json" "$seen"
	done
}

TOP=$(mktemp -d /tmp/failover.XXXXXX) || bail "no temporary directory"
defer rm -rf "$TOP"
trap run_deferred EXIT
TAP_DONE=1
for system in $SYSTEMS; do
	setting "$system" >/dev/null
done
load_modules
mkdir -p "$OUT"
echo "Silent cuts of one endpoint in four"
for system in $SYSTEMS; do
	count=$TRIALS
	[[ $system != peer ]] || count=$PEER_TRIALS
	system_up "$system"
	[[ -n ${FLOWS:-} && -n ${RATE:-} ]] || cuts_calibrate
	trials "$system" "$count"
	system_down "$system"
done
/usr/bin/python3 "$HERE/failover.py" table "$TOP/trials" "$OUT/failover.json" \
	"$FLOWS" "$RATE" || bail "no table"
printf 'also in %s\n' "$OUT/failover.json"
exit 0
