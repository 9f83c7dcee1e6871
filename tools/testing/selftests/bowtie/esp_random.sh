#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 600
#
# Random packets: any size and protocol, IP options, extension headers, fragments, large ones
# for segmentation offload, some of them clones; by the fast path to a plain xfrm interface
# and back, by every algorithm, with and without ESN and NAT-T. They come out byte by byte as
# they went in. SEED=N repeats a run. For the topology see lib_gateway.sh.

. "$(dirname "$0")/lib.sh"
. "$BOWTIE_SELFTESTS/lib_agent.sh"
. "$BOWTIE_SELFTESTS/lib_gateway.sh"
. "$BOWTIE_SELFTESTS/lib_trace.sh"
. "$BOWTIE_SELFTESTS/lib_datapath.sh"

ESP_MODE=fast
: "${SEED:=$RANDOM$RANDOM}"
: "${COUNT:=40}"

# both_ways LABEL CLONED
both_ways()
{
	expect "$1, cloned $2: out" agent random_packets "$GW" bow0 "$PEER" ipsec0 "$SEED $1 out" \
		"$COUNT" src4=10.1.9.2 dst4=10.2.1.1 src6=fd01:9::2 dst6=fd02:1::1 largest=8000 \
		cloned="$2"
	expect "$1, cloned $2: in" agent random_packets "$PEER" ipsec0 "$GW" bow0 "$SEED $1 in" \
		"$COUNT" src4=10.2.1.1 dst4=10.1.9.2 src6=fd02:1::1 dst6=fd01:9::2 largest=8000 \
		cloned="$2"
}

# What is delivered ends here, and no receiver puts anything together before it is looked at
prepare()
{
	local ns
	for ns in "$GW" "$PEER"; do
		ip -n "$ns" link set eth0 mtu 9000
	done
	ip -n "$PEER" link set ipsec0 mtu 8800
	ip -n "$GW" -batch - <<-EOT
		route add blackhole 10.1.9.0/24
		route add blackhole fd01:9::/64
	EOT
	ip -n "$GW" link set bow0 mtu 8600
	in_ns "$GW" ethtool -K bow0 gro off
	in_ns "$PEER" ethtool -K ipsec0 gro off
	natt_sockets "$GW" "$(outer_local 0)"
	natt_sockets "$PEER" "$(outer_peer 0)"
}

outside()
{
	local alg label words
	gateway 1 "$1"
	prepare
	far_routes tunnel t0
	for alg in $SA_ALGORITHMS null; do
		label="IPv$1 outside, $alg" words=()
		((RANDOM % 2)) || { words+=(flag esn) && label+=", ESN"; }
		((RANDOM % 2)) || { words+=("${NATT[@]}") && label+=", NAT-T"; }
		sas 0 "$alg" "${words[@]}"
		both_ways "$label" $((RANDOM % 2))
		sas_del 0
	done
	expect_eq "IPv$1 outside: nothing was dropped" "$(tunnel_field 0 '.stats | to_entries[]
		| select((.key | test("drop")) and .value > 0) | "\(.key)=\(.value)"')" ""
	path_was "IPv$1 outside"
	agent release "$LAN" "$GW" "$PEER" >/dev/null
	del_ns "$LAN" "$GW" "$PEER"
}

log_init
need_module xfrm_interface esp4 esp6
need_cmd jq ethtool
# With them the far end, plain Linux 6.1, drops some of the packets that are to be segmented,
# in xfrm_output_resume().
offload_unload || skip_all "the ESP offload modules cannot be unloaded"
diag "SEED=$SEED"
RANDOM=$((SEED % 32768))
agent_start lib_agent_random
paths_begin
outside 4
outside 6
done_testing
