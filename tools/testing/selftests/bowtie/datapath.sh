#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 600
#
# The packet path as the kernel comes: IPv4 and IPv6 inside and outside, every
# algorithm, TCP with and without segmentation offload, by the fast ESP path; and in
# datapath_xfrm.sh by the other one. The far end is a plain xfrm interface. For the topology
# see lib_gateway.sh.

: "${ESP_MODE:=fast}"
. "$(dirname "$0")/lib.sh"
. "$BOWTIE_SELFTESTS/lib_agent.sh"
. "$BOWTIE_SELFTESTS/lib_gateway.sh"
. "$BOWTIE_SELFTESTS/lib_trace.sh"
. "$BOWTIE_SELFTESTS/lib_datapath.sh"

outside()
{
	local label="$ESP_MODE, IPv$1 outside"
	outside_begin "$1" "$ESP_MODE-v$1"
	algorithms "$label" 0.05 "$SA_ALGORITHMS"
	algorithms "$label, ESN" 0.05 "gcm sha256" flag esn
	sas 0 gcm
	segmentation "$label" 0.15
	outside_end "$label"
}

log_init
need_module xfrm_interface esp4 esp6
need_cmd ethtool jq
agent_start lib_agent_tcp
paths_begin
outside 4
outside 6
done_testing
