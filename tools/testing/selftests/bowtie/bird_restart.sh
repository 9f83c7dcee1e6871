#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 500
#
# BIRD is killed, restarted and configured under traffic both ways. What is lost is said for
# each; nothing is where BIRD lets that be so. The lab is drawn in lib_lab.sh; the cloud's
# BIRD helps a neighbour that restarts, as it does by default.

. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR
. "$BOWTIE_SELFTESTS/lib_lab.sh"
# shellcheck source-path=SCRIPTDIR
. "$BOWTIE_SELFTESTS/lib_daemon.sh"

works()
{
	lab_established && settled
}

# Nobody waits for anything any more: not BIRD, not bowtied
recovered()
{
	works && ! lab_birdc gw show status | grep -q 'recovery in progress' &&
		(($(lab_birdc gw show protocols | grep -c 'BGP .* up .* Established') == 4))
}

start_bird()
{
	bird_start "$GW" gw "$@"
	GW_BIRD=$BIRD_PID
}

# begin: traffic, and what the module tells of its routes
begin()
{
	daemon_log_mark
	bg in_ns "$GW" bowtie monitor route >"$LAB/routes.told"
	MONITOR=$BG_PID
	busywait "$WAIT" grep -q poll "/proc/$MONITOR/wchan"
	bg in_ns "$GW" ip -ts monitor route >"$LAB/kernel.told"
	KERNEL_MONITOR=$BG_PID
	traffic_start 32 10
}

# end NAME: everybody is back, and a while has passed
end()
{
	expect "$1: everything works again" busywait 90 recovered || lab_logs
	expect "$1: bowtied has seen it" busywait 60 daemon_said "BIRD has settled"
	traffic_more 300
	traffic_stop
	stop "$MONITOR"
	stop "$KERNEL_MONITOR"
	diag "$1: the kernel's routes: $(wc -l <"$LAB/kernel.told") lines of events"
	expect_eq "$1: the module's routes have not changed" "$(<"$LAB/routes.told")" ""
	lost "$1"
}

# lost NAME: says how much
lost()
{
	local way
	for way in out back; do
		diag "$1 ($way): $(jq -c -n --slurpfile sent "$LAB/$way.sent" \
			--slurpfile got "$LAB/$way.received" \
			'{sent: $sent[0].sent, lost: ($sent[0].sent - $got[-1].received),
			  gap_ms: $got[-1].gap_ms}')"
	done
}

killed()
{
	begin
	stop "$GW_BIRD" KILL
	expect "killed: bowtied notices" busywait "$WAIT" daemon_status '.bird | not'
	traffic_more 300
	start_bird -R
	end "killed, back with -R"
	traffic_whole "killed, back with -R: not one packet is lost"
}

# What "systemctl restart bird" does with our addition to its unit
graceful()
{
	begin
	lab_birdc gw graceful restart >"$LAB/why" || fail "birdc graceful restart" "$(<"$LAB/why")"
	expect "graceful: BIRD ends" busywait "$WAIT" not kill -0 "$GW_BIRD"
	start_bird -R
	end "graceful"
	((TAP_FAILED == 0)) || diag "$(<"$LAB/kernel.told")"
	traffic_whole "graceful: not one packet is lost"
}

# It says goodbye to the far end, which does as it is told.
terminated()
{
	begin
	stop "$GW_BIRD" TERM
	expect "SIGTERM: bowtied notices" busywait "$WAIT" daemon_status '.bird | not'
	start_bird -R
	end "SIGTERM"
	expect "SIGTERM: not one packet to the cloud is lost" \
		traffic_way_whole "$LAB/out.sent" "$LAB/out.received"
}

# It begins with empty tables, and makes the kernel's like them. The module's routes stay, and
# the main table's, since our kernel protocol comes later.
killed_without_recovery()
{
	begin
	stop "$GW_BIRD" KILL
	start_bird
	end "killed, back without -R"
	expect "killed, back without -R: not one packet to the cloud is lost" \
		traffic_way_whole "$LAB/out.sent" "$LAB/out.received"
}

configured()
{
	begin
	lab_birdc gw configure >"$LAB/why"
	lab_birdc gw configure >"$LAB/why"
	traffic_more 300
	traffic_stop
	stop "$MONITOR"
	stop "$KERNEL_MONITOR"
	traffic_whole "birdc configure: not one packet is lost"
}

# It does not come back: not for ever.
gone()
{
	sed -i "s/^bird: {/&restart_time: 3s, /" "$LAB/gw/bowtie.yaml"
	expect "a shorter restart_time" cfg reload
	expect "is taken" daemon_settled
	stop "$GW_BIRD" KILL
	expect "gone for longer: the module's route goes" \
		busywait "$WAIT" route_width 10.2.0.0/16 0
	expect "gone for longer: bowtied says so" \
		busywait "$WAIT" daemon_said "do not count any more"
	start_bird -R
	expect "back after all" busywait 90 recovered || lab_logs
}

log_init
need_cmd socat jq swanctl birdc bird
lab_up
expect "the daemon has settled" daemon_settled
expect "so has BIRD" busywait 60 recovered
killed
graceful
configured
terminated
killed_without_recovery
gone
((TAP_FAILED == 0)) || lab_logs
done_testing
