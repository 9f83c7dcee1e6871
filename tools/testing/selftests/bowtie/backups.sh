#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 300
#
# The far end announces a prefix as better by two of the tunnels, by MED, or by a shorter
# path. The two others are its backups in the module: when both of the better ones are cut
# traffic goes by them, without BIRD, and without bowtied, who is stopped for that. The
# lab is drawn in lib_lab.sh.

HOLD=180
. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR
. "$BOWTIE_SELFTESTS/lib_lab.sh"
# shellcheck source-path=SCRIPTDIR
. "$BOWTIE_SELFTESTS/lib_daemon.sh"
# shellcheck source-path=SCRIPTDIR
. "$BOWTIE_SELFTESTS/lib_steer.sh"

# tiers_are "T0 T1 T2 T3": of the route's next hops, - where there is none
tiers_are()
{
	local have
	have=$(in_ns "$GW" bowtie -j route show dev bow0 | jq -r '
		(.[] | select(.dst == "10.2.0.0/16") | .nexthops) as $hops |
		[range(4) as $i | $hops | map(select(.tunnel == "aws\($i + 1)" or .tunnel == $i)) |
		 if length == 0 then "-" else (.[0].tier // 0 | tostring) end] | join(" ")')
	[[ $have == "$1" ]] || { echo "tiers: $have"; return 1; }
}

# cloud_says STATEMENT: in the filters by which it announces to the last two
cloud_says()
{
	local i
	for i in 2 3; do
		sed -i "/^protocol bgp tunnel$i /,/^}/ s/export .*RTS_STATIC[^;]*;.*next hop/export filter { if source != RTS_STATIC then reject; $1 accept; }; next hop/" \
			"$LAB/cloud/bird.conf"
	done
	lab_birdc cloud configure >/dev/null
}

gap_is_short()
{
	jq -es '.[-1] | {gap_ms, lost, received}, .gap_ms < 6000' "$LAB/out.received"
}

both_are_cut()
{
	expect "the worse ones are backups" busywait "$WAIT" tiers_are "0 0 1 1" || lab_logs
	traffic_start 32 10
	daemon_pause
	stop_bird STOP
	cut_endpoint 0
	cut_endpoint 1
	expect "both better ones are silent" busywait "$WAIT" tunnel_oper aws2 down
	expect "and nobody has told the module anything" tiers_are "0 0 1 1"
	traffic_out_more 300
	expect "all flows go by the worse ones" busywait "$WAIT" every_flow_goes
	stop_bird CONT
	kill -CONT "$GW_DAEMON"
	expect "then those are BGP's best" busywait "$WAIT" tiers_are "- - 0 0" || lab_logs
	traffic_stop
	expect "there was a short gap only" gap_is_short
	diag "longest gap to the cloud: $(jq -s '.[-1].gap_ms' "$LAB/out.received") ms"
	mend_endpoint 0
	mend_endpoint 1
	expect "they return: better again" busywait 90 tiers_are "0 0 1 1" || lab_logs
}

stop_bird()
{
	kill -"$1" "$GW_BIRD"
}

# traffic_out_more N: N more packets have come to the VPC; the way back is not steered now
traffic_out_more()
{
	local vpc
	vpc=$(dev_stat "$VPC" eth0 rx_packets)
	busywait "$WAIT" came_to_vpc $((vpc + $1)) || bail "there is no traffic to the cloud"
}

came_to_vpc()
{
	(($(dev_stat "$VPC" eth0 rx_packets) >= $1))
}

# Of two looks at the receiver no flow has the same count.
every_flow_goes()
{
	look >"$LAB/look.1"
	traffic_out_more 200
	look >"$LAB/look.2"
	jq -en --slurpfile a "$LAB/look.1" --slurpfile b "$LAB/look.2" '
		[$a[0].flow, $b[0].flow] | transpose | all(.[0].received < .[1].received)'
}

look()
{
	wc -l <"$LAB/out.received" >"$LAB/out.lines"
	kill -USR1 "${TRAFFIC_RECEIVERS[0]}"
	busywait "$WAIT" more_lines "$LAB/out"
	tail -n 1 "$LAB/out.received"
}

switched_off()
{
	sed -i 's/^    as: 65000/&\n    backups: off/' "$LAB/gw/bowtie.yaml"
	expect "backups: off" cfg reload
	expect "settled" daemon_settled
	expect "then there are none" busywait "$WAIT" tiers_are "0 0 - -" || lab_logs
	expect "nor a table of theirs" not grep -q all4 "$LAB/gw/bowtie-bird.conf"
	sed -i '/backups: off/d' "$LAB/gw/bowtie.yaml"
	cfg reload
	expect "on again" busywait "$WAIT" tiers_are "0 0 1 1" || lab_logs
}

log_init
need_cmd socat jq swanctl birdc bird
steer_lab
expect "the daemon has settled" daemon_settled
expect "all are alike: none is a backup" busywait "$WAIT" tiers_are "0 0 0 0"
cloud_says "bgp_med = 200;"
both_are_cut
cloud_says "bgp_path.prepend(64512);"
expect "a longer path: the same" busywait "$WAIT" tiers_are "0 0 1 1"
switched_off
((TAP_FAILED == 0)) || lab_logs
done_testing
