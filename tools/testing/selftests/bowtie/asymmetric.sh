#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 120
#
# Out by one tunnel, back by another: reverse path filter, connection tracking and a
# firewall see one interface, and yet can tell the tunnels apart by their marks. For the
# topology see lib_gateway.sh; out by t0, back by t1.

. "$(dirname "$0")/lib.sh"
. "$BOWTIE_SELFTESTS/lib_agent.sh"
. "$BOWTIE_SELFTESTS/lib_gateway.sh"

firewall()
{
	in_ns "$GW" nft -f - <<-EOF || bail "cannot load the firewall"
		table inet fw {
			counter from_t0 { }
			counter from_t1 { }
			counter no_mark { }
			counter refused { }
			chain early {
				type filter hook prerouting priority raw
				iifname bow0 meta mark 0x10 counter name from_t0
				iifname bow0 meta mark 0x20 counter name from_t1
				iifname bow0 meta mark 0 counter name no_mark
			}
			chain forward {
				type filter hook forward priority filter; policy drop
				ct state established,related accept
				iifname lan0 oifname bow0 ct state new accept
				counter name refused
			}
		}
	EOF
	# The first matching packet after the rules: conntrack is at work
	in_ns "$GW" sysctl -q -w net.netfilter.nf_conntrack_tcp_be_liberal=0 \
		net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.bow0.rp_filter=1 \
		net.ipv4.conf.lan0.rp_filter=1
}

# nft_packets COUNTER
nft_packets()
{
	in_ns "$GW" nft -j list counter inet fw "$1" | jq '.nftables[].counter? // empty | .packets'
}

both_ways()
{
	expect "$1: echo, IPv4" agent ping "$LAN" 10.2.0.1 100 5
	expect "$1: echo, IPv6" agent ping "$LAN" fd02::1 100 5
	expect "$1: TCP, IPv4" agent tcp "$LAN" "$PEER" 10.2.0.1 0.1
	expect "$1: TCP, IPv6" agent tcp "$LAN" "$PEER" fd02::1 0.1
}

# stats: packets out by t0, in by t0, out by t1, in by t1
stats()
{
	bowtie -n "$GW" -j -s tunnel show bow0 |
		jq -r '[.[].stats | .tx_packets // 0, .rx_packets // 0] | join(" ")'
}

# Answers are let in, questions are not
unsolicited()
{
	local before
	before=$(nft_packets refused)
	agent sniff host "$LAN" eth0 >/dev/null
	agent inject_udp far1 10.2.0.1 10.1.0.2 count=5 >/dev/null
	agent inject_udp far1 fd02::1 fd01::2 count=5 >/dev/null
	expect "unsolicited packets are refused" busywait "$WAIT" refused_are $((before + 10))
	expect_eq "and reach no host" "$(agent seen host proto=17)" 0
}

refused_are()
{
	[[ $(nft_packets refused) == "$1" ]]
}

# rp_filter is at work: who should be in the LAN cannot come out of a tunnel
spoofed_lan()
{
	local before
	before=$(snmp "$GW" TcpExtIPReversePathFilter)
	agent inject_udp far1 10.1.0.77 10.1.0.2 count=3 >/dev/null
	expect "rp_filter refuses addresses of the LAN" busywait "$WAIT" rp_filtered $((before + 3))
}

rp_filtered()
{
	[[ $(snmp "$GW" TcpExtIPReversePathFilter) == "$1" ]]
}

log_init
need_module xfrm_interface esp4 esp6
need_cmd jq nft
agent_start lib_agent_tcp
gateway 2
capture_start "$GW" eth0 "$TEST_TMP/asymmetric.pcap"
sas 0 gcm
sas 1 gcm
far_routes tunnel t0
return_by 1
firewall
agent injector_open far1 "$PEER" ipsec1 >/dev/null

both_ways "out by t0, back by t1"
read -r out0 in0 out1 in1 <<<"$(stats)"
expect_cmp "t0 carried what went out" "$out0" -gt 20
expect_cmp "t1 carried what came back" "$in1" -gt 20
expect_eq "and neither the other" "$in0 $out1" "0 0"
expect_cmp "no mark unless asked for" "$(nft_packets no_mark)" -gt 20
unsolicited
spoofed_lan

bowtie -n "$GW" tunnel set bow0 t0 mark 0x10
bowtie -n "$GW" tunnel set bow0 t1 mark 0x20
both_ways "with marks"
expect_cmp "the firewall knows t1 by its mark" "$(nft_packets from_t1)" -gt 20
expect_eq "none was taken for t0's" "$(nft_packets from_t0)" 0
return_by 0
expect "back by t0: echo, IPv4" agent ping "$LAN" 10.2.0.1 100 5
expect "back by t0: echo, IPv6" agent ping "$LAN" fd02::1 100 5
expect_eq "the firewall knows t0 by its mark" "$(nft_packets from_t0)" 10
expect "a rule for one tunnel" in_ns "$GW" nft insert rule inet fw forward meta mark 0x10 drop
expect_fail "stops what comes by it" in_ns "$LAN" ping -q -c 1 -W 1 10.2.0.1
return_by 1
expect "and nothing else" agent ping "$LAN" 10.2.0.1
expect "the capture is complete" capture_stop "$TEST_TMP/asymmetric.pcap"
assert_no_plaintext "$TEST_TMP/asymmetric.pcap"
done_testing
