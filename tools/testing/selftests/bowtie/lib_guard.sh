# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A guard on each underlay, for all of a test: it keeps what may not leave, and nothing
# else, so that it costs little and cannot overflow however much traffic there is.
# done_testing judges all of them, as one subtest. Sourced by lib.sh; lab_network and
# gateway set theirs.

# So many are proof enough
readonly GUARD_MAX=64
# What guard_prove's echo has in it, and its answer
readonly GUARD_HEX=67756172
readonly GUARD_ECHO="(icmp[0] = 8 or icmp[0] = 0) and icmp[8:4] = 0x$GUARD_HEX"

GUARDS=0
GUARD_FINDINGS=
declare -A GUARD_NS

# guard_begin NS DEV NEXTHOP [ALSO-ALLOWED-FILTER]: from now on no plaintext leaves NS by
# DEV, behind which NEXTHOP is. Nothing is guarded for the demo and the benchmarks, which
# have no done_testing.
guard_begin()
{
	[[ -n ${TEST_NAME:-} ]] || return 0
	guard_capture "$1" "$2" dst "${4:-}"
	guard_prove "$1" "$3"
}

# guard_arrivals NS DEV FROM ADDR: nor does any come in by DEV, behind which is the
# namespace FROM, to which DEV has ADDR. For a FROM that is to be deleted while packets
# flow: it would not go before a capture in it has ended.
guard_arrivals()
{
	guard_capture "$1" "$2" src
	guard_prove "$3" "$4"
}

# guard_capture NS DEV src|dst [ALSO-ALLOWED-FILTER]: what is from, or to, DEV itself does
# not matter. (libpcap's "outbound" loses packets: it filters the first ones again by
# itself, and then knows of no direction.) Sets GUARD_PCAP.
guard_capture()
{
	local ns=$1 dev=$2 way=$3 also=${4:-} filter mac

	GUARD_PCAP=$TEST_TMP/guard$((GUARDS++)).$dev.pcap
	mac=$(in_ns "$ns" cat "/sys/class/net/$dev/address")
	filter="ether $way $mac or $(underlay_filter | tr '\n\t' '  ')${also:+ or ($also)}"
	bg in_ns "$ns" tcpdump -n -i "$dev" -s 160 -c $GUARD_MAX -B 1024 -U -Z root --immediate-mode \
		-w "$GUARD_PCAP" "not ($filter)" 2>"$GUARD_PCAP.err"
	CAPTURE_PID["$GUARD_PCAP"]=$BG_PID
	GUARD_NS["$GUARD_PCAP"]=$ns
	busywait "$WAIT" grep -q 'listening on' "$GUARD_PCAP.err" ||
		bail "no guard on $dev: $(cat "$GUARD_PCAP.err")"
}

# guard_prove FROM ADDR: an echo, which is not allowed either. Whether it is answered does
# not matter. A guard that has not seen it is none.
guard_prove()
{
	in_ns "$1" ping -q -n -c 1 -W 1 -s 8 -p $GUARD_HEX "$2" >"$GUARD_PCAP.ping" 2>&1
	busywait "$WAIT" guard_saw "$GUARD_PCAP" "$GUARD_ECHO" ||
		bail "the guard is blind: $(cat "$GUARD_PCAP.err" "$GUARD_PCAP.ping")"
}

# guard_saw PCAP FILTER
guard_saw()
{
	(($(pcap_count "$1" "$2") > 0))
}

# guard_end NS|"": ends the guards in NS, or all of them; what they have found is kept for
# done_testing
guard_end()
{
	local pcap
	for pcap in "${!GUARD_NS[@]}"; do
		[[ -z $1 || ${GUARD_NS[$pcap]} == "$1" ]] || continue
		guard_judge "$pcap"
		unset "GUARD_NS[$pcap]"
	done
}

guard_judge()
{
	local pcap=$1 found name=${1##*/}

	guard_stop "$pcap" 2>"$pcap.why" ||
		GUARD_FINDINGS+="$name is not complete: $(cat "$pcap.why" "$pcap.err")"$'\n'
	if ! found=$(tcpdump -n -tttt -r "$pcap" "not ($GUARD_ECHO)" 2>"$pcap.read"); then
		GUARD_FINDINGS+="$name cannot be read: $(cat "$pcap.read")"$'\n'
	elif [[ -n $found ]]; then
		GUARD_FINDINGS+="$name:"$'\n'"$(head -n 20 <<<"$found")"$'\n'
	fi
}

# It may have ended by itself: with its device, or because it has seen enough, which the
# findings tell then.
guard_stop()
{
	local pcap=$1

	if kill -0 "${CAPTURE_PID[$pcap]}" 2>/dev/null; then
		capture_stop "$pcap"
		return
	fi
	unset "CAPTURE_PID[$pcap]"
	grep -q '^0 packets dropped by kernel' "$pcap.err" &&
		{ grep -q 'interface disappeared' "$pcap.err" ||
			(($(pcap_count "$pcap") >= GUARD_MAX)); }
}

# guard_verdict: one subtest, if there was anything to guard
guard_verdict()
{
	((GUARDS > 0)) || return 0
	guard_end ""
	[[ -z $GUARD_FINDINGS ]]
	result $? "no plaintext has left by the underlay" "$GUARD_FINDINGS"
	return 0
}
