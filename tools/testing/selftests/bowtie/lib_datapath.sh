# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Every combination of inside, outside and algorithm carries echoes and TCP both
# ways to a plain xfrm interface. Used by the datapath*.sh tests, which differ in
# what the kernel does below: alone, with ESP in UDP, with the ESP offload modules,
# with crypto that completes later. Each of them does it by both ESP paths. Sourced after
# lib_gateway.sh and lib_trace.sh.

# BOWTIE_ESP_DECLINED: the fast path has left a packet to xfrm
readonly DECLINED=-524

declare -A PATH_BEFORE

# paths_begin: begin to count which path packets take
paths_begin()
{
	probe_results fast_tx bowtie:bowtie_esp_fast_tx
	probe_results fast_rx bowtie:bowtie_esp_fast_rx
}

# path_was LABEL: since the last time all but a few packets took the path of $ESP_MODE.
# With RX_BY_GRO it is not said what became of those that GRO has left to us.
path_was()
{
	local name taken declined
	for name in fast_tx fast_rx; do
		taken=$(probe_returned $name "!$DECLINED") declined=$(probe_returned $name "$DECLINED")
		set -- "$1" $((taken - ${PATH_BEFORE[$name.taken]:-0})) \
			$((declined - ${PATH_BEFORE[$name.declined]:-0}))
		PATH_BEFORE[$name.taken]=$taken PATH_BEFORE[$name.declined]=$declined
		if [[ $ESP_MODE == xfrm ]]; then
			expect_eq "$1: $name is never asked" "$2 $3" "0 0"
		elif [[ $name == fast_tx || -z ${RX_BY_GRO:-} ]]; then
			expect_cmp "$1: $name has served nearly all" "$2" -gt $((20 + 5 * $3))
		fi
	done
}

# carries LABEL MB: the tunnel carries both inner families, both ways
carries()
{
	expect "$1: echo, IPv4 inside" agent ping "$LAN" 10.2.0.1 1200
	expect "$1: echo, IPv6 inside" agent ping "$LAN" fd02::1 1200
	expect "$1: TCP, IPv4 inside" agent tcp "$LAN" "$PEER" 10.2.0.1 "$2"
	expect "$1: TCP, IPv6 inside" agent tcp "$LAN" "$PEER" fd02::1 "$2"
}

# all_arrived LABEL: what our outbound SA has sent the peer's has received
all_arrived()
{
	expect "$1: every packet of the SA arrived" busywait "$WAIT" both_ends_count
}

# By the sequence number: with offload the SA counts a packet of several segments once
both_ends_count()
{
	local sent got
	got=$(sa_packets "$PEER" "${SPI_OUT[0]}")
	sent=$(ip -n "$GW" xfrm state list spi "${SPI_OUT[0]}" |
		sed -n 's/.* oseq \(0x[0-9a-f]*\).*/\1/p')
	echo "$((sent)) sent, $got received"
	((sent > 0 && sent == got))
}

# outside_begin FAMILY NAME [natt]: a gateway with a capture and, of $ESP_MODE, a tunnel
outside_begin()
{
	DATAPATH_PCAP=$TEST_TMP/$2.pcap
	gateway 1 "$1"
	far_routes tunnel t0
	if [[ ${3:-} == natt ]]; then
		natt_sockets "$GW" "$(outer_local 0)"
		natt_sockets "$PEER" "$(outer_peer 0)"
	fi
	capture_start "$GW" eth0 "$DATAPATH_PCAP"
}

# outside_end LABEL [CHECK]: CHECK gets the capture
outside_end()
{
	local drops
	drops=$(tunnel_field 0 '.stats | to_entries[]
		| select((.key | test("drop")) and .value > 0) | "\(.key)=\(.value)"')
	expect_eq "$1: nothing was dropped" "$drops" ""
	expect "$1: the capture is complete" capture_stop "$DATAPATH_PCAP"
	assert_no_plaintext "$DATAPATH_PCAP"
	[[ -z ${2:-} ]] || "$2" "$DATAPATH_PCAP"
	path_was "$1"
	rm -f "$DATAPATH_PCAP"
	agent release "$LAN" "$GW" "$PEER" >/dev/null
	del_ns "$LAN" "$GW" "$PEER"
}

# algorithms LABEL MB ALGS [WORDS...]: each of them in turn; WORDS go to the SAs
algorithms()
{
	local label=$1 mb=$2 algs=$3 alg
	shift 3
	for alg in $algs; do
		sas 0 "$alg" "$@"
		carries "$label, $alg" "$mb"
		all_arrived "$label, $alg"
		sas_del 0
	done
}

# segmentation LABEL MB: TCP between hosts and from the gateway itself, with and without
# segmentation offload on the device
segmentation()
{
	local tso
	for tso in on off; do
		expect "$1: TSO $tso" in_ns "$GW" ethtool -K bow0 tso "$tso" gso "$tso"
		expect "$1, TSO $tso: TCP, IPv4 inside" agent tcp "$LAN" "$PEER" 10.2.0.1 "$2"
		expect "$1, TSO $tso: TCP, IPv6 inside" agent tcp "$PEER" "$LAN" fd01::2 "$2" fd02::1
		expect "$1, TSO $tso: TCP of the gateway's own, IPv4 inside" \
			agent tcp "$GW" "$PEER" "$(inside_peer 0)" 0.1
		expect "$1, TSO $tso: TCP of the gateway's own, IPv6 inside" \
			agent tcp "$GW" "$PEER" "$(inside_peer 0 6)" 0.1
	done
	in_ns "$GW" ethtool -K bow0 tso on gso on
	all_arrived "$1, segmentation"
}
