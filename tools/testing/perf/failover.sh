#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What a silent cut of one tunnel in four costs, in one run and one lab: strongSwan with four
# xfrm interfaces and BIRD multipath (lib_peer.sh), and Bowtie. For each direction: until it
# was noticed, the longest gap of the flows that were on the cut tunnel, packets lost, flows
# moved that need not have moved. Ends with a table and failover.json, which is also
# up to date after each trial. "make bench-failover" runs it in a guest. What was seen in each
# trial is kept beside that file.
#
#	TRIALS=20	cuts; the four endpoints take turns
#	PEER_TRIALS=20	with the peer, for which each takes a minute
#	SYSTEMS="..."	of peer, bowtie, bowtie-15ms, bowtie-prepend: the last with a far end
#			that ignores MED, and has a hold time of 180 s
#	FLOWS=64 RATE=100	each way, and packets a second in each. Without them: that, or less
#			if the machine cannot carry it; "lost" is scaled to it then
#
# A trial in which the machine stood still for 100 ms, or for as long as the system
# needs to notice a cut, is done again, as long as there were not as many of them as trials.

: "${TRIALS:=20}"
: "${PEER_TRIALS:=$TRIALS}"
: "${SYSTEMS:=peer bowtie bowtie-15ms bowtie-prepend}"

HERE=$(dirname "$(readlink -f "$0")")
# shellcheck source-path=SCRIPTDIR
. "$HERE/lib_bench.sh"
# shellcheck source-path=SCRIPTDIR
. "$HERE/lib_peer.sh"

# setting SYSTEM: as the table names it
setting()
{
	case $1 in
	peer)		echo "BGP 10 s/30 s" ;;
	bowtie)		echo "icmp 100 ms x 3" ;;
	bowtie-15ms)	echo "icmp 15 ms x 3" ;;
	bowtie-prepend)	echo "prepend, hold 180" ;;
	*)		bail "no system $1" ;;
	esac
}

# system_up SYSTEM: the lab with it, established
system_up()
{
	TEST_TMP=$TOP/$1
	mkdir "$TEST_TMP"
	HOLD=30 CLOUD_IMPORT=all STALL_MAX=100 PROBE_INTERVAL=100ms
	case $1 in
	bowtie-15ms)
		PROBE_INTERVAL=15ms STALL_MAX=45
		;;
	bowtie-prepend)
		HOLD=180 CLOUD_IMPORT="filter { bgp_med = 0; accept; }"
		;;
	esac
	lab_network
	cuts_begin
	cloud_start
	if [[ $1 == peer ]]; then
		bg ip -ts -n "$GW" monitor route >"$LAB/gw.monitor"
		peer_start
		BACK=peer_established
	else
		bowtie_start "$([[ $1 != bowtie-prepend ]] || echo "return_path: prepend")"
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
	cuts_end
	del_ns "$LAN" "$GW" "$NET" "$CLOUD" "$VPC"
}

# trial SYSTEM N: what is said of it, also into the table. Fails if the machine stood still.
trial()
{
	local endpoint=$(($2 % 4)) status
	cut_trial "$TRIAL" "cut_endpoint $endpoint" "mend_endpoint $endpoint" $BACK
	/usr/bin/python3 "$HERE/failover.py" trial "$LAB" "$1" "$(setting "$1")" \
		"$endpoint" "${TUNNEL_NAMES[endpoint]}" "$TOP/trials" "$FLOWS" "$RATE" "$STALL_MAX"
	status=$?
	((status == 0 || status == STOOD_STILL)) || bail "no figures"
	keep_seen "failover/$1-$TRIAL"
	((++TRIAL))
	/usr/bin/python3 "$HERE/failover.py" json "$TOP/trials" "$OUT/failover.json" ||
		bail "no figures"
	return $status
}

# trials SYSTEM COUNT
trials()
{
	local i again=0
	TRIAL=0
	for ((i = 0; i < $2; i++)); do
		printf '%s %d/%d: ' "$1" $((i + 1)) "$2"
		until trial "$1" $i || ((again >= $2)); do
			((++again))
			printf '%s %d/%d, again: ' "$1" $((i + 1)) "$2"
		done
	done
}

bench_begin
for system in $SYSTEMS; do
	setting "$system" >/dev/null
done
echo "Silent cuts of one endpoint in four"
for system in $SYSTEMS; do
	count=$TRIALS
	[[ $system != peer ]] || count=$PEER_TRIALS
	system_up "$system"
	[[ -n ${FLOWS:-} && -n ${RATE:-} ]] || cuts_calibrate
	trials "$system" "$count"
	system_down "$system"
done
/usr/bin/python3 "$HERE/failover.py" table "$OUT/failover.json" || bail "not all recovered"
printf 'also in %s\n' "$OUT/failover.json"
exit 0
