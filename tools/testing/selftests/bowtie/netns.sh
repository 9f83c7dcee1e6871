#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 150
#
# A link moves to another namespace, its underlay stays: traffic, new SAs, and the end
# of either namespace. bow0 of lib_gateway.sh moves from GW to INSIDE, with packets to
# and from the far end all the while.

. "$(dirname "$0")/lib.sh"
. "$BOWTIE_SELFTESTS/lib_agent.sh"
. "$BOWTIE_SELFTESTS/lib_gateway.sh"
. "$BOWTIE_SELFTESTS/lib_load.sh"

# inside_up NS: what bow0 loses when it moves
inside_up()
{
	ip -n "$1" -batch - <<-EOF
		link set bow0 up
		address replace $(inside_local 0)/30 dev bow0
		address replace $(inside_local 0 6)/126 dev bow0 nodad
		route replace 10.2.0.0/16 dev bow0
		route replace fd02::/16 dev bow0
	EOF
}

# carries LABEL NS
carries()
{
	expect "$1: echo, IPv4" agent ping "$2" 10.2.0.1 1200 2
	expect "$1: echo, IPv6" agent ping "$2" fd02::1 1200 2
	expect "$1: echo from the far end" agent ping "$PEER" "$(inside_local 0)" 100 2
	expect "$1: TCP" agent tcp "$2" "$PEER" 10.2.0.1 0.25
}

# The answer is a list of nothing
shows_nothing()
{
	[[ $(bowtie -n "$@" | jq length) == 0 ]]
}

nothing_in()
{
	local what
	for what in link tunnel route sa; do
		expect "$1: no $what is listed" shows_nothing "$2" -j "$what" show
	done
	expect_error "$1: it is not known by its name" "no such bowtie device" \
		bowtie -n "$2" link show bow0
}

# What of the objects may not change by moving
objects()
{
	bowtie -n "$1" -j tunnel show | jq -c '.[] | del(.since, .mtu, .ifindex)'
	bowtie -n "$1" -j route show | jq -c 'sort'
	bowtie -n "$1" -j sa show | jq -c '[.[] | [.dir, .spi, .current]] | sort'
}

moves()
{
	local before
	before=$(objects "$GW")
	expect "it moves" ip -n "$GW" link set bow0 netns "$INSIDE"
	expect_eq "tunnels, routes and SAs are the same" "$(objects "$INSIDE")" "$before"
	expect_cmp "it has SAs" "$(grep -c . <<<"$before")" -ge 3
	nothing_in "old namespace" "$GW"
	expect_output "it says that its underlay is elsewhere" '"underlay_netnsid": ?[0-9]' \
		bowtie -n "$INSIDE" -j -p link show bow0
	expect_output "so does ip(8)" 'link-netns(id)? ' ip -n "$INSIDE" -d link show bow0
	inside_up "$INSIDE" || bail "cannot configure bow0"
	carries "moved" "$INSIDE"
	expect_eq "the old namespace forwards nothing of it" "$(snmp "$GW" IpForwDatagrams)" 0
}

current_is()
{
	[[ $(bowtie -n "$INSIDE" sa show) =~ out\ .*spi\ $1\ .*current ]]
}

# The SAs are the underlay's
keys_elsewhere()
{
	local old_out=${SPI_OUT[0]} old_in=${SPI_IN[0]}
	sas 0 gcm
	expect "an SA that is new in the underlay is bound, and used after a moment" \
		busywait "$WAIT" current_is "${SPI_OUT[0]}"
	sa_pair_del "$GW" "$(outer_local 0)" "$PEER" "$(outer_peer 0)" "$old_out" "$old_in"
	carries "with new SAs" "$INSIDE"
	# One of the device's own namespace is none of ours
	sa_add "$INSIDE" "$(outer_local 0)" "$(outer_peer 0)" 0xbad 1 gcm
	expect_eq "an SA of the device's namespace is not" \
		"$(bowtie -n "$INSIDE" sa show | grep -c 0xbad)" 0
	ip -n "$GW" link set eth0 down
	expect_fail "underlay down: nothing passes" \
		in_ns "$INSIDE" ping -q -c 1 -W 1 10.2.0.1
	ip -n "$GW" link set eth0 up
	expect "underlay up: it does again" busywait "$WAIT" reachable "$INSIDE" 10.2.0.1
}

# A name that is taken there
collides()
{
	ip -n "$INSIDE" link set bow0 netns "$GW"
	ip -n "$INSIDE" link add bow0 type dummy
	inside_up "$GW" || bail "cannot configure bow0"
	expect_error "it cannot move where its name is taken" "exists" \
		ip -n "$GW" link set bow0 netns "$INSIDE"
	carries "it has stayed" "$GW"
	expect "it can by another name" ip -n "$GW" link set bow0 netns "$INSIDE" name bow7
	expect_output "which is its name now" '^[0-9]*: ?bow7' bowtie -n "$INSIDE" link show bow7
	ip -n "$INSIDE" link del bow0
	ip -n "$INSIDE" link set bow7 down
	ip -n "$INSIDE" link set bow7 name bow0
	inside_up "$INSIDE" || bail "cannot configure bow0"
	carries "moved and renamed" "$INSIDE"
}

# Made over there from here
created_elsewhere()
{
	expect "made in another namespace" \
		ip -n "$GW" link add bow1 netns "$INSIDE" type bowtie
	expect_output "its underlay is where it was asked for" '"underlay_netnsid": ?[0-9]' \
		bowtie -n "$INSIDE" -j -p link show bow1
	expect_error "if-ids are the underlay's" "another tunnel of the underlay has this if-id" \
		bowtie -n "$INSIDE" tunnel add bow1 t0 if-id 1 local 192.0.2.1 remote 192.0.2.9
	ip -n "$INSIDE" link add bow2 type bowtie
	expect "of another underlay, the same will do" \
		bowtie -n "$INSIDE" tunnel add bow2 t0 if-id 1 local 192.0.2.1 remote 192.0.2.9
	ip -n "$INSIDE" link del bow1
	ip -n "$INSIDE" link del bow2
}

# A namespace lives as long as somebody is in it: the sender inside ends with it, the
# far end's does not

# The SAs stay behind, and serve another link at once
device_namespace_goes()
{
	load_sender "$INSIDE" 0 10.2.1.1 100
	expect "packets before the device's namespace goes" busywait "$WAIT" moves_packets "$INSIDE"
	del_ns "$INSIDE"
	kill "$BG_PID"
	expect "the link goes with it: its if-id is free" busywait "$WAIT" again
	bowtie -n "$GW" -batch - <<-EOF
		route replace 10.2.0.0/16 dev bow0 tunnel t0
		route replace fd02::/16 dev bow0 tunnel t0
	EOF
	inside_up "$GW" || bail "cannot configure bow0"
	expect "a new link with the SAs that stayed" reachable "$GW" 10.2.0.1
}

again()
{
	ip -n "$GW" link show bow0 || ip -n "$GW" link add bow0 type bowtie || return
	bowtie -n "$GW" tunnel add bow0 t0 if-id 1 local "$(outer_local 0)" \
		remote "$(outer_peer 0)" inside-peer "$(inside_peer 0)" \
		inside-local "$(inside_local 0)"
}

# moves_packets NS: 100 of the senders', both ways
moves_packets()
{
	local tx rx
	{ read -r tx && read -r rx; } < <(in_ns "$1" cat \
		/sys/class/net/bow0/statistics/tx_packets /sys/class/net/bow0/statistics/rx_packets)
	((tx > 100 && rx > 100))
}

underlay_goes()
{
	setup_ns INSIDE
	expect "it moves once more" ip -n "$GW" link set bow0 netns "$INSIDE"
	inside_up "$INSIDE" || bail "cannot configure bow0"
	load_sender "$INSIDE" 0 10.2.1.1 100
	expect "packets before the underlay goes" busywait "$WAIT" moves_packets "$INSIDE"
	del_ns "$GW"
	expect "the link goes with its underlay" \
		busywait_fail "$WAIT" ip -n "$INSIDE" link show bow0
	nothing_in "the underlay is gone" "$INSIDE"
	load_stop
	del_ns "$INSIDE"
	leaks_end "both gone"
}

log_init
need_module xfrm_interface esp4 esp6 veth dummy
need_cmd flows taskset jq nstat
leaks_begin
gateway 1
setup_ns INSIDE
# Not a router: what it forwards would not have gone through bow0
in_ns "$GW" sysctl -q -w net.ipv4.ip_forward=0
sas 0 gcm
far_routes tunnel t0
ip -n "$PEER" route add 10.1.1.0/24 via "$(inside_local 0)"
capture_start "$GW" eth0 "$TEST_TMP/underlay.pcap"
agent_start lib_agent_tcp
carries "at home" "$GW"
moves
keys_elsewhere
collides
created_elsewhere
expect "the capture is complete" capture_stop "$TEST_TMP/underlay.pcap"
assert_no_plaintext "$TEST_TMP/underlay.pcap"
# The agent holds the namespaces that it has been in
stop "$AGENT_PID"
load_sender "$PEER" 1 "$(inside_local 0)" 100
device_namespace_goes
underlay_goes
done_testing
