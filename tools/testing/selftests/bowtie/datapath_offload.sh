#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 600
#
# The packet path with esp4_offload and esp6_offload loaded, and GRO on the underlay:
# ESP of the xfrm path is then built below IP. On receive GRO hands it to xfrm before any
# protocol handler sees it, whatever the path. For the topology see lib_gateway.sh.

. "$(dirname "$0")/lib.sh"
. "$BOWTIE_SELFTESTS/lib_agent.sh"
. "$BOWTIE_SELFTESTS/lib_gateway.sh"
. "$BOWTIE_SELFTESTS/lib_trace.sh"
. "$BOWTIE_SELFTESTS/lib_datapath.sh"
# shellcheck disable=SC2034 # for lib_datapath.sh
readonly RX_BY_GRO=1

outside()
{
	local label="$ESP_MODE, offload, IPv$1 outside" gro xmit
	gro=$(probe_hits "gro$1") xmit=$(probe_hits "xmit$1")
	outside_begin "$1" "offload-$ESP_MODE-v$1"
	# veth lets a packet pass through GRO if its sender does no TSO
	in_ns "$GW" ethtool -K eth0 gro on tso off
	in_ns "$PEER" ethtool -K eth0 gro on tso off
	algorithms "$label" 0.05 "gcm sha256"
	sas 0 gcm
	segmentation "$label" 0.1
	outside_end "$label"
	# Here, or by the far end
	expect_cmp "$label: ESP was built by the offload" $(($(probe_hits "xmit$1") - xmit)) -gt 100
	expect_cmp "$label: ESP was received by GRO" $(($(probe_hits "gro$1") - gro)) -gt 100
}

log_init
need_module xfrm_interface esp4 esp6
need_cmd ethtool jq
if [[ ! -d /sys/module/esp4_offload ]]; then
	need_module esp4_offload esp6_offload
	UNLOAD=1
fi
probe xmit4 esp4_offload:esp_xmit
probe xmit6 esp6_offload:esp6_xmit
probe gro4 esp4_offload:esp4_gro_receive
probe gro6 esp6_offload:esp6_gro_receive
agent_start lib_agent_tcp
paths_begin
for ESP_MODE in xfrm fast; do
	outside 4
	outside 6
done
if [[ -n ${UNLOAD:-} ]]; then
	probes_remove
	expect "the offload modules can go again" offload_unload
fi
done_testing
