#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 120
#
# The clamp of the segment size in TCP's SYN: automatic, by a number, off; both
# directions, both families, options in odd places and broken ones. For the topology see
# lib_gateway.sh.

. "$(dirname "$0")/lib.sh"
. "$BOWTIE_SELFTESTS/lib_agent.sh"
. "$BOWTIE_SELFTESTS/lib_gateway.sh"

# Options of a SYN as hex digits: kind 2, length 4, value
readonly MSS1460=020405b4 MSS536=02040218
SPORT=30000

# syn NAME DIR FAMILY OPTIONS WORDS...: a SYN with these OPTIONS comes out as WORDS tell
syn()
{
	local name=$1 dir=$2 family=$3 opts=$4 lan=10.1.0.2 far=10.2.1.1
	shift 4
	((++SPORT))
	[[ $family == 4 ]] || lan=fd01::2 far=fd02:1::1
	if [[ $dir == out ]]; then
		agent inject_syn lan $lan $far "$opts" sport=$SPORT "flags=$FLAGS" >/dev/null
	else
		agent inject_syn far $far $lan "$opts" sport=$SPORT "flags=$FLAGS" >/dev/null
	fi
	expect "$name" agent await_packets "$dir" 1 proto=6 sport=$SPORT csum=ok "$@"
}

# clamped NAME MSS4 MSS6: in both directions, SYN and SYN with ACK
clamped()
{
	local dir FLAGS
	for dir in out in; do
		for FLAGS in 2 18; do
			syn "$1: IPv4, $dir, flags $FLAGS" $dir 4 $MSS1460 mss="$2"
			syn "$1: IPv6, $dir, flags $FLAGS" $dir 6 $MSS1460 mss="$3"
		done
	done
}

mss()
{
	bowtie -n "$GW" tunnel set bow0 t0 mss "$1"
}

# Options that have no MSS which could be read, or none that has to change
left_alone()
{
	local dir FLAGS=2 opts
	for dir in out in; do
		syn "$dir: a smaller one stays" $dir 4 $MSS536 mss=536
		syn "$dir: none is not added" $dir 4 - mss=None
		for opts in 02 0204 0203ff 020505b400 0200ffff 02ff05b4 0300 01010102 00020405b4; do
			syn "$dir: broken or hidden: $opts" $dir 4 $opts "options=$(padded $opts)"
			syn "$dir: broken or hidden: $opts, IPv6" $dir 6 $opts "options=$(padded $opts)"
		done
		FLAGS=16
		syn "$dir: no SYN, no change" $dir 4 $MSS1460 mss=1460
		FLAGS=2
	done
}

# padded HEX: to whole words
padded()
{
	local hex=$1
	while ((${#hex} % 8)); do
		hex+=00
	done
	echo "$hex"
}

behind_others()
{
	local dir FLAGS=2
	for dir in out in; do
		syn "$dir: behind a NOP" $dir 4 01${MSS1460}010101 mss=1406
		syn "$dir: behind a NOP, IPv6" $dir 6 01${MSS1460}010101 mss=1386
		syn "$dir: behind others" $dir 4 0402080a0000000100000000${MSS1460}0303070101 mss=1406
		syn "$dir: the last of 40 bytes" $dir 4 "$(printf '01%.0s' {1..36})$MSS1460" mss=1406
	done
}

log_init
need_module xfrm_interface esp4 esp6
need_cmd jq
agent_start lib_agent_tcp
gateway 1
far_routes tunnel t0
sas 0 gcm
capture_start "$GW" eth0 "$TEST_TMP/mss.pcap"
agent sniff out "$PEER" ipsec0 >/dev/null
agent sniff in "$LAN" eth0 >/dev/null
agent injector_open lan "$LAN" eth0 "$GW" lan0 >/dev/null
agent injector_open far "$PEER" ipsec0 >/dev/null

clamped "auto" 1406 1386
expect_eq "all were counted" \
	"$(agent counter "$GW" bow0 tx_mss_clamped) $(agent counter "$GW" bow0 rx_mss_clamped)" "4 4"
mss 1000
clamped "1000" 1000 1000
mss 48
clamped "48" 48 48
mss off
clamped "off" 1460 1460
mss auto
left_alone
expect_eq "none of those was counted" \
	"$(agent counter "$GW" bow0 tx_mss_clamped) $(agent counter "$GW" bow0 rx_mss_clamped)" "12 12"
behind_others
# 12 bytes go to timestamps
expect_output "a connection, IPv4" "^1394 1394" agent connect "$LAN" "$PEER" 10.2.0.1
expect_output "a connection, IPv6" "^1374 1374" agent connect "$PEER" "$LAN" fd01::2
expect "the capture is complete" capture_stop "$TEST_TMP/mss.pcap"
assert_no_plaintext "$TEST_TMP/mss.pcap"
done_testing
