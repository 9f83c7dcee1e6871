#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 120
#
# ESP that nobody would send: replayed, cut short, with a wrong sum, for no SA, with
# nonsense inside. It is counted and does no harm. And ESP that is no business of ours is
# left to whom it belongs. For the topology see lib_gateway.sh.

. "$(dirname "$0")/lib.sh"
. "$BOWTIE_SELFTESTS/lib_agent.sh"
. "$BOWTIE_SELFTESTS/lib_gateway.sh"

# esp SEQ WORDS...: from the far end's place in the network
esp()
{
	local seq=$1
	shift
	agent esp_send wire "$OUTER" "$OUTER_LOCAL" "${SPI_IN[0]}" "$seq" 10.2.1.1 10.1.0.2 "$@"
}

esp6()
{
	local seq=$1
	shift
	agent esp_send wire "$OUTER" "$OUTER_LOCAL" "${SPI_IN[0]}" "$seq" fd02:1::1 fd01::2 "$@"
}

# alive NAME: a good packet, and the next one, still arrive
alive()
{
	agent forget host >/dev/null
	esp $((SEQ += 10)) >/dev/null
	esp6 $((SEQ + 1)) >/dev/null
	expect "$1: good packets still arrive" alive_both
}

alive_both()
{
	agent await_packets host 1 proto=17 src=10.2.1.1 csum=ok &&
		agent await_packets host 1 proto=17 src=fd02:1::1 csum=ok
}

refused()
{
	local kind
	expect_counted "$1: replayed" rx_drop_esp 2 esp $SEQ count=2
	expect_counted "$1: behind the window" rx_drop_esp 1 esp 1
	alive "$1: replays"
	expect_counted "$1: wrong sum" rx_drop_esp 3 esp $((SEQ + 1000)) icv=bad count=3
	alive "$1: wrong sum, numbers ahead"
	for kind in 8 9 16 20 24 60; do
		expect_counted "$1: $kind bytes are left" rx_drop_esp 1 esp $((SEQ + 5)) cut=$kind
	done
	agent esp_noise wire "$OUTER" "$OUTER_LOCAL" "${SPI_IN[0]}" $((SEQ + 6)) 600 >/dev/null
	alive "$1: noise"
	# Well-made ESP, but what is inside is none of our packets
	for kind in short ihl ihl0 empty udp; do
		expect "$1: inside: $kind" gets_nowhere $kind
	done
	expect "$1: inside: the other version" gets_nowhere version
	expect "$1: inside: the other family" gets_nowhere family
	expect "$1: a dummy packet" gets_nowhere dummy
	alive "$1: nonsense inside"
}

# gets_nowhere KIND: it is counted as dropped in whatever way, and no host sees it
gets_nowhere()
{
	local before
	before=$(drops)
	agent forget host >/dev/null
	esp $((++SEQ)) "kind=$1" || return
	busywait 10 more_drops "$before" || return
	[[ $(agent seen host proto=17) == 0 ]]
}

drops()
{
	local name sum=0
	for name in rx_drop_esp rx_drop_invalid; do
		((sum += $(agent counter "$GW" bow0 $name)))
	done
	echo $sum
}

more_drops()
{
	(($(drops) == $1 + 1))
}

# ESP for no SA: not ours to count, and the stack's own counter says so
nobodys()
{
	local before sum
	before=$(xfrm_stat "$GW" XfrmInNoStates) sum=$(drops)
	agent esp_send wire "$OUTER" "$OUTER_LOCAL" 0xdead 1 10.2.1.1 10.1.0.2 count=3 >/dev/null
	expect "$1: an unknown SPI is left to the stack" busywait "$WAIT" no_states $((before + 3))
	# An outbound SA is no inbound one
	agent esp_send wire "$OUTER" "$OUTER_LOCAL" "${SPI_OUT[0]}" 1 10.2.1.1 10.1.0.2 >/dev/null
	expect "$1: the SPI of the other direction, too" busywait "$WAIT" no_states $((before + 4))
	expect_eq "$1: and is not ours to count" "$(drops)" "$sum"
}

no_states()
{
	[[ $(xfrm_stat "$GW" XfrmInNoStates) == "$1" ]]
}

# An ordinary xfrm interface between the same hosts
others()
{
	local us=$OUTER_LOCAL them
	them=$(outer_peer 1)
	xfrm_peer "$GW" plain 55 "$us" "$them" eth0 10.3.0.1/24,fd03::1/64
	xfrm_peer "$PEER" plain 155 "$them" "$us" eth0 10.3.0.2/24,fd03::2/64
	sa_pair "$GW" "$us" "$PEER" "$them" 55:155 gcm
	expect "$1: an xfrm interface beside ours, IPv4" agent ping "$GW" 10.3.0.2 1000 3
	expect "$1: an xfrm interface beside ours, IPv6" agent ping "$GW" fd03::2 1000 3
	expect_cmp "$1: by its own SA" "$(sa_packets "$GW" "$SPI_BA")" -ge 6
	expect "$1: and ours goes on" agent ping "$LAN" 10.2.0.1
}

outside()
{
	local label="IPv$1 outside"
	gateway 2 "$1"
	OUTER=$(outer_peer 0) OUTER_LOCAL=$(outer_local 0) SEQ=100
	sas 0 null replay-window 64
	far_routes tunnel t0
	agent sniff host "$LAN" eth0 >/dev/null
	agent injector_open wire "$PEER" eth0 "$GW" eth0 >/dev/null
	alive "$label"
	refused "$label"
	nobodys "$label"
	sas_del 0
	sas 0 gcm
	PCAP=$TEST_TMP/forged-v$1.pcap
	capture_start "$GW" eth0 "$PCAP"
	others "$label"
	expect "$label: the capture is complete" capture_stop "$PCAP"
	assert_no_plaintext "$PCAP"
	agent release "$LAN" "$GW" "$PEER" >/dev/null
	del_ns "$LAN" "$GW" "$PEER"
}

log_init
need_module xfrm_interface esp4 esp6
need_cmd jq
agent_start lib_agent_esp
outside 4
outside 6
done_testing
