#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 240
#
# The size of packets: what an SA leaves of the underlay's MTU, what happens to packets
# that are larger, and the device's MTU. One tunnel for each algorithm. For the topology
# see lib_gateway.sh.

. "$(dirname "$0")/lib.sh"
. "$BOWTIE_SELFTESTS/lib_agent.sh"
. "$BOWTIE_SELFTESTS/lib_gateway.sh"

read -ra ALGS <<<"$SA_ALGORITHMS"
# Bytes of IV and ICV, and what the encrypted part is a multiple of
declare -A OVERHEAD=([gcm]="24 4" [gcm256]="24 4" [chacha]="24 4" [sha1]="28 16"
	[sha256]="32 16" [sha384]="40 16" [sha512]="48 16")

# inner_mtu VAR ALG OUTER: of OUTER bytes behind the IP header, and UDP's if there is one
inner_mtu()
{
	local over block
	read -r over block <<<"${OVERHEAD[$2]}"
	# ESP header, and at its end the length of the padding and the next header
	printf -v "$1" '%d' $((($3 - 8 - over) / block * block - 2))
}

# sizes LABEL BYTES: of the SAs that the tunnels have now; BYTES behind IP and UDP
sizes()
{
	local i mtu block
	# What the device lets pass must not decide
	bowtie -n "$GW" link set bow0 mtu 1500
	for i in "${!ALGS[@]}"; do
		inner_mtu mtu "${ALGS[i]}" "$2"
		block=${OVERHEAD[${ALGS[i]}]#* }
		agent sniff far "$PEER" "ipsec$i" >/dev/null
		expect "$1, ${ALGS[i]}: $mtu bytes of IPv4, and not one more" agent mtu_check lan far out \
			host 10.1.0.2 "$(inside_peer "$i")" "$mtu" "$(outer_peer "$i")" 1500 "$block"
		expect "$1, ${ALGS[i]}: $mtu bytes of IPv6, and not one more" agent mtu_check lan far out \
			host fd01::2 "$(inside_peer "$i" 6)" "$mtu" "$(outer_peer "$i")" 1500 "$block"
	done
	inner_mtu mtu sha512 "$2"
	bowtie -n "$GW" link set bow0 mtu auto
	expect "$1: the device follows the smallest" busywait "$WAIT" link_is .mtu "$mtu"
}

# outside FAMILY: all algorithms, plain and in UDP
outside()
{
	local i ip=20
	[[ $1 == 4 ]] || ip=40
	begin "${#ALGS[@]}" "$1"
	for i in "${!ALGS[@]}"; do
		sas "$i" "${ALGS[i]}"
	done
	sizes "IPv$1 outside" $((1500 - ip))
	natt_sockets "$GW" "$(outer_local 0)"
	# shellcheck disable=SC2046 # words
	natt_sockets "$PEER" $(for i in "${!ALGS[@]}"; do outer_peer "$i"; done)
	for i in "${!ALGS[@]}"; do
		sas_del "$i"
		sas "$i" "${ALGS[i]}" "${NATT[@]}"
	done
	sizes "IPv$1 outside, NAT-T" $((1500 - ip - 8))
	end
}

begin()
{
	gateway "$@"
	PCAP=$TEST_TMP/mtu.pcap
	capture_start "$GW" eth0 "$PCAP"
	agent injector_open lan "$LAN" eth0 "$GW" lan0 >/dev/null
	agent sniff out "$GW" eth0 both=1 >/dev/null
	agent sniff host "$LAN" eth0 >/dev/null
}

end()
{
	expect "the capture is complete" capture_stop "$PCAP"
	assert_no_plaintext "$PCAP"
	# The far end does fragment its ESP
	expect_eq "no fragment of ESP left" "$(pcap_count "$PCAP" 'ip src 192.0.2.1
		and ip[6:2] & 0x3fff != 0 or (ip6 src 2001:db8::1 and ip6[6] = 44)')" 0
	agent release "$LAN" "$GW" "$PEER" >/dev/null
	del_ns "$LAN" "$GW" "$PEER"
}

# pieces NAME [WORDS...]: a packet of 1500 bytes arrives in fragments
pieces()
{
	local name=$1
	shift
	expect_counted "$name" tx_fragmented 1 agent fragments_inside lan far out \
		10.1.0.2 10.2.1.1 1500 1446 192.0.2.2 "$@"
}

set_df()
{
	bowtie -n "$GW" tunnel set bow0 t0 df "$1"
}

too_big()
{
	begin 1
	sas 0 gcm
	far_routes tunnel t0
	agent sniff far "$PEER" ipsec0 >/dev/null
	expect "the far end puts together what IP has fragmented" agent ping "$LAN" 10.2.0.1 4000 1 df=0
	# From here on the device does
	bowtie -n "$GW" link set bow0 mtu 1500
	for df in copy set; do
		set_df $df
		expect "df $df: DF is respected" agent mtu_check lan far out host 10.1.0.2 10.2.1.1 \
			1446 192.0.2.2
		pieces "df $df: fragments without DF"
	done
	set_df clear
	pieces "df clear: fragments in spite of DF" df=1
	pieces "df clear: fragments without DF"
	pieces "with IP options" opts=12
	expect "IPv6 with df clear: no fragments" agent mtu_check lan far out host fd01::2 fd02:1::1 \
		1446 192.0.2.2
	expect "the far end puts them together" agent ping "$LAN" 10.2.0.1 1472
	set_df copy
	expect "also what is much larger" agent ping "$LAN" 10.2.0.1 4000 1 df=0
	expect_counted "counted: too big" tx_drop_too_big 2 agent inject_udp lan 10.1.0.2 10.2.1.1 \
		size=1447 frag=0x4000 count=2
	agent forget out >/dev/null
	agent inject_udp lan 10.1.0.2 10.2.1.1 frag=0x4000 >/dev/null
	expect "DF is copied to the outside" agent await_packets out 1 proto=50 frag=0x4000
	agent forget out >/dev/null
	agent inject_udp lan 10.1.0.2 10.2.1.1 >/dev/null
	expect "and so is its absence" agent await_packets out 1 proto=50 frag=0x0
	bowtie -n "$GW" link set bow0 mtu auto
	device
	end
}

device()
{
	expect "mtu auto: as the only tunnel" busywait "$WAIT" link_is .mtu 1446
	set_df clear
	expect "df clear: IP is not to refuse what we fragment" busywait "$WAIT" link_is .mtu 1500
	pieces "df clear, mtu auto" df=1
	expect "IPv6 with df clear, mtu auto" agent mtu_check lan far out host fd01::2 fd02:1::1 \
		1446 192.0.2.2
	set_df copy
	expect "df copy: the device follows again" busywait "$WAIT" link_is .mtu 1446
	ip -n "$GW" link set bow0 mtu 1400
	expect_eq "by hand: it is that" "$(link_field .mtu) $(link_field .mtu_auto)" "1400 false"
	sas 0 sha512
	expect "the tunnel's follows the new SA" busywait "$WAIT" tunnel_is 0 .mtu 1422
	expect_eq "by hand: it stays" "$(link_field .mtu)" 1400
	bowtie -n "$GW" link set bow0 mtu auto
	expect "mtu auto again: follows" busywait "$WAIT" link_is .mtu 1422
	ip -n "$GW" link set eth0 mtu 1400
	agent ping "$GW" "$(inside_peer 0)" >/dev/null
	expect "the underlay's MTU counts" busywait "$WAIT" tunnel_is 0 .mtu 1310
	expect "and the device follows" busywait "$WAIT" link_is .mtu 1310
	ip -n "$GW" link set eth0 mtu 1500
	agent ping "$GW" "$(inside_peer 0)" >/dev/null
	expect "both ways" busywait "$WAIT" link_is .mtu 1422
}

log_init
need_module xfrm_interface esp4 esp6
need_cmd jq
agent_start lib_agent_mtu
outside 4
outside 6
too_big
done_testing
