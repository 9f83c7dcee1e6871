#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 150
#
# What must not pass: other peers' addresses, traffic that no selector admits, loops; and
# plaintext towards the underlay, whatever is missing. For the topology see
# lib_gateway.sh; two tunnels.

. "$(dirname "$0")/lib.sh"
. "$BOWTIE_SELFTESTS/lib_agent.sh"
. "$BOWTIE_SELFTESTS/lib_gateway.sh"

set_t0()
{
	bowtie -n "$GW" tunnel set bow0 t0 "$@" || bail "cannot set $*"
}

# arrives NAME INJECTOR SRC DST SNIFFER [WORDS...]
arrives()
{
	agent forget "$5" >/dev/null
	agent inject_udp "$2" "$3" "$4" sport=$((++SPORT)) "${@:6}" >/dev/null
	expect "$1" agent await_packets "$5" 1 proto=17 "src=$3" sport=$SPORT
}
SPORT=9000

spoofed()
{
	local i
	for i in 4 6; do
		local lan=10.1.0.2
		[[ $i == 4 ]] || lan=fd01::2
		expect_counted "IPv$i: another tunnel's peer" rx_drop_spoofed 1 \
			agent inject_udp far0 "$(inside_peer 1 $i)" $lan
		expect_counted "IPv$i: an address of ours" rx_drop_spoofed 1 \
			agent inject_udp far0 "$(inside_local 0 $i)" $lan
		expect_counted "IPv$i: an address of ours, of another tunnel" rx_drop_spoofed 1 \
			agent inject_udp far0 "$(inside_local 1 $i)" $lan
		arrives "IPv$i: its own peer may" far0 "$(inside_peer 0 $i)" $lan host
	done
	expect_eq "none of the others reached a host" "$(agent seen host src="$(inside_peer 1)")" 0
}

selectors()
{
	set_t0 selector 10.1.0.0/24 10.2.0.0/16 selector fd01::/64 fd02::/16
	arrives "selectors: IPv4 out" lan 10.1.0.2 10.2.1.1 p0
	arrives "selectors: IPv6 out" lan fd01::2 fd02:1::1 p0
	arrives "selectors: IPv4 in" far0 10.2.1.1 10.1.0.2 host
	arrives "selectors: IPv6 in" far0 fd02:1::1 fd01::2 host
	expect_counted "our side, out" tx_drop_selector 1 agent inject_udp lan 10.1.9.9 10.2.1.1
	expect_counted "our side, out, IPv6" tx_drop_selector 1 agent inject_udp lan fd09::9 fd02:1::1
	expect_counted "their side, in" rx_drop_selector 1 agent inject_udp far0 10.9.1.1 10.1.0.2
	expect_counted "their side, in, IPv6" rx_drop_selector 1 agent inject_udp far0 fd09::1 fd01::2
	expect_counted "our side, in" rx_drop_selector 1 agent inject_udp far0 10.2.1.1 10.1.9.9
	set_t0 selector 10.1.0.0/24 10.2.0.0/16
	expect_counted "the other family, out" tx_drop_selector 1 agent inject_udp lan fd01::2 fd02:1::1
	expect_counted "the other family, in" rx_drop_selector 1 agent inject_udp far0 fd02:1::1 fd01::2
	set_t0 selector none
	bowtie -n "$GW" link set bow0 strict-source on
	expect_counted "strict-source: no route back" rx_drop_no_route 1 \
		agent inject_udp far0 10.9.1.1 10.1.0.2
	expect_counted "strict-source: no route back, IPv6" rx_drop_no_route 1 \
		agent inject_udp far0 fd09::1 fd01::2
	arrives "strict-source: a route back" far0 10.2.1.1 10.1.0.2 host
	bowtie -n "$GW" link set bow0 strict-source off
	arrives "no strict-source: from anywhere" far0 10.9.1.1 10.1.0.2 host
}

# Those that whoever installed the SA has given it
sa_selectors()
{
	local us them
	us=$(outer_local 0) them=$(outer_peer 0)
	sas_del 0
	sa_new_spi "SPI_OUT[0]"
	sa_new_spi "SPI_IN[0]"
	sa_add "$PEER" "$us" "$them" "${SPI_OUT[0]}" 101 gcm replay-window 1024
	sa_add "$PEER" "$them" "$us" "${SPI_IN[0]}" 101 gcm replay-window 1024
	sa_add "$GW" "$them" "$us" "${SPI_IN[0]}" 1 gcm replay-window 1024 \
		sel src 10.2.1.0/24 dst 10.1.0.0/24
	sa_add "$GW" "$us" "$them" "${SPI_OUT[0]}" 1 gcm replay-window 1024 \
		sel src 10.1.0.0/24 dst 10.2.1.0/24
	arrives "the SA's selector: out" lan 10.1.0.2 10.2.1.1 p0
	arrives "the SA's selector: in" far0 10.2.1.1 10.1.0.2 host
	expect_counted "not admitted by the SA, out" tx_drop_selector 1 \
		agent inject_udp lan 10.1.0.2 10.2.2.1
	expect_counted "not admitted by the SA, in" rx_drop_selector 1 \
		agent inject_udp far0 10.2.2.1 10.1.0.2
	expect_counted "the other family, out" tx_drop_selector 1 \
		agent inject_udp lan fd01::2 fd02:1::1
	sas_del 0
	sas 0 gcm
}

hairpin()
{
	expect_counted "hairpin, IPv4" tx_drop_hairpin 1 agent inject_udp far1 10.2.7.1 10.2.1.1
	# IPv6 asks for a route through the interface even where none is needed; two hops,
	# as by this route the packet would come back again and again
	ip -n "$PEER" route add fd02:8::/64 dev ipsec1
	expect_counted "hairpin, IPv6" tx_drop_hairpin 1 \
		agent inject_udp far1 fd02:7::1 fd02:8::1 hops=2
	bowtie -n "$GW" link set bow0 hairpin on
	arrives "hairpin allowed: IPv4" far1 10.2.7.1 10.2.1.1 p0
	arrives "hairpin allowed: IPv6" far1 fd02:7::1 fd02:8::1 p0 hops=2
	bowtie -n "$GW" link set bow0 hairpin off
}

# underlay_into_bow0: the way to the peers, in the main table
underlay_into_bow0()
{
	ip -n "$GW" -batch - <<-EOF
		route add 192.0.2.2/32 dev bow0 src 192.0.2.1
		route add 192.0.2.3/32 dev bow0 src 192.0.2.1
	EOF
	bowtie -n "$GW" route add 192.0.2.0/24 dev bow0 tunnel t0
}

loop()
{
	underlay_into_bow0
	expect_counted "loop: IPv4" tx_drop_loop 2 agent inject_udp lan 10.1.0.2 10.2.1.1 count=2
	expect_counted "loop: IPv6" tx_drop_loop 2 agent inject_udp lan fd01::2 fd02:1::1 count=2
	ip -n "$GW" -batch - <<-EOF
		rule add fwmark 7 lookup 100
		route add 192.0.2.0/24 dev eth0 table 100
	EOF
	expect_counted "loop: the mark has to be set" tx_drop_loop 1 \
		agent inject_udp lan 10.1.0.2 10.2.1.1
	bowtie -n "$GW" link set bow0 fwmark 7
	arrives "fwmark: IPv4" lan 10.1.0.2 10.2.1.1 p0
	arrives "fwmark: IPv6" lan fd01::2 fd02:1::1 p0
	expect "fwmark: answered" agent ping "$LAN" 10.2.0.1
	bowtie -n "$GW" link set bow0 fwmark 0
	expect_counted "loop: the mark is gone" tx_drop_loop 1 agent inject_udp lan 10.1.0.2 10.2.1.1
	bowtie -n "$GW" route delete 192.0.2.0/24 dev bow0
	ip -n "$GW" -batch - <<-EOF
		rule delete fwmark 7 lookup 100
		route delete 192.0.2.2/32 dev bow0
		route delete 192.0.2.3/32 dev bow0
	EOF
	arrives "the way is straight again" lan 10.1.0.2 10.2.1.1 p0
}

# Policies of the host's own. On IPv4 they are not applied; on IPv6 they are.
policies()
{
	ip -n "$GW" -batch - <<-EOF || bail "cannot add policies"
		xfrm policy add src 10.1.0.0/16 dst 10.2.0.0/16 dir out action block
		xfrm policy add src fd01::/16 dst fd02::/16 dir out action block
	EOF
	arrives "a policy to block: not for IPv4" lan 10.1.0.2 10.2.1.1 p0
	agent inject_udp lan fd01::2 fd02:1::1 sport=999 count=5 >/dev/null
	arrives "and packets go on" lan 10.1.0.2 10.2.1.1 p0
	expect_eq "a policy to block: for IPv6" "$(agent seen p0 sport=999)" 0
	ip -n "$GW" xfrm policy flush
	arrives "no policy: IPv6" lan fd01::2 fd02:1::1 p0
}

# while_it_flows NAME CMD...: CMD in the middle of traffic
while_it_flows()
{
	local name=$1
	shift
	{
		busywait 10 sent_more 50 && "$@"
	} &
	agent inject_udp lan 10.1.0.2 10.2.1.1 count=1500 >/dev/null
	agent inject_udp lan fd01::2 fd02:1::1 count=1500 >/dev/null
	wait $!
	result $? "$name"
}

sent_more()
{
	(($(dev_stat "$GW" bow0 tx_packets) > SENT + $1))
}

missing()
{
	local none
	expect_counted "no route of the link" tx_drop_no_route 1 agent inject_udp bow 10.1.0.2 172.16.1.1
	SENT=$(dev_stat "$GW" bow0 tx_packets)
	while_it_flows "SA deleted under traffic" sas_del 0
	expect_counted "no SA" tx_drop_no_tunnel 2 agent inject_udp lan 10.1.0.2 10.2.1.1 count=2
	expect_counted "no SA for a peer" tx_drop_no_sa 2 \
		agent inject_udp lan 10.1.0.2 "$(inside_peer 0)" count=2
	sas 0 gcm
	busywait "$WAIT" tunnel_is 0 .oper up
	SENT=$(dev_stat "$GW" bow0 tx_packets)
	while_it_flows "all states flushed under traffic" ip -n "$GW" xfrm state flush
	sas 0 gcm
	busywait "$WAIT" tunnel_is 0 .oper up
	ip -n "$GW" route add blackhole 192.0.2.2/32
	expect_counted "no way to the peer" tx_drop_no_underlay 2 \
		agent inject_udp lan 10.1.0.2 10.2.1.1 count=2
	ip -n "$GW" route delete blackhole 192.0.2.2/32
	arrives "the way is back" lan 10.1.0.2 10.2.1.1 p0
	set_t0 admin down
	expect_counted "admin down" tx_drop_no_tunnel 2 agent inject_udp lan 10.1.0.2 10.2.1.1 count=2
	set_t0 admin up
	SENT=$(dev_stat "$GW" bow0 tx_packets)
	while_it_flows "tunnel deleted under traffic" bowtie -n "$GW" tunnel delete bow0 t0
	expect_counted "no tunnel" tx_drop_no_route 2 agent inject_udp lan 10.1.0.2 10.2.1.1 count=2
	far_routes tunnel t1
	sas 1 gcm
	busywait "$WAIT" tunnel_is 1 .oper up
	SENT=$(dev_stat "$GW" bow0 tx_packets)
	while_it_flows "device down under traffic" ip -n "$GW" link set bow0 down
	# Out of the tunnel, too, nothing comes
	none=$(agent counter "$GW" bow0 rx_drop_down)
	agent inject_udp far1 10.2.1.1 10.1.0.2 count=3 >/dev/null
	expect "device down: nothing comes in" agent await_counter "$GW" bow0 rx_drop_down $((none + 3))
	ip -n "$GW" link set bow0 up
	far_routes tunnel t1
	SENT=$(dev_stat "$GW" bow0 tx_packets)
	while_it_flows "device deleted under traffic" ip -n "$GW" link delete bow0
}

log_init
need_module xfrm_interface esp4 esp6
need_cmd jq
agent_start
gateway 2
capture_start "$GW" eth0 "$TEST_TMP/security.pcap"
sas 0 gcm
sas 1 gcm
far_routes tunnel t0
busywait "$WAIT" tunnel_is 0 .oper up
agent sniff host "$LAN" eth0 >/dev/null
agent sniff p0 "$PEER" ipsec0 >/dev/null
agent injector_open lan "$LAN" eth0 "$GW" lan0 >/dev/null
agent injector_open bow "$GW" bow0 >/dev/null
agent injector_open far0 "$PEER" ipsec0 >/dev/null
agent injector_open far1 "$PEER" ipsec1 >/dev/null
spoofed
selectors
sa_selectors
hairpin
loop
policies
missing
expect "the capture is complete" capture_stop "$TEST_TMP/security.pcap"
assert_no_plaintext "$TEST_TMP/security.pcap"
done_testing
