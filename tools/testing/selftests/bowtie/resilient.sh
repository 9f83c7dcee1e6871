#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 300
#
# Flows that are in use stay where they are when tunnels come and go, and lose no packet:
# death, return, the idle and the unbalanced timer, tiers, drain. The far end tells where
# each packet came out. For the topology see lib_gateway.sh; four tunnels.

. "$(dirname "$0")/lib.sh"
. "$BOWTIE_SELFTESTS/lib_agent.sh"
. "$BOWTIE_SELFTESTS/lib_gateway.sh"

readonly ALL=p0,p1,p2,p3
# In ms; a busy flow must get a packet more often than this, which a slow guest needs
# time for
readonly IDLE=8000

link_set()
{
	bowtie -n "$GW" link set bow0 "$@"
}

admin()
{
	bowtie -n "$GW" tunnel set bow0 "t$1" "${@:2}"
}

# buckets I: how many tunnel I serves; buckets_are I OP N: for busywait
buckets()
{
	bowtie -n "$GW" -j route show 10.2.0.0/16 |
		jq ".[0].nexthops[] | select(.tunnel_id == $1) | .buckets"
}

buckets_are()
{
	test "$(buckets "$1")" "$2" "$3"
}

# keep MAP WORDS...: one packet more of the flows of MAP
keep()
{
	agent flows_keep "$1" lan $ALL "${@:2}"
}

# keep_until CMD... -- MAP WORDS...: send on until CMD succeeds, and once more; as long
# as flows go on everything that is sent has to come
keep_until()
{
	local cmd=() end=$((SECONDS + 2 * WAIT)) out
	while [[ $1 != -- ]]; do
		cmd+=("$1")
		shift
	done
	shift
	until "${cmd[@]}" >/dev/null 2>&1; do
		out=$(keep "$@") || { echo "$out"; return 1; }
		((SECONDS < end)) || { echo "deadline passed: ${cmd[*]}"; return 1; }
	done
	keep "$@"
}

ended()
{
	[[ ! -d /proc/$1 ]]
}

# meanwhile "MAP WORDS..." CMD...: flows of MAP go on while CMD runs
meanwhile()
{
	local map=$1 pid
	shift
	"$@" &
	pid=$!
	# shellcheck disable=SC2086 # a word for each
	keep_until ended "$pid" -- $map rounds=2
}

# history_of NAME MAP I: flows of tunnel I have moved, once; no others have
history_of()
{
	local moved others most gap
	read -r moved others most gap <<<"$(agent flows_history "$2" "$3")"
	expect_eq "$1: no flow of another tunnel moved" "$others" 0
	expect_cmp "$1: its own did" "$moved" -gt 20
	expect_eq "$1: each of them once" "$most" 1
}

# stayed NAME MAP MS: no flow has moved, and none was silent for so long
stayed()
{
	local moved others most gap
	read -r moved others most gap <<<"$(agent flows_history "$2")"
	expect_eq "$1: no flow moved" "$moved $others $most" "0 0 0"
	expect_cmp "$1: they were busy all the while" "$gap" -lt "$3"
}

# All 256 buckets are in use, since 4096 flows are; the idle timer is two minutes.
death_and_return()
{
	agent flows all lan $ALL count=4096 >/dev/null
	agent flows some lan $ALL >/dev/null
	expect "a tunnel is taken out: no packet is lost" meanwhile some admin 1 down
	history_of "taken out" some 1
	keep all >/dev/null
	history_of "taken out, all flows" all 1
	agent flows there lan $ALL count=4096 >/dev/null
	agent flows some lan $ALL >/dev/null
	expect "it returns: no packet is lost" meanwhile some admin 1 up
	busywait "$WAIT" tunnel_is 1 .oper up
	keep there >/dev/null
	stayed "it returns" there 120000
	expect_eq "it has no bucket, as all are busy" "$(buckets 1)" 0
}

# Those that fall idle follow, by and by.
idle_timer()
{
	agent flows few lan $ALL count=24 >/dev/null
	link_set idle-timer ${IDLE}ms
	expect "idle buckets move, and busy flows lose nothing" \
		keep_until buckets_are 1 -eq 64 -- few
	stayed "idle buckets move" few $IDLE
	agent flows all lan $ALL count=4096 >/dev/null
	expect "now the flows are spread evenly" agent flows_fit all 1 1 1 1
}

unbalanced_timer()
{
	link_set idle-timer 1h
	agent flows all lan $ALL count=4096 >/dev/null
	admin 2 down
	keep all >/dev/null
	admin 2 up
	busywait "$WAIT" tunnel_is 2 .oper up
	expect_eq "it has returned and has no bucket" "$(buckets 2)" 0
	link_set unbalanced-timer 1s
	expect "it gets its share by force" busywait "$WAIT" buckets_are 2 -eq 64
	link_set unbalanced-timer 0s
}

# A death in the preferred tier leads to the next one, and only that.
tiers()
{
	far_routes tunnel t0 tunnel t1 tier 1 tunnel t2 tier 1 tunnel t3 tier 2
	link_set idle-timer 0s
	expect "tiers: all in the preferred one" busywait "$WAIT" buckets_are 0 -eq 256
	link_set idle-timer 1h
	agent flows some lan $ALL >/dev/null
	expect "tiers: the last one of its tier is taken out, no packet is lost" \
		meanwhile some admin 0 down
	history_of "tiers" some 0
	agent flows some lan $ALL >/dev/null
	expect "tiers: they are in the next one" agent flows_fit some 0 1 1 0
	expect "tiers: it returns, no packet is lost" meanwhile some admin 0 up
	busywait "$WAIT" tunnel_is 0 .oper up
	keep some >/dev/null
	stayed "tiers: it returns" some 3600000
	link_set idle-timer 0s
	expect "tiers: idle flows go back" busywait "$WAIT" buckets_are 0 -eq 256
	far_routes tunnel t0 tunnel t1 tunnel t2 tunnel t3
	link_set idle-timer ${IDLE}ms
	expect "one tier again" busywait "$WAIT" buckets_are 3 -eq 64
}

# A prefix is told that some of its tunnels are worse now: that is obeyed at once. They
# live, so that nothing is lost.
demotion()
{
	link_set idle-timer 1h
	agent flows all lan $ALL count=4096 >/dev/null
	agent flows some lan $ALL >/dev/null
	expect "two tunnels are made backups: no packet is lost" meanwhile some \
		far_routes tunnel t0 tier 1 tunnel t1 tunnel t2 tunnel t3 tier 1
	keep all >/dev/null
	agent flows some lan $ALL >/dev/null
	expect "busy flows have left them" agent flows_fit some 0 1 1 0
	expect_eq "two tunnels are made backups: they have no bucket" "$(buckets 0) $(buckets 3)" "0 0"
	expect "all are alike again: no packet is lost" meanwhile some \
		far_routes tunnel t0 tunnel t1 tunnel t2 tunnel t3
	keep some >/dev/null
	stayed "all are alike again" some 3600000
	link_set idle-timer ${IDLE}ms
	expect "one tier after that" busywait "$WAIT" buckets_are 3 -eq 64
}

said()
{
	grep -qE -- "$1" "$TEST_TMP/monitor"
}

# Idle for a quarter of the idle timer is enough here.
drain()
{
	local met
	link_set idle-timer $((4 * IDLE))ms
	agent flows old lan $ALL >/dev/null
	expect "drain: its flows go on" meanwhile "old place=2 most=8" admin 2 drain
	expect "drain: its flows go on, idle buckets leave" \
		keep_until buckets_are 2 -le 8 -- old place=2 most=8
	stayed "drain" old $IDLE
	expect_cmp "drain: it has the buckets of its flows" "$(buckets 2)" -gt 0
	expect_eq "drain: it goes on" "$(tunnel_field 2 .oper) $(tunnel_field 2 .reason)" "drain admin"
	keep old place=2 most=8 >/dev/null
	read -r _ _ met _ <<<"$(agent flows new lan $ALL count=2048)"
	expect_cmp "drain: few new flows meet its buckets" "$met" -lt 200
	expect "drain: it ends with the last flow" busywait "$WAIT" tunnel_is 2 .reason drained
	expect "drain: the monitor says so" \
		busywait "$WAIT" said '^tunnel t2: .* oper drain reason drained '
	expect_eq "drain: no bucket is left" "$(buckets 2)" 0
	expect "drained: its peer is reached, IPv4" agent ping "$GW" "$(inside_peer 2)"
	expect "drained: its peer is reached, IPv6" agent ping "$GW" "$(inside_peer 2 6)"
	agent flows all lan $ALL count=4096 >/dev/null
	expect "drained: it takes no flow" agent flows_fit all 1 1 0 1
	admin 2 up
	busywait "$WAIT" tunnel_is 2 .oper up
	keep all >/dev/null
	link_set idle-timer ${IDLE}ms
	expect_eq "back: busy flows stay" "$(agent flows_history all | cut -d' ' -f1)" 0
	expect "back: idle ones come" busywait "$WAIT" buckets_are 2 -eq 64
}

drain_deadline()
{
	link_set idle-timer 1h
	agent flows all lan $ALL count=4096 >/dev/null
	: >"$TEST_TMP/monitor"
	admin 3 drain drain-timeout 0s
	busywait "$WAIT" tunnel_is 3 .oper drain
	keep all >/dev/null
	stayed "drain without limit" all 3600000
	agent flows some lan $ALL >/dev/null
	admin 3 drain-timeout 1s
	expect "drain with one: no packet is lost" \
		keep_until tunnel_is 3 .reason drained -- some
	expect "drain with one: the monitor says so" \
		busywait "$WAIT" said '^tunnel t3: .* oper drain reason drained '
	history_of "drain with one" some 3
	expect_eq "drain with one: no bucket is left" "$(buckets 3)" 0
	admin 3 up drain-timeout 300s
}

# The busy ones keep the last of all; what is new is refused.
drain_all()
{
	local i
	link_set idle-timer 0s
	expect "all tunnels serve" busywait "$WAIT" buckets_are 3 -eq 64
	link_set idle-timer 1h
	agent flows few lan $ALL count=8 >/dev/null
	for i in 0 1 2 3; do
		admin $i drain
	done
	expect "all drain: flows go on" keep few rounds=3
	expect "all drain: no tunnel counts as up" busywait "$WAIT" link_is .tunnels_up 0
	link_set idle-timer 0s
	for i in 0 1 2 3; do
		expect "all drain: t$i is drained" busywait "$WAIT" tunnel_is $i .reason drained
	done
	expect_counted "all drained: counted" tx_drop_no_tunnel 3 \
		agent inject_udp lan 10.1.0.2 10.2.0.1 count=3
}

log_init
need_module xfrm_interface esp4 esp6
need_cmd jq
agent_start lib_agent_flows
gateway 4
for i in 0 1 2 3; do
	sas "$i" gcm
	agent sniff "p$i" "$PEER" "ipsec$i" >/dev/null
done
return_by 1
agent injector_open lan "$LAN" eth0 "$GW" lan0 >/dev/null
busywait "$WAIT" link_is .tunnels_up 4
far_routes tunnel t0 tunnel t1 tunnel t2 tunnel t3
bg in_ns "$GW" bowtie monitor tunnel >"$TEST_TMP/monitor"
death_and_return
idle_timer
unbalanced_timer
tiers
demotion
drain
drain_deadline
drain_all
done_testing
