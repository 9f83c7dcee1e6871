#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 500
#
# BGP follows the tunnels: of one that is silent the routes are rejected and the return
# path goes to the others, without a session or bird.conf being touched; while bowtied or
# BIRD is started again, while the operator's bird.conf is broken; and back. Drain, and
# tunnels that flap. The far end is BIRD, which compares MEDs, with a hold time as long as
# Azure's. The lab is drawn in lib_lab.sh.

HOLD=180
. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR
. "$BOWTIE_SELFTESTS/lib_lab.sh"
# shellcheck source-path=SCRIPTDIR
. "$BOWTIE_SELFTESTS/lib_daemon.sh"
# shellcheck source-path=SCRIPTDIR
. "$BOWTIE_SELFTESTS/lib_steer.sh"

works()
{
	lab_established && settled && reachable "$LAN" "$VPC_HOST" && reachable "$VPC" "$LAN_HOST"
}

# all_back: and nothing is steered any more
all_back()
{
	works && [[ -z $(flags_on step) && -z $(flags_on dead) ]] && meds_are "100 100 100 100"
}

# told FILE REGEX: when the first line that matches was told, in ms
told()
{
	local stamp
	stamp=$(sed -n "s|^\[\([^]]*\)\].*$2.*|\1|p" "$1" | head -n 1)
	date -d "${stamp:?}" +%s%3N
}

one_fails()
{
	local took
	bgp_note
	daemon_log_mark
	bg in_ns "$GW" bowtie -ts monitor tunnel >"$LAB/gw.told"
	bg in_ns "$CLOUD" ip -ts monitor route >"$LAB/cloud.told"
	tunnel_fails 1
	expect "aws2 is silent: its routes are rejected" busywait "$WAIT" accepted_from aws2 0
	expect "the others' stay" accepted_from aws1 1
	expect "and the module's route has three" busywait "$WAIT" route_width 10.2.0.0/16 3
	expect "the far end goes by the three others" busywait "$WAIT" cloud_route_width 10.1.0.0/24 3
	took=$(($(told "$LAB/cloud.told" 10.1.0.0/24) - $(told "$LAB/gw.told" "aws2.*down")))
	diag "from the module's notification to the first change of the far end's route: $took ms"
	expect "which has not taken long" test "$took" -ge 0 -a "$took" -lt 3000
	expect "though it believes in what it was told before" meds_are "90 100 90 90"
	expect "no session has noticed" bgp_same
	expect "and BIRD was not configured" not daemon_said "configure"
	traffic_start 32 5
	traffic_more 100
	traffic_stop
	traffic_whole "traffic avoids it"
}

# Everything that knows it goes down and comes back
daemon_restarted()
{
	local before
	before=$(flags_on .)
	bgp_note
	stop "$GW_DAEMON" KILL
	gw_daemon_start
	expect "bowtied killed: it settles" daemon_settled
	expect_eq "bowtied killed: steered as before" "$(flags_on .)" "$before"
	expect "bowtied killed: for the far end too" meds_are "90 100 90 90"
	expect "bowtied killed: no session has noticed" bgp_same
}

bird_conf_broken()
{
	cp "$LAB/gw/bird.conf" "$LAB/gw/bird.conf.good"
	echo 'protocol static half {' >>"$LAB/gw/bird.conf"
	bgp_note
	tunnel_fails 2
	expect "bird.conf broken, aws3 is silent: its routes are rejected" \
		busywait "$WAIT" accepted_from aws3 0
	expect "the far end goes by the two others" busywait "$WAIT" cloud_route_width 10.1.0.0/24 2
	expect "which are better than what it remembers" meds_are "80 100 90 80"
	expect "no session has noticed" bgp_same
	cp "$LAB/gw/bird.conf.good" "$LAB/gw/bird.conf"
	expect_output "mended, birdc configure by the operator" Reconfigur lab_birdc gw configure
	expect "changes nothing" meds_are "80 100 90 80"
	expect "nor for the routes" accepted_from aws3 0
	expect "settled" daemon_settled
}

# Nobody is there to tell it: what it is to know is in its files.
bird_restarted()
{
	local before
	before=$(flags_on .)
	kill -STOP "$GW_DAEMON"
	stop "$GW_BIRD" KILL
	bird_start "$GW" gw
	GW_BIRD=$BIRD_PID
	expect_eq "BIRD killed: steered as before" "$(flags_on .)" "$before"
	expect "BIRD killed: the two others come back" busywait 60 accepted_from aws1 1
	expect "as they were" busywait 60 cloud_route_width 10.1.0.0/24 2
	kill -CONT "$GW_DAEMON"
	expect "BIRD killed: settled" daemon_settled
	expect_eq "BIRD killed: still the same" "$(flags_on .)" "$before"
}

all_return()
{
	tunnel_returns 1
	tunnel_returns 2
	expect "all return: as if nothing had been" busywait 90 all_back || lab_logs
}

drain()
{
	bgp_note
	traffic_start
	in_ns "$GW" bowtie tunnel set bow0 aws1 admin drain
	expect "drain: the return path goes by the three others" \
		busywait "$WAIT" cloud_route_width 10.1.0.0/24 3
	expect "by what the drained one says itself, too" meds_are "100 90 90 90"
	expect "drain: its routes stay" accepted_from aws1 1
	traffic_more 200
	in_ns "$GW" bowtie tunnel set bow0 aws1 admin up
	expect "drain ended: all four" busywait "$WAIT" all_back
	traffic_stop
	traffic_whole "drain: not one packet is lost"
	expect "drain: no session has noticed" bgp_same
}

# Each second, for a while
flapping()
{
	local i changes
	bgp_note
	daemon_log_mark
	for ((i = 0; i < 15; i++)); do
		in_ns "$GW" bowtie tunnel set bow0 aws4 admin down
		sleep 0.5 # this is the point
		in_ns "$GW" bowtie tunnel set bow0 aws4 admin up
		sleep 0.5
	done
	expect "flapping: all is well when it is over" busywait 120 all_back || lab_logs
	changes=$(daemon_log | grep -c 'BIRD: .*able bt_step')
	diag "changes of what is announced: $changes, of its routes:" \
		"$(daemon_log | grep -c 'BIRD: .*able bt_dead')"
	expect_cmp "flapping: announced anew a few times only" "$changes" -le 8
	expect "flapping: no session has noticed" bgp_same
}

log_init
need_cmd socat jq swanctl birdc bird
steer_lab
expect "the daemon has settled" daemon_settled
expect "four tunnels are announced alike" busywait "$WAIT" meds_are "100 100 100 100"
one_fails
daemon_restarted
bird_conf_broken
bird_restarted
all_return
drain
flapping
((TAP_FAILED == 0)) || lab_logs
done_testing
