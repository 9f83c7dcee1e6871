#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 600
#
# No sequence number, hence no nonce, is used twice, whatever path packets of an SA take:
# fast, xfrm, and switched while two CPUs send, single packets and such that have to be
# segmented. At the end of the numbers an SA stops, or with ESN goes on. What counts is what
# the far end sees. For the topology see lib_gateway.sh.

. "$(dirname "$0")/lib.sh"
. "$BOWTIE_SELFTESTS/lib_agent.sh"
. "$BOWTIE_SELFTESTS/lib_gateway.sh"
. "$BOWTIE_SELFTESTS/lib_trace.sh"
. "$BOWTIE_SELFTESTS/lib_datapath.sh"

# load_on DST: each CPU sends to it
LOAD=()
load_on()
{
	local cpu
	for ((cpu = 0; cpu < $(nproc); cpu++)); do
		bg in_ns "$LAN" /usr/bin/python3 "$BOWTIE_SELFTESTS/lib_nonces.py" load "$1" $cpu
		LOAD+=("$BG_PID")
	done
}

load_off()
{
	local pid
	for pid in "${LOAD[@]}"; do
		stop "$pid"
	done
	LOAD=()
}

# begin FAMILY ALG WORDS...: a gateway under load, and a capture at the far end
begin()
{
	PCAP=$TEST_TMP/nonces.pcap
	gateway 1 "$1"
	CAPTURE_BYTES=96 capture_start "$PEER" eth0 "$PCAP"
	sas 0 "${@:2}"
	far_routes tunnel t0
	load_on "$([[ $1 == 4 ]] && echo 10.2.1.1 || echo fd02:1::1)"
}

# end LABEL IV-BYTES: no more packets, and a look at all of them
end()
{
	local packets numbers vectors largest
	load_off
	expect "$1: the capture is complete" capture_stop "$PCAP"
	read -r packets numbers vectors largest \
		< <(/usr/bin/python3 "$BOWTIE_SELFTESTS/lib_nonces.py" count "$PCAP" "${SPI_OUT[0]}" "$2")
	diag "$1: $packets packets, the largest number is 0x$largest"
	expect_cmp "$1: there were packets enough" "$packets" -gt 500
	expect_eq "$1: no number was used twice" "$numbers" 0
	expect_eq "$1: no initialisation vector was used twice" "$vectors" 0
	LARGEST=$largest PACKETS=$packets
	rm -f "$PCAP"
	agent release "$LAN" "$GW" "$PEER" >/dev/null
	del_ns "$LAN" "$GW" "$PEER"
}

# sent_more COUNT THAN: packets of the SA
sent_more()
{
	(($(sa_packets "$GW" "${SPI_OUT[0]}") > $1 + $2))
}

after()
{
	busywait "$WAIT" sent_more "$1" "$(sa_packets "$GW" "${SPI_OUT[0]}")"
}

esp_mode()
{
	bowtie -n "$GW" tunnel set bow0 t0 esp-mode "$1"
}

# by MODE: from now on; and it is true
by()
{
	local before
	esp_mode "$1" && after 50 || return
	before=$(probe_returned fast_tx "!$DECLINED")
	after 200 || return
	[[ $1 != xfrm ]] || return "$(($(probe_returned fast_tx "!$DECLINED") != before))"
	(($(probe_returned fast_tx "!$DECLINED") > before + 20))
}

# switches TIMES: there and back, as fast as the tool can
switches()
{
	local i
	for ((i = 0; i < $1; i++)); do
		printf 'tunnel set bow0 t0 esp-mode %s\n' xfrm fast xfrm auto
	done | bowtie -n "$GW" -batch -
}

# mixed LABEL FAMILY IV-BYTES ALG WORDS...: all of it on one SA
mixed()
{
	local label=$1 iv=$3 mode
	begin "$2" "${@:4}"
	for mode in fast xfrm fast; do
		expect "$label: $mode" by $mode
	done
	for mode in 1 2 3; do
		expect "$label: switched under load, $mode" switches 25
		after 100
	done
	diag "$label: $(xfrm_stat "$PEER" XfrmInStateSeqError) packets were overtaken by a window"
	expect_eq "$label: the far end can read all" "$(xfrm_stat "$PEER" XfrmInStateProtoError)" 0
	end "$label" "$iv"
}

# replay_context REGEX: is the SA there?
replay_context()
{
	ip -n "$GW" xfrm state list spi "${SPI_OUT[0]}" | grep -E "$1"
}

# stops LABEL MODE WORDS...: without ESN
stops()
{
	local label=$1 mode=$2 refused
	shift 2
	begin 4 gcm replay-oseq 0xfffff800 "$@"
	esp_mode "${mode/mixed/fast}"
	if [[ $mode == mixed ]]; then
		switches 10
	fi
	expect "$label: the numbers come to their end" busywait "$WAIT" replay_context "oseq 0xffffffff"
	refused=$(xfrm_stat "$GW" XfrmOutStateSeqError)
	expect "$label: further packets are refused" busywait "$WAIT" refused_more "$refused"
	expect "$label: the SA stays there" replay_context "oseq 0xffffffff"
	expect_cmp "$label: and the tunnel counts them" "$(tunnel_field 0 .stats.tx_drop_esp)" -gt 10
	end "$label" 8
	expect_eq "$label: the last number" "$LARGEST" ffffffff
	expect_eq "$label: each number was used" "$PACKETS" $((0x7ff))
}

refused_more()
{
	(($(xfrm_stat "$GW" XfrmOutStateSeqError) > $1 + 100))
}

# goes_on LABEL MODE: with ESN
goes_on()
{
	begin 4 gcm replay-seq 0xfffff700 replay-oseq 0xfffff800 flag esn
	esp_mode "${2/mixed/fast}"
	if [[ $2 == mixed ]]; then
		switches 10
	fi
	expect "$1: the upper half carries" busywait "$WAIT" replay_context 'oseq-hi 0x1, oseq'
	after 300
	load_off
	expect "$1: and all of it arrives" busywait "$WAIT" all_came
	expect_eq "$1: nothing was refused" "$(xfrm_stat "$GW" XfrmOutStateSeqError)" 0
	end "$1" 8
}

all_came()
{
	local ours theirs
	ours=$(sa_packets "$GW" "${SPI_OUT[0]}") theirs=$(sa_packets "$PEER" "${SPI_OUT[0]}")
	echo "$ours, $theirs"
	((ours == theirs))
}

log_init
need_module xfrm_interface esp4 esp6
need_cmd jq
offload_unload || skip_all "the ESP offload modules cannot be unloaded"
probe_results fast_tx bowtie:bowtie_esp_fast_tx
agent_start
mixed "GCM" 4 8 gcm
mixed "GCM, legacy window" 4 8 gcm replay-window 32
# What the window has left behind is of the next epoch to an ESN receiver, who then cannot
# read it (RFC 4303, A2.2), and a CPU that waits for a busy host is overtaken by far.
mixed "GCM, ESN" 6 8 gcm flag esn replay-window 4096
mixed "CBC, ESN" 4 16 sha256 flag esn replay-window 4096
for MODE in fast xfrm mixed; do
	stops "$MODE, end of the numbers" $MODE
	goes_on "$MODE, ESN" $MODE
done
stops "fast, legacy window, end of the numbers" fast replay-window 32
modprobe -a esp4_offload esp6_offload
mixed "GCM, ESP offload modules" 4 8 gcm
done_testing
