#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 360
#
# The module goes, under all the traffic that two CPUs can make, and comes back; with
# ESP received by GRO, and with packets that are with asynchronous crypto while it
# goes. Nothing is left behind. For the topology see lib_gateway.sh.

. "$(dirname "$0")/lib.sh"
. "$BOWTIE_SELFTESTS/lib_agent.sh"
. "$BOWTIE_SELFTESTS/lib_gateway.sh"
. "$BOWTIE_SELFTESTS/lib_load.sh"
. "$BOWTIE_SELFTESTS/lib_trace.sh"

reload()
{
	rmmod bowtie || return
	[[ ! -e /sys/module/bowtie ]] || return
	not ip -n "$GW" link show bow0 || return
	insmod "$BOWTIE_KO" && bow_create
}

# Packets of the link may still be with xfrm
reload_at_once()
{
	ip -n "$GW" link del bow0 && rmmod bowtie && insmod "$BOWTIE_KO" && bow_create
}

# In Linux 6.1 an xfrm interface loses a reference to the device below with each
# packet that completes later: the far end's crypto is the ordinary one. See
# datapath_async.sh.
readonly ASYNC="pcrypt(seqiv(rfc4106(gcm(aes))))"

# sas_async: the far end's first, which must not find the instance
sas_async()
{
	local i us them
	for i in 0 1; do
		us=$(outer_local $i) them=$(outer_peer $i)
		sa_new_spi "SPI_OUT[$i]"
		sa_new_spi "SPI_IN[$i]"
		sa_add "$PEER" "$us" "$them" "${SPI_OUT[i]}" $((101 + i)) gcm replay-window 1024
		sa_add "$PEER" "$them" "$us" "${SPI_IN[i]}" $((101 + i)) gcm replay-window 1024
	done
	agent crypto_instance "$ASYNC" >"$TEST_TMP/why" || bail "no $ASYNC"
	for i in 0 1; do
		us=$(outer_local $i) them=$(outer_peer $i)
		sa_add "$GW" "$them" "$us" "${SPI_IN[i]}" $((1 + i)) gcm replay-window 1024
		sa_add "$GW" "$us" "$them" "${SPI_OUT[i]}" $((1 + i)) gcm replay-window 1024
	done
}

no_sas()
{
	ip -n "$GW" xfrm state flush
	ip -n "$PEER" xfrm state flush
}

async()
{
	local i
	for i in pcrypt algif_aead crypto_user; do
		modprobe -q "$i" || { skip "with asynchronous crypto" "no $i"; return; }
	done
	# Whichever path they take; and nothing of the module that goes is probed
	probe enc pcrypt:pcrypt_aead_enc
	probe dec pcrypt:pcrypt_aead_dec
	no_sas
	sas_async
	under_load "unloaded with packets in asynchronous crypto" 3 reload
	expect_cmp "packets out were completed later" "$(probe_hits enc)" -gt 1000
	expect_cmp "packets in were completed later" "$(probe_hits dec)" -gt 1000
	probes_remove
	no_sas
	expect "nothing holds the crypto" busywait "$WAIT" agent crypto_remove "$ASYNC"
}

# GRO of the offload modules hands ESP to xfrm_input() without asking us
offload()
{
	if ! modprobe -q esp4_offload || ! modprobe -q esp6_offload; then
		skip "with the ESP offload modules" "not there"
		return
	fi
	probe gro4 esp4_offload:esp4_gro_receive
	no_sas
	sas 0 gcm
	sas 1 gcm
	in_ns "$GW" ethtool -K eth0 tso off gro on
	in_ns "$PEER" ethtool -K eth0 tso off gro on
	under_load "unloaded with ESP in GRO" 3 reload
	expect_cmp "ESP was received by GRO" "$(probe_hits gro4)" -gt 1000
	probes_remove
}

log_init
need_module xfrm_interface esp4 esp6 veth
need_cmd flows taskset ethtool jq
agent_start lib_agent_crypto
leaks_begin
load_gateway
load_start
under_load "unloaded under traffic" 3 reload
under_load "unloaded just after its link" 2 reload_at_once
async
offload
leaks_end "unloaded"
expect "the offload modules can go again" offload_unload
done_testing
