#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 600
#
# Crypto that completes later, on whatever CPU: pcrypt and cryptd in front of the
# algorithms, with a higher priority, so that new SAs use them. Only the gateway's do:
# in Linux 6.1 the far end's xfrm interface loses a reference to the device below with
# each packet that completes later, and the namespace could never be deleted. Without
# the ESP offload: with it Linux 6.1 answers -ENOMEM for each packet that will be sent
# later, which counts as a drop. For the topology see lib_gateway.sh.

. "$(dirname "$0")/lib.sh"
. "$BOWTIE_SELFTESTS/lib_agent.sh"
. "$BOWTIE_SELFTESTS/lib_gateway.sh"
. "$BOWTIE_SELFTESTS/lib_trace.sh"
. "$BOWTIE_SELFTESTS/lib_datapath.sh"

declare -A ASYNC=(
	[gcm]="pcrypt(seqiv(rfc4106(gcm(aes))))"
	[sha256]="cryptd(echainiv(authenc(hmac(sha256),cbc(aes))))"
)

# used FAMILY LABEL: completions of $ESP_MODE were called since the last time
declare -A HITS
used()
{
	local dir name now
	for dir in out in; do
		[[ $ESP_MODE == xfrm ]] && name=$dir$1 || name=fast_$dir
		now=$(probe_hits "$name")
		expect_cmp "$2: $dir, completed later" "$now" -gt $((${HITS[$name]:-0} + 50))
		HITS[$name]=$now
	done
}

# sas_async ALG: as sas 0 ALG, with asynchronous crypto on the gateway's side only
sas_async()
{
	local us them
	us=$(outer_local 0) them=$(outer_peer 0)
	sa_new_spi "SPI_OUT[0]"
	sa_new_spi "SPI_IN[0]"
	sa_add "$PEER" "$us" "$them" "${SPI_OUT[0]}" 101 "$1" replay-window 1024
	sa_add "$PEER" "$them" "$us" "${SPI_IN[0]}" 101 "$1" replay-window 1024
	expect "${ASYNC[$1]}" agent crypto_instance "${ASYNC[$1]}"
	sa_add "$GW" "$them" "$us" "${SPI_IN[0]}" 1 "$1" replay-window 1024
	sa_add "$GW" "$us" "$them" "${SPI_OUT[0]}" 1 "$1" replay-window 1024
}

outside()
{
	local alg label="$ESP_MODE, IPv$1 outside"
	outside_begin "$1" "async-$ESP_MODE-v$1"
	for alg in gcm sha256; do
		sas_async $alg
		carries "$label, $alg" 0.1
		all_arrived "$label, $alg"
		used "$1" "$label, $alg"
		sas_del 0
		expect "$label, $alg: nothing holds the crypto" \
			busywait "$WAIT" agent crypto_remove "${ASYNC[$alg]}"
	done
	outside_end "$label"
}

log_init
need_module xfrm_interface esp4 esp6 pcrypt cryptd algif_aead crypto_user
need_cmd ethtool jq
offload_unload || skip_all "the ESP offload modules cannot be unloaded"
probe out4 esp4:esp_output_done
probe out6 esp6:esp_output_done
probe in4 esp4:esp_input_done
probe in6 esp6:esp_input_done
probe fast_out bowtie:tx_completed
probe fast_in bowtie:rx_completed
paths_begin
agent_start lib_agent_tcp lib_agent_crypto
for ESP_MODE in xfrm fast; do
	outside 4
	outside 6
done
done_testing
