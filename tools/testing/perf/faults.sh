#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What faults other than the cut of failover.sh do to flows, and what is planned: in the same
# lab, at the default of 100 ms x 3. A line for each: flows that lost packets, the longest
# gap, packets lost and flows moved each way, and other tunnels that were taken down by mistake.
# Ends with a table and faults.json, which is also up to date after each line. "make
# bench-failover FAULTS=1" runs it in a guest.
#
#	ONLY=REGEX	only faults whose names match
#	FLOWS=64 RATE=100	as in failover.sh
#	REKEYS=100	begun by us and by the cloud in turn, at 1000 packets/s each way
#	FLAPS=30	cuts of a second, a second apart
#	AGAIN=1		how often a fault is done again if the machine stood still
#	PROBE_INTERVAL=100ms	more on a machine that is too busy for figures

: "${ONLY:=.}"
: "${REKEYS:=100}"
: "${FLAPS:=30}"
: "${AGAIN:=1}"
: "${PROBE_INTERVAL:=100ms}"

HERE=$(dirname "$(readlink -f "$0")")
# shellcheck source-path=SCRIPTDIR
. "$HERE/lib_bench.sh"
# shellcheck source-path=SCRIPTDIR
. "$HERE/lib_faults.sh"

# trial NAME TUNNELS BEGIN END: BEGIN to END is the fault of these tunnels
trial()
{
	local name=$1 tunnels=$2 begin=$3 end=$4 status

	fault_trial "$TRIAL" "$name" "$tunnels" "$begin" "$end"
	/usr/bin/python3 "$HERE/faults.py" trial "$LAB" "$TOP/trials" "$OUT/faults.json" \
		"$FLOWS" "$RATE" "$STALL_MAX"
	status=$?
	((status == 0 || status == STOOD_STILL)) || bail "no figures"
	keep_seen "faults/$TRIAL"
	((++TRIAL))
	return $status
}

# fault NAME TUNNELS BEGIN END: done again if the machine stood still
fault()
{
	local again=$AGAIN
	[[ $1 =~ $ONLY ]] || return 0
	until trial "$@" || ((again-- == 0)); do
		:
	done
}

cuts()
{
	local i way
	for way in "" out back; do
		for i in 0 1 2 3; do
			fault "cut ${way:-both} ways, ${TUNNEL_NAMES[i]}" $i \
				"cut_endpoint $i $way; pause $CUT_MIN" "mend_endpoint $i"
		done
	done
}

other_faults()
{
	fault "flapping, $FLAPS cuts of 1 s" 2 "flapping 2" true
	fault "all four cut for 5 s" "0 1 2 3" "all_cut; pause 5" all_mended
	fault "cut during a CHILD rekey" 0 "cut_endpoint 0; rekey gw child 0; pause 5" \
		"mend_endpoint 0"
	fault "cut during an IKE rekey" 3 "cut_endpoint 3 back; rekey gw ike 3; pause 5" \
		"mend_endpoint 3"
	fault "cut, another peer answers" 0 "answers_by 0 1; cut_endpoint 0 back; pause 5" \
		"mend_endpoint 0; answers_end 0"
	fault "cut, attacker answers" 0 "attacker_begin 0; cut_endpoint 0; pause 5" \
		"mend_endpoint 0; attacker_end"
}

planned()
{
	fault "planned drain" "" "drained 1" "drain_over 1"
	fault "MED shift by the cloud" "" "med_shift 0" "med_back 0"
	with_load 50 20 fault "$REKEYS rekeys, both roles" "" "rekeys $REKEYS" true
	fault "bowtied restart" "" bowtied_restart true
	fault "BIRD restart" "" "bird_restart gracefully" true
	fault "BIRD restart, SIGTERM" "" "bird_restart TERM" true
	fault "charon restart" "" "charon_restart TERM" true
	# Last, as it leaves the SAs of the dead one behind
	fault "charon killed, restart" "" "charon_restart KILL" true
}

# All of what goes to and comes from one endpoint
weathers()
{
	weather_begin
	fault "30 % loss" 0 "worsen 0 loss 30%; pause 20" "better 0"
	fault "200 ms jitter" 1 "worsen 1 delay 200ms 200ms; pause 10" "better 1"
	fault "reordering" 2 "worsen 2 delay 30ms reorder 40% 50%; pause 10" "better 2"
}

bench_begin
TEST_TMP=$TOP/lab TRIAL=0 STALL_MAX=100
mkdir "$TEST_TMP"
lab_network
cuts_begin
cloud_start
bowtie_start "" "drain_timeout: 10s"
busywait 120 lab_established || { lab_logs; bail "the tunnels do not come up"; }
[[ -n ${FLOWS:-} && -n ${RATE:-} ]] || cuts_calibrate
cuts
other_faults
planned
weathers
/usr/bin/python3 "$HERE/faults.py" table "$OUT/faults.json" || bail "not all recovered"
printf 'also in %s\n' "$OUT/faults.json"
exit 0
