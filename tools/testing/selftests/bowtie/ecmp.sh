#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 240
#
# Which tunnel a flow takes: shares, hash policies, fragments, and that a change moves
# no flow that need not move. The far end tells where each packet came out. For the
# topology see lib_gateway.sh; four tunnels. What happens to flows that are in use is in
# resilient.sh; here no bucket counts as busy.

. "$(dirname "$0")/lib.sh"
. "$BOWTIE_SELFTESTS/lib_agent.sh"
. "$BOWTIE_SELFTESTS/lib_gateway.sh"

readonly ALL=p0,p1,p2,p3

# fits NAME MAP SHARES WORDS...: flows with these WORDS are spread over t0..t3 like this
fits()
{
	local name=$1 map=$2 shares=$3
	shift 3
	expect "$name: every flow keeps to a tunnel" agent flows "$map" lan $ALL "$@"
	# shellcheck disable=SC2086 # a word for each
	expect "$name: as many on each tunnel as it should be" agent flows_fit "$map" $shares
}

# only_its_own NAME BEFORE AFTER I: all flows of tunnel I moved, and no others
only_its_own()
{
	local moved others
	read -r moved others <<<"$(agent flows_moved "$2" "$3" "$4")"
	expect_eq "$1: no flow of another tunnel moved" "$others" 0
	expect_cmp "$1: its own did" "$moved" -gt 50
}

spread()
{
	far_routes tunnel t0 tunnel t1 tunnel t2 tunnel t3
	fits "IPv4, equal weights" v4 "1 1 1 1" count=4096
	fits "IPv6, equal weights" v6 "1 1 1 1" family=6 count=4096
	expect "IPv4: many packets of a flow" agent flows many lan $ALL count=128 packets=12
	expect "IPv6: many packets of a flow" agent flows many6 lan $ALL family=6 count=128 packets=12
	far_routes tunnel t0 weight 2 tunnel t1 tunnel t2
	fits "IPv4, weights 2:1:1" v4 "2 1 1 0" count=4096
	fits "IPv6, weights 2:1:1" v6 "2 1 1 0" family=6 count=4096
	far_routes tunnel t0 tier 1 tunnel t1 tier 1 tunnel t2 tunnel t3
	fits "a lower tier comes first" tier "0 0 1 1"
	far_routes tunnel t0 tunnel t1 tunnel t2 tunnel t3
}

# counts WORDS...: how many tunnels flows with these WORDS use
used()
{
	agent flows one lan $ALL "$@" | tr ' ' '\n' | grep -vcx 0
}

policies()
{
	local family

	for family in 4 6; do
		bowtie -n "$GW" link set bow0 hash l3
		expect_eq "IPv$family, l3: ports do not matter" "$(used family=$family count=64)" 1
		[[ $family == 6 ]] ||
			fits "IPv4, l3: addresses do" l3 "1 1 1 1" count=1024 by=addresses
		[[ $family == 4 ]] ||
			expect_eq "IPv6, l3: addresses do" "$(used family=6 count=64 by=addresses)" 4
		bowtie -n "$GW" link set bow0 hash l4
		expect_eq "IPv$family, l4: ports matter" "$(used family=$family count=64)" 4
		bowtie -n "$GW" link set bow0 hash symmetric
		fits "IPv$family, symmetric" there "1 1 1 1" family=$family count=512 by=both
		expect "IPv$family, symmetric: the way back" agent flows back lan $ALL \
			family=$family count=512 by=both swap=1
		expect_eq "IPv$family, symmetric: the same in both directions" \
			"$(agent flows_symmetric there back)" 0
		bowtie -n "$GW" link set bow0 hash skb
		expect "IPv$family: fragments stay together" agent flows_fragments lan $ALL $family
	done
}

# leaves NAME I CMD...: CMD takes tunnel I out of service; its flows move, no others
leaves()
{
	local name=$1 i=$2 shares=(1 1 1 1)
	shift 2
	shares[i]=0
	"$@"
	busywait "$WAIT" not tunnel_is "$i" .oper up
	fits "$name" after "${shares[*]}"
	only_its_own "$name" before after "$i"
}

# returns NAME: the table is what it was
returns()
{
	busywait "$WAIT" link_is .tunnels_up 4
	agent flows after lan $ALL >/dev/null
	expect_eq "$1: all is as it was" "$(agent flows_moved before after)" "0 0"
}

admin()
{
	bowtie -n "$GW" tunnel set bow0 "t$1" "$2"
}

changes()
{
	fits "before" before "1 1 1 1"
	leaves "no SA" 0 sas_del 0
	sas 0 gcm
	returns "SA again"
	leaves "admin down" 1 admin 1 down
	expect_fail "admin down: not even its peer" in_ns "$GW" ping -q -c 1 -W 1 "$(inside_peer 1)"
	admin 1 up
	returns "admin up"
	leaves "drain" 2 admin 2 drain
	expect "drain: it is over" busywait "$WAIT" tunnel_is 2 .reason drained
	expect "drain: its peer is reached, IPv4" agent ping "$GW" "$(inside_peer 2)"
	expect "drain: its peer is reached, IPv6" agent ping "$GW" "$(inside_peer 2 6)"
	admin 2 up
	returns "drain over"
	far_routes tunnel t0 tunnel t1 tunnel t2
	fits "a next hop less" after "1 1 1 0"
	only_its_own "a next hop less" before after 3
	far_routes tunnel t0 tunnel t1 tunnel t2 tunnel t3
	agent flows before lan $ALL >/dev/null
	bowtie -n "$GW" tunnel delete bow0 t3
	fits "a tunnel deleted" after "1 1 1 0"
	only_its_own "a tunnel deleted" before after 3
}

dormant()
{
	[[ $(ip -n "$GW" -o link show bow0) == *" state DORMANT "* ]]
}

nothing_left()
{
	local i
	for i in 0 1 2; do
		admin $i drain
	done
	expect "nothing left: dormant" busywait "$WAIT" dormant
	expect_counted "IPv4: counted" tx_drop_no_tunnel 3 \
		agent inject_udp lan 10.1.0.2 10.2.0.1 count=3
	expect "IPv4: host unreachable" agent await_packets host 1 proto=1 type=3 code=1
	expect_counted "IPv6: counted" tx_drop_no_tunnel 3 \
		agent inject_udp lan fd01::2 fd02::1 count=3
	expect "IPv6: address unreachable" agent await_packets host 1 proto=58 type=1 code=3
	expect "its peer is reached, IPv4" agent ping "$GW" "$(inside_peer 1)"
	expect "its peer is reached, IPv6" agent ping "$GW" "$(inside_peer 1 6)"
	sas_del 0
	busywait "$WAIT" tunnel_is 0 .oper down
	expect_counted "no SA for a peer: counted" tx_drop_no_sa 1 \
		agent inject_udp lan 10.1.0.2 "$(inside_peer 0)"
	admin 1 up
	expect "one is back: not dormant" busywait "$WAIT" not dormant
	expect "one is back: answered" agent ping "$LAN" 10.2.0.1
	expect_counted "no route" tx_drop_no_route 1 agent inject_udp bow 10.1.0.2 198.51.100.1
	expect_counted "no route, IPv6" tx_drop_no_route 1 agent inject_udp bow fd01::2 fd99::1
}

never_forwarded()
{
	local to
	for to in 224.0.0.5 239.1.1.1 255.255.255.255; do
		expect_counted "$to" tx_drop_multicast 1 agent inject_udp bow 10.1.0.2 $to
	done
	for to in ff02::5 ff0e::1 fe80::1; do
		expect_counted "$to" tx_drop_multicast 1 agent inject_udp bow fd01::2 $to
	done
}

log_init
need_module xfrm_interface esp4 esp6
need_cmd jq
agent_start lib_agent_flows
gateway 4
bowtie -n "$GW" link set bow0 idle-timer 0s
capture_start "$GW" eth0 "$TEST_TMP/ecmp.pcap"
for i in 0 1 2 3; do
	sas "$i" gcm
	agent sniff "p$i" "$PEER" "ipsec$i" >/dev/null
done
return_by 1
agent sniff host "$LAN" eth0 >/dev/null
agent injector_open lan "$LAN" eth0 "$GW" lan0 >/dev/null
agent injector_open bow "$GW" bow0 >/dev/null
busywait "$WAIT" link_is .tunnels_up 4
spread
policies
changes
nothing_left
never_forwarded
expect "the capture is complete" capture_stop "$TEST_TMP/ecmp.pcap"
assert_no_plaintext "$TEST_TMP/ecmp.pcap"
done_testing
