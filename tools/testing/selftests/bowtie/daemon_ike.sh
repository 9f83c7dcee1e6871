#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 500
#
# SAs that the peer takes away: deleted, with a word, or lost without one, as an endpoint
# that was replaced. The tunnel is out at once and begun anew, once; the others hear
# nothing of it, and the end of an old SA does no harm to the new one. The lab is drawn in
# lib_lab.sh.

. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR
. "$BOWTIE_SELFTESTS/lib_lab.sh"
# shellcheck source-path=SCRIPTDIR
. "$BOWTIE_SELFTESTS/lib_daemon.sh"
# shellcheck source-path=SCRIPTDIR
. "$BOWTIE_SELFTESTS/lib_steer.sh"

# ikes_of SIDE CONNECTION: ids of its IKE SAs that are established
ikes_of()
{
	lab_swanctl "$1" --list-sas |
		sed -n "s/^$2: #\([0-9]*\), ESTABLISHED.*/\1/p" | sort -n | tr '\n' ' '
}

# one_pair INDEX: of SAs in the gateway's kernel, other than those in $3
one_new_pair()
{
	local now
	now=$(spis_of "$1")
	[[ $(wc -w <<<"$now") == 2 && -z $(comm -12 <(echo "$now") <(echo "$2")) ]]
}

works()
{
	tunnels_up 4 && settled && reachable "$LAN" "$VPC_HOST" && reachable "$VPC" "$LAN_HOST"
}

# begun_anew NAME INDEX OLD-SPIS
begun_anew()
{
	expect "$1: one new pair of SAs" busywait 60 one_new_pair "$2" "$3"
	expect "$1: everything works" busywait 60 works || lab_logs
	expect_eq "$1: one IKE SA" "$(ikes_of gw "bt_bow0_${TUNNEL_NAMES[$2]}" | wc -w)" 1
	expect_eq "$1: begun once" "$(daemon_log | grep -c "initiate bt_bow0_${TUNNEL_NAMES[$2]}$")" 1
}

# The rest of the tunnels, by their SPIs
others()
{
	local i
	for i in 0 1 2 3; do
		((i == $1)) || spis_of "$i"
	done
}

# deleted NAME INDEX SWANCTL-ARGS...: by the peer
deleted()
{
	local name=$1 index=$2 before rest
	shift 2
	before=$(spis_of "$index")
	rest=$(others "$index")
	daemon_log_mark
	monitor_start
	lab_swanctl cloud --terminate "$@" --timeout 10 >/dev/null 2>&1
	begun_anew "$name" "$index" "$before"
	stop "$MONITOR"
	expect_output "$name: the tunnel was out meanwhile" "down.*no-sa|no-sa" cat "$LAB/monitor"
	expect_eq "$name: the others have not noticed" "$(others "$index")" "$rest"
}

# The peer begins too, and then ends the older one: nobody is to miss that.
stale()
{
	local before id
	before=$(spis_of 0)
	id=$(ikes_of cloud tunnel0)
	bgp_note
	traffic_start
	again
	lab_swanctl cloud --initiate --ike again0 --child again0 --timeout 20 >/dev/null 2>&1
	expect "two of one tunnel" busywait "$WAIT" two_ikes
	daemon_log_mark
	lab_swanctl cloud --terminate --ike-id "${id%% *}" --timeout 10 >/dev/null 2>&1
	expect "the older one ends: one pair is left" busywait 60 one_new_pair 0 "$before"
	expect "and works" busywait "$WAIT" works
	traffic_more 200
	traffic_stop
	traffic_whole "the end of the older one: not one packet is lost"
	expect "none was begun" not daemon_said "initiate"
	expect "BGP has seen nothing of it" bgp_same
}

# again: nearly the same connection, or charon adds to the IKE SA that is there
again()
{
	local conf=$LAB/cloud/swanctl.conf
	sed -n '/^tunnel0 {/,/^}$/p' "$conf" | sed 's/tunnel0/again0/; s/dpd_delay = 10s/dpd_delay = 11s/' \
		>"$LAB/cloud/again"
	sed "/^connections {/r $LAB/cloud/again" "$conf" >"$conf.again"
	lab_swanctl cloud --load-conns --file "$conf.again" >/dev/null
}

two_ikes()
{
	(($(ikes_of gw bt_bow0_aws1 | wc -w) == 2 && $(spis_of 0 | wc -w) == 4))
}

# An endpoint with the same address that knows of nothing: charon's own retransmissions
# would take nearly three minutes to find out.
replaced()
{
	daemon_log_mark
	stop "$CLOUD_CHARON" KILL
	ip -n "$CLOUD" xfrm state flush
	charon_start "$CLOUD" cloud
	CLOUD_CHARON=$CHARON_PID
	lab_swanctl cloud --load-all --file "$LAB/cloud/swanctl.conf" >/dev/null 2>&1
	expect "all endpoints replaced: noticed by the probes" busywait "$WAIT" tunnels_up 0
	expect "ended after three DPD times, and begun anew" busywait 90 works || lab_logs
	expect_eq "four IKE SAs" "$(lab_swanctl cloud --list-sas | grep -c ESTABLISHED)" 4
}

# For as long as the SA needs to be given up, and then the path is there again
cut_for_long()
{
	local before began
	before=$(spis_of 3)
	daemon_log_mark
	tunnel_fails 3
	expect "cut: its IKE SA is given up" busywait 60 daemon_said "terminate bt_bow0_aws4"
	expect "begun anew, half open" busywait 60 half_open
	expect "and again" busywait 60 twice "terminate bt_bow0_aws4"
	began=$(now_ms)
	tunnel_returns 3
	expect "mended: it is there soon" busywait 60 one_new_pair 3 "$before"
	diag "after $(($(now_ms) - began)) ms"
	expect "mended: everything works" busywait 60 works || lab_logs
	expect "one IKE SA" busywait "$WAIT" one_ike_of_aws4
}

half_open()
{
	lab_swanctl gw --list-sas | grep -q '^bt_bow0_aws4: #[0-9]*, CONNECTING'
}

twice()
{
	(($(daemon_log | grep -c "$1") >= 2))
}

one_ike_of_aws4()
{
	(($(ikes_of gw bt_bow0_aws4 | wc -w) == 1))
}

log_init
need_cmd socat jq swanctl birdc bird
steer_lab "ike: {dpd: 3s}"
expect "the daemon has settled" daemon_settled
deleted "IKE SA deleted by the peer" 1 --ike tunnel1
deleted "CHILD SA deleted by the peer" 2 --child tunnel2
stale
cut_for_long
replaced
((TAP_FAILED == 0)) || lab_logs
done_testing
