#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 240
#
# The packet path with ESP in UDP (NAT traversal) outside, IPv4 and IPv6. Every
# algorithm is in datapath.sh and mtu.sh. For the topology see lib_gateway.sh.

. "$(dirname "$0")/lib.sh"
. "$BOWTIE_SELFTESTS/lib_agent.sh"
. "$BOWTIE_SELFTESTS/lib_gateway.sh"
. "$BOWTIE_SELFTESTS/lib_datapath.sh"

only_udp()
{
	expect_cmp "it is UDP" "$(pcap_count "$1" -c 1 udp port 4500)" -eq 1
	expect_eq "and only UDP" "$(pcap_count "$1" -c 1 'ip proto 50 or ip6[6] = 50')" 0
}

# RFC 3948: none in IPv4; IPv6 does not allow that
checksums()
{
	only_udp "$1"
	expect_eq "no wrong UDP checksum" "$(tcpdump -n -vv -c 500 -r "$1" udp 2>/dev/null |
		grep -cE 'no cksum|bad udp cksum')" 0
}

outside()
{
	outside_begin "$1" "natt-v$1" natt
	algorithms "NAT-T, IPv$1 outside" 0.05 "gcm sha256 chacha" "${NATT[@]}"
	sas 0 gcm "${NATT[@]}"
	segmentation "NAT-T, IPv$1 outside" 0.25
	outside_end "NAT-T, IPv$1 outside" "$2"
}

log_init
need_module xfrm_interface esp4 esp6
need_cmd ethtool jq
agent_start lib_agent_tcp
outside 4 only_udp
outside 6 checksums
done_testing
