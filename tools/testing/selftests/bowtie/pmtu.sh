#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 150
#
# A router with a smaller MTU on the way: the tunnel learns of it by the router's ICMP
# errors about ESP, tells the hosts inside, and forgets it after a while. The topology of
# lib_gateway.sh, and beside its direct link:
#
#	GW  wan0 198.51.100.1, 2001:db8:1::1
#	     |
#	    wan0 198.51.100.2, 2001:db8:1::2
#	R   far0 203.0.113.2, 2001:db8:2::2		its MTU is small
#	     |
#	PEER wan0 203.0.113.1, 2001:db8:2::1

. "$(dirname "$0")/lib.sh"
. "$BOWTIE_SELFTESTS/lib_agent.sh"
. "$BOWTIE_SELFTESTS/lib_gateway.sh"

router()
{
	setup_ns R
	forwarding "$R"
	veth "$GW" wan0 198.51.100.1/24,2001:db8:1::1/64 "$R" wan0 198.51.100.2/24,2001:db8:1::2/64
	veth "$R" far0 203.0.113.2/24,2001:db8:2::2/64 "$PEER" wan0 203.0.113.1/24,2001:db8:2::1/64
	ip -n "$GW" -batch - <<-EOF
		route add 192.0.2.2/32 via 198.51.100.2 src 192.0.2.1
		route add 2001:db8::2/128 via 2001:db8:1::2 src 2001:db8::1
	EOF
	ip -n "$PEER" -batch - <<-EOF
		route add 192.0.2.1/32 via 203.0.113.2 src 192.0.2.2
		route add 2001:db8::1/128 via 2001:db8:2::2 src 2001:db8::2
	EOF
	ip -n "$R" -batch - <<-EOF
		route add 192.0.2.1/32 via 198.51.100.1
		route add 192.0.2.2/32 via 203.0.113.1
		route add 2001:db8::1/128 via 2001:db8:1::1
		route add 2001:db8::2/128 via 2001:db8:2::1
	EOF
	guard_begin "$GW" wan0 198.51.100.2
}

# path_mtu BYTES: of the link behind the router
path_mtu()
{
	ip -n "$R" link set far0 mtu "$1"
	ip -n "$PEER" link set wan0 mtu "$1"
}

# expires SECONDS: how long a learned path MTU holds
expires()
{
	in_ns "$GW" sysctl -q -w "net.ipv4.route.mtu_expires=$1" "net.ipv6.route.mtu_expires=$1"
}

# too_big FAMILY BYTES: a packet of that size leaves, is lost, and the tunnel learns
too_big()
{
	if [[ $1 == 4 ]]; then
		agent inject_udp lan 10.1.0.2 10.2.1.1 size="$2" frag=0x4000
	else
		agent inject_udp lan fd01::2 fd02:1::1 size="$2"
	fi >/dev/null
}

# learns LABEL FAMILY PATH SMALL MTU: by the router's error, that it is not MTU but SMALL
learns()
{
	expect "$1: at first the tunnel has the MTU of the device" busywait "$WAIT" tunnel_is 0 .mtu "$5"
	path_mtu "$3"
	too_big "$2" "$5"
	expect "$1: learned" busywait "$WAIT" tunnel_is 0 .mtu "$4"
	expect "$1: the device follows" busywait "$WAIT" link_is .mtu "$4"
	expect "$1: told to an IPv4 host" agent mtu_check lan far out host 10.1.0.2 10.2.1.1 "$4" \
		"$OUTER" "$3"
	expect "$1: told to an IPv6 host" agent mtu_check lan far out host fd01::2 fd02:1::1 "$4" \
		"$OUTER" "$3"
	expect "$1: fragmented to fit" agent fragments_inside lan far out 10.1.0.2 10.2.1.1 1500 \
		"$4" "$OUTER"
	expect_output "$1: the segment size fits" "^$(($4 - 52)) " agent connect "$LAN" "$PEER" 10.2.0.1
}

# forgotten MTU: the next packet finds the MTU to be that again
forgotten()
{
	agent ping "$GW" "$(inside_peer 0)" >/dev/null
	echo "it is $(tunnel_field 0 .mtu); $(ip -n "$GW" route get "$OUTER")"
	tunnel_is 0 .mtu "$1"
}

# forgets LABEL FAMILY PATH MTU
forgets()
{
	expires 2
	path_mtu 1500
	# The lifetime is that of the time when it is learned, here for the first time
	ip -n "$GW" route flush cache
	ip -n "$GW" -6 route flush cache
	forge "$2" "$3"
	expect "$1: forgotten in time" busywait "$WAIT" forgotten "$4"
	expires 600
}

# forge FAMILY PATH: the router's error, also when no packet is too big any more
forge()
{
	agent esp_too_big router "$1" "$OUTER_LOCAL" "$OUTER" "$2" "${SPI_OUT[0]}" >/dev/null
}

outside()
{
	local mtu=1446 small=1346 path=1400
	[[ $1 == 4 ]] || mtu=1426 small=1326
	gateway 1 "$1"
	OUTER=$(outer_peer 0) OUTER_LOCAL=$(outer_local 0)
	router
	sas 0 gcm
	far_routes tunnel t0
	PCAP=$TEST_TMP/pmtu-v$1.pcap
	capture_start "$GW" wan0 "$PCAP"
	agent injector_open lan "$LAN" eth0 "$GW" lan0 >/dev/null
	agent injector_open router "$R" wan0 "$GW" wan0 >/dev/null
	agent sniff out "$GW" wan0 both=1 >/dev/null
	agent sniff host "$LAN" eth0 >/dev/null
	agent sniff far "$PEER" ipsec0 >/dev/null
	learns "IPv$1 outside" "$1" $path $small $mtu
	forgets "IPv$1 outside" "$1" $path $mtu
	hostile "$1" $mtu

	bowtie -n "$GW" link set bow0 fwmark 7
	learns "IPv$1 outside, fwmark" "$1" $path $small $mtu
	expect "the capture is complete" capture_stop "$PCAP"
	assert_no_plaintext "$PCAP"
	agent release "$LAN" "$GW" "$PEER" "$R" >/dev/null
	del_ns "$LAN" "$GW" "$PEER" "$R"
}

# hostile FAMILY MTU: errors that must change nothing, or not much
hostile()
{
	local least=$((552 - 54))
	[[ $1 == 4 ]] || least=$((1280 - 74))
	agent esp_too_big router "$1" "$OUTER_LOCAL" "$OUTER" 1000 0xdead >/dev/null
	agent esp_too_big router "$1" "$OUTER_LOCAL" "$OUTER" 1000 "${SPI_IN[0]}" >/dev/null
	agent ping "$GW" "$(inside_peer 0)" >/dev/null
	expect_eq "IPv$1 outside: only of our outbound SA" "$(tunnel_field 0 .mtu)" "$2"
	expires 1
	forge "$1" 68
	expect "IPv$1 outside: not less than protocols guarantee" \
		busywait "$WAIT" tunnel_is 0 .mtu $least
	expect "IPv$1 outside: and not for long" busywait "$WAIT" forgotten "$2"
	expires 600
}

log_init
need_module xfrm_interface esp4 esp6
need_cmd jq
agent_start lib_agent_mtu lib_agent_tcp
outside 4
outside 6
done_testing
