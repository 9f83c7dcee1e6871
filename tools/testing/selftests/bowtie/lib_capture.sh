# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What is really on the wire. Sourced by lib.sh.

# A payload that no packet on the underlay may show: use it in what a test
# sends, e.g. ping -p "$PLAINTEXT_HEX"
readonly PLAINTEXT_MARK="bowtie!plaintext"
# shellcheck disable=SC2034 # for the tests
readonly PLAINTEXT_HEX="626f7774696521706c61696e74657874"

declare -A CAPTURE_PID

# capture_start NS DEV PCAP: everything on DEV, until capture_stop; $CAPTURE_BYTES of each
# packet. Each slot of the ring is as large as -s: without a limit it has 64 KiB, and 256
# slots.
capture_start()
{
	local ns=$1 dev=$2 pcap=$3
	bg in_ns "$ns" tcpdump -n -i "$dev" -s "${CAPTURE_BYTES:-2048}" -B 32768 -U -Z root \
		--immediate-mode -w "$pcap" 2>"$pcap.err"
	CAPTURE_PID[$pcap]=$BG_PID
	busywait "$WAIT" grep -q 'listening on' "$pcap.err" ||
		bail "cannot capture on $dev: $(cat "$pcap.err")"
}

# True when tcpdump has written all that its filter has let through. It answers
# SIGUSR1 with "N packets captured, N packets received by filter, ...".
capture_drained()
{
	local pcap=$1 before after captured received
	before=$(grep -c 'received by filter' "$pcap.err")
	kill -USR1 "${CAPTURE_PID[$pcap]}" || return 1
	busywait 5 capture_answered "$pcap" "$before" || return 1
	after=$(grep 'received by filter' "$pcap.err" | tail -n 1)
	captured=$(sed -n 's/.*[^0-9]\([0-9]\+\) packets\? captured.*/\1/p' <<<" $after")
	received=$(sed -n 's/.*[^0-9]\([0-9]\+\) packets\? received by filter.*/\1/p' <<<" $after")
	[[ -n $captured && $captured == "$received" ]] || capture_still "$pcap"
}

# capture_still PCAP: nothing has moved for a while. What came before tcpdump had set its filter
# counts as received, and is thrown away.
capture_still()
{
	local answers
	answers=$(grep 'received by filter' "$1.err" | tail -n 20)
	[[ $(wc -l <<<"$answers") == 20 && $(uniq <<<"$answers" | wc -l) == 1 ]]
}

capture_answered()
{
	(($(grep -c 'received by filter' "$1.err") > $2))
}

# capture_stop PCAP: fails if packets got lost: an incomplete capture proves
# nothing
capture_stop()
{
	local pcap=$1
	busywait "$WAIT" capture_drained "$pcap" || return 1
	stop "${CAPTURE_PID[$pcap]}"
	unset "CAPTURE_PID[$pcap]"
	grep -q '^0 packets dropped by kernel' "$pcap.err"
}

# pcap_count PCAP [FILTER]
pcap_count()
{
	local pcap=$1
	shift
	tcpdump -n -r "$pcap" "$@" 2>/dev/null | wc -l
}

# What an underlay may carry: ESP, IKE and ESP in UDP, later fragments of UDP,
# ARP, neighbour discovery and multicast listeners, and routers' errors about
# one of these. An echo is not among them.
underlay_filter()
{
	local v4 v6 natt='= 500' natt2='= 4500'
	# In this language "and" does not bind closer than "or"
	v4="((icmp[0] = 3 or icmp[0] = 11 or icmp[0] = 12) and (icmp[17] = 50 or
		(icmp[17] = 17 and (icmp[28:2] $natt or icmp[28:2] $natt2 or
		 icmp[30:2] $natt or icmp[30:2] $natt2))))"
	# behind an IPv6 header: type at 40, quoted next header at 54, its ports at 88
	v6="((ip6[40] >= 1 and ip6[40] <= 4) and (ip6[54] = 50 or
		(ip6[54] = 17 and (ip6[88:2] $natt or ip6[88:2] $natt2 or
		 ip6[90:2] $natt or ip6[90:2] $natt2))))"
	echo "arp or ip proto 50 or udp port 500 or udp port 4500
		or (ip proto 17 and ip[6:2] & 0x1fff != 0)
		or (ip6[6] = 50) or (ip6[6] = 44 and (ip6[40] = 50 or
		    (ip6[40] = 17 and (ip6[42:2] & 0xfff8 != 0 or
		     ip6[48:2] = 500 or ip6[48:2] = 4500 or ip6[50:2] = 500 or ip6[50:2] = 4500))))
		or (icmp and $v4)
		or (ip6[6] = 58 and ((ip6[40] >= 130 and ip6[40] <= 137) or ip6[40] = 143 or $v6))
		or (ip6[6] = 0 and ip6[40] = 58 and (ip6[48] = 143 or ip6[48] = 131 or ip6[48] = 132))"
}

# assert_no_plaintext PCAP [ALSO-ALLOWED-FILTER]: one subtest. Nothing but what
# an underlay may carry is there, the marker appears nowhere, and at least one
# ESP packet shows that the capture saw the tunnel at all (NO_ESP=1: none is
# expected).
assert_no_plaintext()
{
	local pcap=$1 also=${2:-} filter bad esp name
	name="no plaintext on the underlay (${pcap##*/})"
	filter=$(underlay_filter | tr '\n\t' '  ')
	[[ -z $also ]] || filter="$filter or ($also)"
	if ! bad=$(tcpdump -n -r "$pcap" "not ($filter)" 2>"$pcap.read"); then
		fail "$name" "cannot read the capture: $(cat "$pcap.read")"
		return
	fi
	esp=$(pcap_count "$pcap" -c 1 "ip proto 50 or ip6[6] = 50 or udp port 4500")
	if [[ -n $bad ]]; then
		fail "$name" "$(head -n 20 <<<"$bad")"
	elif grep -qaF "$PLAINTEXT_MARK" "$pcap"; then
		fail "$name" "the marker '$PLAINTEXT_MARK' is readable"
	elif [[ -z ${NO_ESP:-} ]] && ((esp == 0)); then
		fail "$name" "not one ESP packet in $(pcap_count "$pcap") captured"
	else
		pass "$name"
	fi
}
