#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 400
#
# charon and BIRD are restarted and killed, one after the other and both at once, and
# come back at once or later: bowtied makes them what they were. What does not depend on
# them goes on. The lab is drawn in lib_lab.sh.

. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR
. "$BOWTIE_SELFTESTS/lib_lab.sh"
# shellcheck source-path=SCRIPTDIR
. "$BOWTIE_SELFTESTS/lib_daemon.sh"

start_charon()
{
	charon_start "$GW" gw
	GW_CHARON=$CHARON_PID
}

start_bird()
{
	bird_start "$GW" gw
	GW_BIRD=$BIRD_PID
}

works()
{
	lab_established && settled && reachable "$LAN" "$VPC_HOST" && reachable "$VPC" "$LAN_HOST"
}

four_ike_sas()
{
	(($(lab_swanctl gw --list-sas | grep -c 'bt_bow0_aws[1-4]: #[0-9]*, ESTABLISHED, IKEv2') == 4))
}

# Nothing is left of those that the dead one had: one pair of SAs a tunnel
four_pairs()
{
	(($(ip -n "$CLOUD" xfrm state | grep -c '^src') == 8))
}

# charon_back NAME: after it has been started again
charon_back()
{
	local name=$1
	expect "$name: four IKE SAs" busywait 60 four_ike_sas
	expect "$name: everything works" busywait 60 works || lab_logs
	expect "$name: the cloud has one pair of SAs for each" busywait 60 four_pairs
}

charon_killed()
{
	bgp_note
	traffic_start
	stop "$GW_CHARON" KILL
	expect "charon killed: bowtied notices" busywait "$WAIT" daemon_status '.charon | not'
	traffic_more 200
	traffic_so_far "charon killed: its SAs carry on"
	traffic_stop
	start_charon
	charon_back "charon killed"
	expect "charon killed: BGP has seen nothing of it" bgp_same
}

charon_terminated()
{
	stop "$GW_CHARON" TERM
	expect "charon ended: no SA is left" busywait "$WAIT" no_sas
	expect "charon ended: bowtied notices" busywait "$WAIT" daemon_status '.charon | not'
	start_charon
	charon_back "charon ended"
}

no_sas()
{
	[[ -z $(ip -n "$GW" xfrm state) ]]
}

# It comes back while it begins: nothing must hang on an answer that never comes.
charon_flaps()
{
	local i
	for i in 1 2 3; do
		stop "$GW_CHARON" KILL
		start_charon
		busywait "$WAIT" daemon_status .charon
	done
	charon_back "charon killed again and again"
}

# A charon that hangs is not one that is gone.
charon_hangs()
{
	local before
	before=$(spis)
	kill -STOP "$GW_CHARON"
	daemon_log_mark
	in_ns "$GW" bowtie tunnel set bow0 aws1 weight 9
	expect "charon hangs: the module is looked after" busywait "$WAIT" weight_of_aws1 1
	expect "charon hangs: bowtied says so" busywait 60 daemon_said "charon"
	kill -CONT "$GW_CHARON"
	expect "charon goes on: settled" busywait 60 works
	expect_eq "charon goes on: no SA was touched" "$(spis)" "$before"
}

weight_of_aws1()
{
	(($(in_ns "$GW" bowtie -j tunnel show bow0 aws1 | jq '.[0].weight') == $1))
}

bird_restarted()
{
	local signal=$1 before
	before=$(spis)
	stop "$GW_BIRD" "$signal"
	expect "BIRD $signal: bowtied notices" busywait "$WAIT" daemon_status '.bird | not'
	start_bird
	expect "BIRD $signal: everything works" busywait 60 works || lab_logs
	expect_eq "BIRD $signal: no SA was touched" "$(spis)" "$before"
}

# BIRD's routes stay in the kernel when it is killed, and so do the module's.
bird_killed_later()
{
	stop "$GW_BIRD" KILL
	expect "BIRD killed: the route stays" route_width 10.2.0.0/16 4
	rm -f "$LAB/gw/bowtie-bird.conf"
	expect "BIRD killed: its file is made anew" \
		busywait "$WAIT" test -s "$LAB/gw/bowtie-bird.conf"
	start_bird
	expect "BIRD killed: everything works" busywait 60 works || lab_logs
}

all_at_once()
{
	stop "$GW_BIRD" KILL
	stop "$GW_CHARON" KILL
	stop "$GW_DAEMON" KILL
	gw_daemon_start
	start_bird
	start_charon
	charon_back "all three killed"
}

log_init
need_cmd socat jq swanctl birdc bird
lab_up
expect "the daemon has settled" daemon_settled
charon_terminated	# before one is killed, which leaves its SAs behind
charon_killed
charon_flaps
charon_hangs
bird_restarted TERM
bird_restarted KILL
bird_killed_later
all_at_once
done_testing
