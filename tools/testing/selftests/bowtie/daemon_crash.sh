#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 400
#
# bowtied is killed under traffic, and starts again: no packet is lost, and nothing
# changes on the wire: the same SPIs, the same IKE SAs, the same BGP sessions, no route
# of the module replaced. The lab is drawn in lib_lab.sh.

. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR
. "$BOWTIE_SELFTESTS/lib_lab.sh"
# shellcheck source-path=SCRIPTDIR
. "$BOWTIE_SELFTESTS/lib_daemon.sh"

daemon_kill()
{
	stop "$GW_DAEMON" KILL
}

# What the module has told of what somebody changed; counters' and states' lines aside
monitor_changes()
{
	grep -E '^(Deleted|tunnel-del|route|sa|device|link)' "$LAB/monitor"
}

no_change()
{
	local changes
	changes=$(monitor_changes)
	[[ -z $changes ]] || { echo "$changes"; return 1; }
}

killed_and_back()
{
	local before

	before=$(wire)
	bgp_note
	monitor_start
	traffic_start
	daemon_kill
	traffic_more 300
	expect_eq "killed: nothing changes" "$(wire)" "$before"
	expect "the dead one's socket is still there" test -S "$LAB/gw/bowtied.sock"
	daemon_log_mark
	gw_daemon_start
	expect "started again: it settles" daemon_settled
	traffic_more 300
	expect_eq "started again: nothing has changed on the wire" "$(wire)" "$before"
	expect "no session has flapped" bgp_same
	expect "and the module was told nothing" no_change
	expect "no SA begun, no session restarted" not daemon_said "initiate|terminate|configure"
	expect "no complaint" not daemon_said "error|failed|cannot"
	stop "$MONITOR"
	traffic_stop
	traffic_whole "not one packet is lost"
}

# The monitor has to see what it is there for
monitor_sees()
{
	monitor_start
	in_ns "$GW" bowtie tunnel set bow0 aws2 weight 3
	expect "a change by hand is repaired" daemon_settled
	expect "and seen by the monitor" busywait "$WAIT" grep -q . "$LAB/monitor"
	stop "$MONITOR"
}

# Kills at random moments, also in the middle of a reload
many_kills()
{
	local before i weight

	cp "$LAB/gw/bowtie.yaml" "$LAB/gw/bowtie.yaml.good"
	before=$(wire)
	bgp_note
	traffic_start
	for i in 1 2 3 4 5 6; do
		weight=$((RANDOM % 8 + 2))
		# At once, as the daemon may just be reading it
		sed "s/name: aws4/name: aws4\n    weight: $weight/" "$LAB/gw/bowtie.yaml.good" \
			>"$LAB/gw/bowtie.yaml.new"
		mv "$LAB/gw/bowtie.yaml.new" "$LAB/gw/bowtie.yaml"
		((i % 2)) || kill -HUP "$GW_DAEMON"
		sleep "0.$((RANDOM % 9))" # random moments are the point
		daemon_kill
		traffic_more 20
		cp "$LAB/gw/bowtie.yaml.good" "$LAB/gw/bowtie.yaml.new"
		mv "$LAB/gw/bowtie.yaml.new" "$LAB/gw/bowtie.yaml"
		gw_daemon_start
		sleep "0.$((RANDOM % 9))"
	done
	expect "after many kills it settles" daemon_settled
	expect_eq "with nothing changed on the wire" "$(wire)" "$before"
	expect "and no session has flapped" bgp_same
	traffic_more 100
	traffic_stop
	traffic_whole "many kills: not one packet is lost"
	expect_eq "the configuration is that of the file" \
		"$(in_ns "$GW" bowtie -j tunnel show bow0 aws4 | jq '.[0].weight')" 1
}

# A change that is made while nobody looks is found afterwards
changed_while_dead()
{
	local before
	before=$(wire)
	bgp_note
	daemon_kill
	in_ns "$GW" bowtie tunnel set bow0 aws2 weight 7
	in_ns "$GW" bowtie route add 192.0.2.128/25 dev bow0 tunnel aws1
	ip -n "$GW" address add 169.254.99.1/32 dev bow0
	gw_daemon_start
	expect "it settles" daemon_settled
	# What may be BIRD's stays until it is known to have settled
	expect "the module is as configured" busywait 60 wire_is "$before"
	expect_output "an address by others stays" 169.254.99.1 ip -n "$GW" address show dev bow0
	ip -n "$GW" address del 169.254.99.1/32 dev bow0
}

left_overs()
{
	daemon_kill
	touch "$LAB/gw/bowtie-bird.conf.abcdef" "$LAB/gw/bowtie-bird.conf."
	expect "a dead socket is in the way" test -S "$LAB/gw/bowtied.sock"
	gw_daemon_start
	expect "left-over files are no obstacle" daemon_settled
	expect_output "the socket is for root alone" '^600$' stat -c %a "$LAB/gw/bowtied.sock"

	echo "not mine" >"$LAB/gw/file"
	expect_error "a file in the place of the socket: refused" "$LAB/gw/file: " \
		in_ns "$GW" timeout 10 bowtied -c "$LAB/gw/bowtie.yaml" -s "$LAB/gw/file"
	expect_output "and still there" "not mine" cat "$LAB/gw/file"
}

second_daemon()
{
	local before
	before=$(wire)
	bgp_note
	expect_error "a second daemon is refused" "another bowtied is running" \
		in_ns "$GW" timeout 10 bowtied -c "$LAB/gw/bowtie.yaml" -s "$LAB/gw/bowtied.sock"
	expect "the first is there" daemon_status .module
	expect_eq "nothing has changed" "$(wire)" "$before"
}

term_and_back()
{
	local before
	before=$(wire)
	bgp_note
	traffic_start
	stop "$GW_DAEMON" TERM
	expect "SIGTERM: its socket is gone" test ! -e "$LAB/gw/bowtied.sock"
	traffic_more 100
	gw_daemon_start
	expect "it settles" daemon_settled
	expect_eq "nothing has changed on the wire" "$(wire)" "$before"
	traffic_stop
	traffic_whole "SIGTERM: not one packet is lost"
}

log_init
need_cmd socat jq swanctl birdc bird
lab_up
expect "the daemon has settled" daemon_settled
killed_and_back
monitor_sees
many_kills
changed_while_dead
left_overs
second_daemon
term_and_back
((TAP_FAILED == 0)) || lab_logs
done_testing
