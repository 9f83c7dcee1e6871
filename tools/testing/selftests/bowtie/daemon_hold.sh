#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 300
#
# What belongs behind the link does not leave by the default route, in the clear, while there
# is no route into it: bowtied alone, BIRD gone, the link deleted, the daemon dead; and what
# it is that prevents this. The guard of lib_guard.sh is the judge. The lab is drawn in
# lib_lab.sh; here the gateway has a default route of IPv6 as well, and the LAN another host.

. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR
. "$BOWTIE_SELFTESTS/lib_lab.sh"
# shellcheck source-path=SCRIPTDIR
. "$BOWTIE_SELFTESTS/lib_daemon.sh"

# A host of the LAN gets one error a second, and the traffic of the first takes all of them
readonly LAN_HOST2=10.1.0.11

lab_more()
{
	in_ns "$GW" sysctl -q -w net.ipv4.icmp_ratemask=0
	addrs "$LAN" eth0 $LAN_HOST2/24
	addrs "$GW" wan0 2001:db8:1::10/64
	addrs "$NET" gw0 2001:db8:1::1/64
	ip -n "$GW" route add default via 2001:db8:1::1
}

# config KEYS: one prefix of each family is static
config()
{
	gw_config
	echo "  routes: [{prefixes: [10.3.0.0/16, 'fd02::/64']}]"
	echo "  hold_routes: $1"
}

# no_answer NS ADDR: and no way either
no_answer()
{
	expect "$1" busywait 10 refused "$2" "$3"
}

refused()
{
	local out
	[[ $1 != "$LAN" || $2 == *:* ]] || set -- "$@" -I "$LAN_HOST2"
	out=$(in_ns "$1" ping "${@:3}" -n -c 1 -W 1 -p "$PLAINTEXT_HEX" "$2" 2>&1) && return 1
	echo "$out"
	[[ $out == *[Uu]nreachable* || $out == *"No route to host"* ]]
}

static_refused()
{
	no_answer "$1: static prefix of IPv4" "$LAN" 10.3.0.10
	no_answer "$1: static prefix of IPv6" "$LAN" fd02::10
	no_answer "$1: another end inside" "$GW" 169.254.21.1
}

# holds PROTOCOL PREFIX...: exactly these are held by routes of PROTOCOL
holds()
{
	local protocol=$1 have
	shift
	have=$({ ip -j -n "$GW" -4 route show type unreachable proto "$protocol"
		ip -j -n "$GW" -6 route show type unreachable proto "$protocol"; } |
		jq -rs 'add | map(.dst) | sort | join(" ")')
	[[ $have == "$*" ]] || { echo "$have"; return 1; }
}

# BIRD's route outlives it. Somebody takes it away: the main table has no route into the link
no_route()
{
	ip -n "$GW" route del 10.2.0.0/16 dev bow0 2>/dev/null
	not grep -qv unreachable < <(ip -n "$GW" route show 10.2.0.0/16)
}

readonly CONFIGURED=(10.3.0.0/16 169.254.21.0/30 169.254.21.4/30 169.254.22.0/30
	169.254.22.4/30 fd02::/64)

# Nothing but the daemon: no charon, no BIRD, no link even
daemon_alone()
{
	gw_daemon_start
	expect "bowtied alone holds what is in the configuration" \
		busywait "$WAIT" holds 183 "${CONFIGURED[@]}"
	static_refused "bowtied alone"
	stop "$GW_DAEMON" TERM
	ip -n "$GW" link del bow0
	static_refused "and when it is stopped, without the link"
}

established()
{
	gw_start
	expect "established" busywait 120 lab_established || lab_logs
	expect "what is learned is held" busywait "$WAIT" holds 184 10.2.0.0/16
	expect "and settled" daemon_settled
	expect "there is traffic" reachable "$LAN" "$VPC_HOST"
	# From now on the LAN never stops, whatever becomes of the way
	bg in_ns "$LAN" flows send --to "$VPC_HOST" --flows 8 --rate 20 >/dev/null
}

bird_stops()
{
	stop "$GW_BIRD"
	expect "BIRD stopped, its route taken away" busywait "$WAIT" no_route
	no_answer "BIRD stopped: learned prefix" "$LAN" "$VPC_HOST"
	bird_start "$GW" gw
	GW_BIRD=$BIRD_PID
	expect "BIRD back: established" busywait 90 lab_established
	expect "BIRD back: there is traffic" reachable "$LAN" "$VPC_HOST"
	stop "$GW_BIRD" KILL
	bird_start "$GW" gw
	GW_BIRD=$BIRD_PID
	expect "BIRD killed and back: established" busywait 90 lab_established
}

link_deleted()
{
	daemon_pause
	ip -n "$GW" link del bow0
	no_answer "link deleted: learned prefix" "$LAN" "$VPC_HOST"
	static_refused "link deleted"
	kill -CONT "$GW_DAEMON"
	expect "made again: established" busywait 90 lab_established
	expect "made again: there is traffic" reachable "$LAN" "$VPC_HOST"
}

daemon_killed()
{
	stop "$GW_DAEMON" KILL
	stop "$GW_BIRD" KILL
	ip -n "$GW" link del bow0
	no_answer "all killed: learned prefix" "$LAN" "$VPC_HOST"
	static_refused "all killed"
	gw_daemon_start
	expect "started again: what was learned is still held" \
		busywait "$WAIT" daemon_status '.held == 7 and ."held-withdrawn" == 1'
	no_answer "started again: learned prefix" "$LAN" "$VPC_HOST"
	bird_start "$GW" gw
	GW_BIRD=$BIRD_PID
	expect "all back: established" busywait 90 lab_established
	expect "all back: nothing is withdrawn" \
		busywait "$WAIT" daemon_status '.held == 7 and ."held-withdrawn" == 0'
}

# Another route to the prefix is better, whatever its metric
other_way()
{
	stop "$GW_BIRD"
	expect "BIRD stopped once more" busywait "$WAIT" no_route
	ip -n "$GW" link add dc0 type dummy
	ip -n "$GW" link set dc0 up
	ip -n "$GW" route add 10.2.0.0/16 dev dc0 metric 5000
	expect_output "a line of one's own is used" "dev dc0" ip -n "$GW" route get "$VPC_HOST"
	ip -n "$GW" link del dc0
	expect_error "without it the prefix is held again" "No route to host" \
		ip -n "$GW" route get "$VPC_HOST"
}

# Without this, the guard would have seen the LAN's packets: it can.
switched_off()
{
	guard_verdict
	guard_begin "$GW" wan0 198.51.100.1
	config off >"$LAB/gw/bowtie.yaml"
	expect_output "switched off: the difference is shown" \
		"^hold routes del bow0 10.2.0.0/16" cfg diff
	expect "switched off" cfg reload
	expect "nothing is held any more" busywait "$WAIT" holds 183
	expect "nor what was learned" holds 184
	expect "the guard sees what leaves then" busywait "$WAIT" guard_saw "$GUARD_PCAP" \
		"src net 10.1.0.0/24 and dst host $VPC_HOST"
	guard_end "$GW"
	[[ $GUARD_FINDINGS == *"> $VPC_HOST"* ]]
	result $? "and says so" "found: $GUARD_FINDINGS"
	GUARD_FINDINGS=
}

log_init
need_cmd socat jq swanctl birdc bird flows
lab_network
lab_more
cloud_start
mkdir -p "$LAB/gw"
config on >"$LAB/gw/bowtie.yaml"
daemon_alone
established
bird_stops
link_deleted
daemon_killed
other_way
switched_off
((TAP_FAILED == 0)) || lab_logs
done_testing
