#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 180
#
# The lab itself, without Bowtie: SAs by hand between two plain xfrm interfaces,
# with every algorithm, and the capture's ability to see what must not be there.
# If this fails, the kernel, iproute2 or the library is at fault.
#
#	A  eth0 192.0.2.1 ------- 192.0.2.2 eth0  B
#	   ipsec0 10.0.0.1 ======= 10.0.0.2 ipsec0

. "$(dirname "$0")/lib.sh"

# Makes A and B with an IPsec interface each; addresses of the underlay as
# arguments
topology()
{
	A_OUT=$1 B_OUT=$2
	setup_ns A B
	veth "$A" eth0 192.0.2.1/24,2001:db8::1/64 "$B" eth0 192.0.2.2/24,2001:db8::2/64
	xfrm_peer "$A" ipsec0 7 "$A_OUT" "$B_OUT" eth0 10.0.0.1/24,fd00::1/64
	xfrm_peer "$B" ipsec0 9 "$B_OUT" "$A_OUT" eth0 10.0.0.2/24,fd00::2/64
}

both_families()
{
	reachable "$A" 10.0.0.2 -p "$PLAINTEXT_HEX" && reachable "$A" fd00::2 -p "$PLAINTEXT_HEX"
}

algorithms_v4()
{
	local alg pcap=$TEST_TMP/algorithms.pcap

	topology 192.0.2.1 192.0.2.2
	capture_start "$A" eth0 "$pcap"
	for alg in $SA_ALGORITHMS; do
		sa_pair "$A" "$A_OUT" "$B" "$B_OUT" 7:9 "$alg"
		expect "$alg: answered in both families" both_families
		expect_cmp "$alg: the SA counts" "$(sa_packets "$A" "$SPI_AB")" -ge 2
		sa_pair_del "$A" "$A_OUT" "$B" "$B_OUT" "$SPI_AB" "$SPI_BA"
	done
	expect_fail "no SA, no answer" reachable "$A" 10.0.0.2 -W 1
	expect "the capture is complete" capture_stop "$pcap"
	assert_no_plaintext "$pcap"
}

nat_traversal()
{
	local pcap=$TEST_TMP/natt.pcap

	natt_sockets "$A" 192.0.2.1
	natt_sockets "$B" 192.0.2.2
	capture_start "$A" eth0 "$pcap"
	sa_pair "$A" "$A_OUT" "$B" "$B_OUT" 7:9 gcm "${NATT[@]}"
	expect "ESP in UDP: answered in both families" both_families
	expect "the capture is complete" capture_stop "$pcap"
	expect_cmp "it is UDP" "$(pcap_count "$pcap" udp port 4500)" -ge 4
	expect_eq "and only UDP" "$(pcap_count "$pcap" esp)" 0
	assert_no_plaintext "$pcap"
}

outer_v6()
{
	local pcap=$TEST_TMP/outer6.pcap

	topology 2001:db8::1 2001:db8::2
	capture_start "$A" eth0 "$pcap"
	sa_pair "$A" "$A_OUT" "$B" "$B_OUT" 7:9 gcm
	expect "IPv6 outside: answered in both families" both_families
	expect "the capture is complete" capture_stop "$pcap"
	assert_no_plaintext "$pcap"
}

# The assertion has to fail on this; its own subtest must not count
sees_plaintext()
{
	local name=$1 out pcap=$2
	out=$(assert_no_plaintext "$pcap")
	[[ $out == "not ok"* ]]
	result $? "$name" "$out"
}

capture_sees()
{
	local pcap=$TEST_TMP/echo.pcap

	capture_start "$A" eth0 "$pcap"
	expect "underlay is reachable" reachable "$A" 192.0.2.2
	capture_stop "$pcap"
	sees_plaintext "an echo on the underlay is seen" "$pcap"

	pcap=$TEST_TMP/nothing.pcap
	capture_start "$A" lo "$pcap"
	capture_stop "$pcap"
	sees_plaintext "an empty capture proves nothing" "$pcap"

	pcap=$TEST_TMP/mark.pcap
	capture_start "$A" eth0 "$pcap"
	in_ns "$A" socat -u STDIN UDP4-SENDTO:192.0.2.2:500 <<<"$PLAINTEXT_MARK"
	capture_stop "$pcap"
	NO_ESP=1 sees_plaintext "the marker is seen, even on an allowed port" "$pcap"

	pcap=$TEST_TMP/error.pcap
	capture_start "$A" eth0 "$pcap"
	in_ns "$A" socat -u STDIN UDP4-SENDTO:192.0.2.2:4500 <<<"nobody listens"
	expect "a router's error arrives" \
		busywait "$WAIT" snmp_at_least "$A" IcmpInDestUnreachs 1
	capture_stop "$pcap"
	NO_ESP=1 assert_no_plaintext "$pcap"
	expect_cmp "and was captured" "$(pcap_count "$pcap" icmp)" -ge 1
}

# guard_finds NAME REGEX: what a guard has found in the end, which must not count here
guard_finds()
{
	guard_end "$A"
	[[ $GUARD_FINDINGS =~ $2 ]]
	result $? "$1" "found: $GUARD_FINDINGS"
	GUARD_FINDINGS=
}

# The gateway's own guard of each test, on what it is there for
guard_sees()
{
	guard_begin "$A" eth0 192.0.2.2
	sa_pair "$A" "$A_OUT" "$B" "$B_OUT" 7:9 gcm
	expect "under guard: answered in both families" both_families
	guard_finds "the guard has seen its own echo alone" '^$'

	guard_begin "$A" eth0 192.0.2.2
	in_ns "$A" ping -q -n -c 1 -W 1 2001:db8::2 >/dev/null
	guard_finds "one echo is found" 'guard.*: ICMP6, echo request'

	guard_begin "$A" eth0 192.0.2.2
	in_ns "$A" ping -q -n -f -c 100 -W 1 192.0.2.2 >/dev/null
	guard_finds "a flood is found" 'guard.*: ICMP echo request'

	guard_begin "$A" eth0 192.0.2.2
	stop "${CAPTURE_PID[$GUARD_PCAP]}" KILL
	guard_finds "a guard that has died is found" 'is not complete'

	(WAIT=2; guard_begin "$A" lo 192.0.2.2) >"$TEST_TMP/blind"
	expect_output "one that sees nothing ends the test" "^Bail out! the guard is blind" \
		cat "$TEST_TMP/blind"
}

snmp_at_least()
{
	(($(snmp "$1" "$2") >= $3))
}

log_init
need_module xfrm_interface esp4 esp6
algorithms_v4
nat_traversal
outer_v6
capture_sees
guard_sees
done_testing
