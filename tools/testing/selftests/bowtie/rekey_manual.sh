#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 150
#
# SAs replaced by hand, as a keying daemon does it, while packets flow both ways: not one
# may be lost. For the topology see lib_gateway.sh.

. "$(dirname "$0")/lib.sh"
. "$BOWTIE_SELFTESTS/lib_agent.sh"
. "$BOWTIE_SELFTESTS/lib_gateway.sh"

traffic_start()
{
	agent stream_start out "$LAN" eth0 "$GW" lan0 "$PEER" ipsec0 10.1.0.2 10.2.1.1
	agent stream_start out6 "$LAN" eth0 "$GW" lan0 "$PEER" ipsec0 fd01::2 fd02:1::1
	agent stream_start in "$PEER" ipsec0 - - "$LAN" eth0 10.2.1.1 10.1.0.2
	agent stream_start in6 "$PEER" ipsec0 - - "$LAN" eth0 fd02:1::1 fd01::2
} >/dev/null

# for_a_while: some packets of each stream
for_a_while()
{
	local name
	for name in out in6; do
		agent stream_wait $name 12 >/dev/null
	done
}

traffic_stop()
{
	local name result
	for name in out out6 in in6; do
		result=$(agent stream_stop $name)
		diag "$1, $name: lost, doubled, sent: $result"
		expect_eq "$1, $name: no packet was lost or doubled" "${result% *}" "0 0"
	done
}

# grows NAME NS SPI: this SA carries packets, now or after the moment for which an
# outbound SA may wait for its peer to have it, too
grows()
{
	expect "$1" busywait "$WAIT" more_than "$2" "$3" "$(sa_packets "$2" "$3")"
}

more_than()
{
	(($(sa_packets "$1" "$2") > $3 + 3))
}

# rests NAME NS SPI: this SA carries none
rests()
{
	local before
	before=$(sa_packets "$2" "$3")
	for_a_while
	expect_eq "$1" "$(sa_packets "$2" "$3")" "$before"
}

current()
{
	[[ $(bowtie -n "$GW" -j sa show dev bow0 | jq -r '.[] | select(.current) | .spi') == "$1" ]]
}

# rekey LABEL ALG [WORDS...]: step by step, as the one that begins it does
rekey()
{
	local label=$1 alg=$2 us them old_out=${SPI_OUT[0]} old_in=${SPI_IN[0]}
	shift 2
	us=$(outer_local 0) them=$(outer_peer 0)
	sa_new_spi "SPI_OUT[0]"
	sa_new_spi "SPI_IN[0]"
	sa_add "$PEER" "$us" "$them" "${SPI_OUT[0]}" 101 "$alg" replay-window 1024 "$@"
	sa_add "$GW" "$them" "$us" "${SPI_IN[0]}" 1 "$alg" replay-window 1024 "$@"
	rests "$label: nothing on the new SA yet" "$PEER" "${SPI_OUT[0]}"
	sa_add "$GW" "$us" "$them" "${SPI_OUT[0]}" 1 "$alg" replay-window 1024 "$@"
	grows "$label: the newest outbound is used" "$PEER" "${SPI_OUT[0]}"
	rests "$label: the older outbound no more" "$GW" "$old_out"
	grows "$label: the older inbound is still accepted" "$GW" "$old_in"
	sa_add "$PEER" "$them" "$us" "${SPI_IN[0]}" 101 "$alg" replay-window 1024 "$@"
	grows "$label: the newer inbound is accepted" "$GW" "${SPI_IN[0]}"
	for_a_while
	sa_pair_del "$GW" "$us" "$PEER" "$them" "$old_out" "$old_in"
	for_a_while
}

# Without its newest outbound SA the tunnel takes the older one, if it is still there
falls_back()
{
	local older=${SPI_OUT[0]} older_in=${SPI_IN[0]}
	sas 0 gcm
	grows "$1: the newest outbound is used" "$PEER" "${SPI_OUT[0]}"
	sa_del "$GW" "$(outer_local 0)" "$(outer_peer 0)" "${SPI_OUT[0]}"
	grows "$1: deleted, the older one takes over" "$PEER" "$older"
	expect "$1: and is the current one" busywait "$WAIT" current "$older"
	SPI_OUT[0]=$older
	SPI_IN[0]=$older_in
}

# outside FAMILY ALG [WORDS...]: from gcm to that
outside()
{
	local label="IPv$1 outside" old_out old_in
	gateway 1 "$1"
	PCAP=$TEST_TMP/rekey-v$1.pcap
	capture_start "$GW" eth0 "$PCAP"
	sas 0 gcm
	far_routes tunnel t0
	traffic_start
	rekey "$label, gcm to $2" "${@:2}"
	falls_back "$label"
	# Simultaneous rekeying: a second pair, and the first of the two goes
	old_out=${SPI_OUT[0]} old_in=${SPI_IN[0]}
	sas 0 gcm
	for_a_while
	sa_pair_del "$GW" "$(outer_local 0)" "$PEER" "$(outer_peer 0)" "$old_out" "$old_in"
	for_a_while
	traffic_stop "$label"
	expect_eq "$label: the state never changed" "$(tunnel_field 0 .transitions)" 1
	expect "$label: the capture is complete" capture_stop "$PCAP"
	assert_no_plaintext "$PCAP"
	agent release "$LAN" "$GW" "$PEER" >/dev/null
	del_ns "$LAN" "$GW" "$PEER"
}

log_init
need_module xfrm_interface esp4 esp6
need_cmd jq
agent_start lib_agent_stream
outside 4 gcm
outside 6 sha256 flag esn
done_testing
