#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 600
#
# The packet path with ESP in UDP (NAT traversal) outside, IPv4 and IPv6, by both ESP
# paths. Every algorithm is in datapath.sh and mtu.sh. For the topology see lib_gateway.sh.

. "$(dirname "$0")/lib.sh"
. "$BOWTIE_SELFTESTS/lib_agent.sh"
. "$BOWTIE_SELFTESTS/lib_gateway.sh"
. "$BOWTIE_SELFTESTS/lib_trace.sh"
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
	local label="$ESP_MODE, NAT-T, IPv$1 outside"
	outside_begin "$1" "natt-$ESP_MODE-v$1" natt
	algorithms "$label" 0.03 "sha256 chacha" "${NATT[@]}"
	algorithms "$label, ESN" 0.03 "gcm sha1" "${NATT[@]}" flag esn
	sas 0 gcm "${NATT[@]}"
	segmentation "$label" 0.1
	outside_end "$label" "$2"
}

log_init
need_module xfrm_interface esp4 esp6
need_cmd ethtool jq
agent_start lib_agent_tcp
paths_begin
for ESP_MODE in xfrm fast; do
	outside 4 only_udp
	outside 6 checksums
done
done_testing
