#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 240
#
# The packet path as the kernel comes: IPv4 and IPv6 inside and outside, every
# algorithm, TCP with and without segmentation offload. The far end is a plain xfrm
# interface. For the topology see lib_gateway.sh.

. "$(dirname "$0")/lib.sh"
. "$BOWTIE_SELFTESTS/lib_agent.sh"
. "$BOWTIE_SELFTESTS/lib_gateway.sh"
. "$BOWTIE_SELFTESTS/lib_datapath.sh"

outside()
{
	outside_begin "$1" "outside-v$1"
	algorithms "IPv$1 outside" 0.05 "$SA_ALGORITHMS"
	sas 0 gcm
	segmentation "IPv$1 outside" 0.15
	outside_end "IPv$1 outside"
}

log_init
need_module xfrm_interface esp4 esp6
need_cmd ethtool jq
agent_start lib_agent_tcp
outside 4
outside 6
done_testing
