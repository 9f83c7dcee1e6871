#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 120
#
# What the stack does with packets right behind us: GRO on the device or not, another CPU
# (RPS), generic XDP. Who gets a packet must be the only one who has it. For the topology
# see lib_gateway.sh.

. "$(dirname "$0")/lib.sh"
. "$BOWTIE_SELFTESTS/lib_agent.sh"
. "$BOWTIE_SELFTESTS/lib_gateway.sh"

# A program that passes everything, on bow0
xdp_on()
{
	cat >"$TEST_TMP/pass.c" <<-EOF
		__attribute__((section("xdp"), used)) int pass(void *ctx) { return 2; }
		char _license[] __attribute__((section("license"), used)) = "GPL";
	EOF
	clang -O2 -target bpf -c "$TEST_TMP/pass.c" -o "$TEST_TMP/pass.o" &&
		in_ns "$GW" ip link set dev bow0 xdpgeneric obj "$TEST_TMP/pass.o" sec xdp
}

# rps MASK: CPUs for what comes in by bow0
rps()
{
	# shellcheck disable=SC2016 # the inner shell's
	in_ns "$GW" sh -c 'echo "$1" >/sys/class/net/bow0/queues/rx-0/rps_cpus' sh "$1"
}

carries()
{
	expect "$1: echoes, IPv4" agent ping "$LAN" 10.2.0.1 1200 20
	expect "$1: echoes, IPv6" agent ping "$LAN" fd02::1 1200 20
	expect "$1: TCP, IPv4" agent tcp "$LAN" "$PEER" 10.2.0.1 0.5
	expect "$1: TCP, IPv6" agent tcp "$LAN" "$PEER" fd02::1 0.5
	expect "$1: TCP to the gateway itself" agent tcp "$PEER" "$GW" "$(inside_local 0)" 0.5
}

# With and without the offload modules GRO, or we, call xfrm_input()
all_ways()
{
	local mask
	for mask in 0 1 2 3; do
		expect "$1: RPS to CPUs $mask" rps $mask
		carries "$1, RPS $mask"
	done
}

log_init
need_module xfrm_interface esp4 esp6
need_cmd ethtool clang
agent_start lib_agent_tcp
gateway 1
sas 0 gcm
far_routes tunnel t0
all_ways "GRO"
expect "GRO off" in_ns "$GW" ethtool -K bow0 gro off
all_ways "GRO off"
expect "generic XDP" xdp_on
all_ways "generic XDP"
expect "GRO on" in_ns "$GW" ethtool -K bow0 gro on
carries "generic XDP and GRO"
done_testing
