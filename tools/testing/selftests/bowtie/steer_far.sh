#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 500
#
# What the far end says of its tunnels, and what it listens to. It announces one of them
# as worse, by MED and by a longer path, as AWS does before maintenance: flows leave that
# tunnel without loss while it stays up. And it is one that ignores MED, so that the
# return path is steered by prepended AS numbers. The lab is drawn in lib_lab.sh.

HOLD=180
. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR
. "$BOWTIE_SELFTESTS/lib_lab.sh"
# shellcheck source-path=SCRIPTDIR
. "$BOWTIE_SELFTESTS/lib_daemon.sh"
# shellcheck source-path=SCRIPTDIR
. "$BOWTIE_SELFTESTS/lib_steer.sh"

# sent_by NAME: packets that a tunnel has sent
sent_by()
{
	in_ns "$GW" bowtie -j -s tunnel show bow0 "$1" | jq '.[0].stats.tx_packets'
}

# maintenance INDEX STATEMENT
maintenance()
{
	local name=${TUNNEL_NAMES[$1]} before after
	bgp_note
	traffic_start 32 10
	cloud_says "$1" "$2"
	expect "$2 three tunnels are best" busywait "$WAIT" route_width 10.2.0.0/16 3
	before=$(sent_by "$name")
	traffic_more 400
	after=$(sent_by "$name")
	# BGP, and the probes
	diag "by $name meanwhile: $((after - before)) packets"
	expect_cmp "$2 flows have left $name" $((after - before)) -lt 60
	expect "$2 which stays up" tunnel_oper "$name" up
	cloud_says "$1" ""
	expect "$2 is over: four" busywait "$WAIT" route_width 10.2.0.0/16 4
	traffic_more 200
	traffic_stop
	traffic_whole "$2 not one packet is lost"
	expect "$2 no session has noticed" bgp_same
}

# paths_are "P0 P1 P2 P3": how often our AS number is in what the cloud was told
paths_are()
{
	local i all=()
	for i in 0 1 2 3; do
		all+=("$(cloud_attr "$i" as_path | wc -w)")
	done
	[[ "${all[*]}" == "$1" ]] || { echo "paths: ${all[*]}"; return 1; }
}

prepend()
{
	bgp_note
	sed -i 's/keepalive: [0-9]*s/&, return_path: prepend/' "$LAB/gw/bowtie.yaml"
	expect "return_path: prepend" cfg reload
	expect "four paths of the same length" busywait "$WAIT" paths_are "4 4 4 4"
	expect "without a MED" meds_are "   "
	expect "settled" daemon_settled
	tunnel_fails 0
	expect "aws1 is silent: the three others are shorter" busywait "$WAIT" paths_are "4 3 3 3"
	expect "and the far end goes by them" busywait "$WAIT" cloud_route_width 10.1.0.0/24 3
	tunnel_returns 0
	expect "it returns: as before" busywait 90 paths_are "4 4 4 4"
	expect "everything works" busywait 60 lab_established
	expect "no session has noticed" bgp_same
}

log_init
need_cmd socat jq swanctl birdc bird
steer_lab
expect "the daemon has settled" daemon_settled
maintenance 0 "bgp_med = 200;"
maintenance 1 "bgp_path.prepend(64512);"
prepend
((TAP_FAILED == 0)) || lab_logs
done_testing
