#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 200
#
# Probes of each kind to the kernel's own stack and to another Bowtie, a cut each way,
# and packets that never leave unencrypted. For the topology see lib_gateway.sh; what a
# probe looks like and what proves nothing is shown by probes.py.

. "$(dirname "$0")/lib.sh"
. "$BOWTIE_SELFTESTS/lib_gateway.sh"

readonly INTERVAL=200ms

probe()
{
	bowtie -n "$GW" tunnel set bow0 "t$1" probe "${@:2}" probe-interval $INTERVAL
}

# answered I: an answer came after the last probe settings, and the tunnel is up
answered()
{
	local before
	before=$(tunnel_field "$1" .stats.rx_answers)
	busywait "$WAIT" answers_beyond "$1" "$before" && tunnel_is "$1" .oper up
}

answers_beyond()
{
	(($(tunnel_field "$1" .stats.rx_answers) > $2 + 2))
}

state_is()
{
	[[ $(tunnel_field "$1" '| .oper + " " + .reason') == "$2" ]]
}

# cut I to|from, mend: what the gateway sends to the far end of tunnel I, or the reverse,
# is silently lost
cut()
{
	in_ns "$PEER" nft add element inet cut "$2" "{ $(outer_peer "$1") }"
}

mend()
{
	in_ns "$PEER" nft flush set inet cut to
	in_ns "$PEER" nft flush set inet cut from
}

cuts_prepare()
{
	in_ns "$PEER" nft -f - <<-EOF || bail "nft"
		table inet cut {
			set to { type ipv4_addr; }
			set from { type ipv4_addr; }
			chain in { type filter hook prerouting priority -300; ip daddr @to drop; }
			chain out { type filter hook output priority -300; ip saddr @from drop; }
		}
	EOF
}

kinds()
{
	probe 0 icmp
	expect "icmp: the kernel answers" answered 0
	probe 1 tcp probe-port 179
	expect "tcp, closed port: RST is an answer" answered 1
	bg in_ns "$PEER" socat TCP-LISTEN:179,fork,reuseaddr,bind="$(inside_peer 2)" PIPE
	expect "somebody listens" busywait "$WAIT" listens
	probe 2 tcp
	expect "tcp, open port: SYN-ACK is an answer" answered 2
	expect_eq "tcp, open port: no connection is left behind" "$(connections)" 0
	expect "the same over IPv6: icmp" v6_only
}

listens()
{
	in_ns "$PEER" ss -Htln sport = 179 | grep -q .
}

# Half-open ones are reset within a round trip.
connections()
{
	busywait 5 no_connection
	in_ns "$PEER" ss -Htan sport = 179 state connected | wc -l
}

no_connection()
{
	[[ -z $(in_ns "$PEER" ss -Htan sport = 179 state connected) ]]
}

v6_only()
{
	bowtie -n "$GW" tunnel set bow0 t3 inside-local none inside-peer none &&
		bowtie -n "$GW" tunnel set bow0 t3 inside-local "$(inside_local 3 6)" \
			inside-peer "$(inside_peer 3 6)" &&
		probe 3 icmp && answered 3
}

cut_and_mended()
{
	local way=$1
	shift
	for one in "$@"; do
		cut 0 "$one"
	done
	expect "cut $way: down" busywait "$WAIT" state_is 0 "down no-answer"
	expect_eq "cut $way: the others stay up" "$(link_field .tunnels_up)" 3
	mend
	expect "mended: up again" busywait "$WAIT" tunnel_is 0 .oper up
}

all_cut()
{
	local i
	for i in 0 1 2 3; do
		cut "$i" to
	done
	expect "all cut: none is left" busywait "$WAIT" link_is .tunnels_up 0
	expect "all cut: the device is dormant" busywait "$WAIT" dormant
	expect_fail "all cut: traffic is refused" in_ns "$LAN" ping -q -c 1 -W 2 10.2.0.1
	mend
	expect "all are back" busywait 60 link_is .tunnels_up 4
	expect "traffic flows" in_ns "$LAN" ping -q -c 2 -W 10 10.2.0.1
}

dormant()
{
	[[ $(ip -n "$GW" -j link show bow0 | jq -r '.[0].operstate') == DORMANT ]]
}

# Two Bowties: each asks by its own kind and answers that of the other
two_bowties()
{
	ip -n "$PEER" link del ipsec0
	bowtie -n "$PEER" -batch - <<-EOF || bail "cannot set up the other Bowtie"
		link add bow0
		tunnel add bow0 t0 if-id 101 local $(outer_peer 0) remote $(outer_local 0) inside-local $(inside_peer 0) inside-peer $(inside_local 0)
	EOF
	ip -n "$PEER" -batch - <<-EOF || bail "cannot set up the other Bowtie's addresses"
		address add $(inside_peer 0)/30 dev bow0
		link set bow0 up
	EOF
	probe 0 bowtie
	# What it has failed before is forgiven.
	bowtie -n "$GW" tunnel set bow0 t0 down
	bowtie -n "$GW" tunnel set bow0 t0 up
	expect "bowtie: another Bowtie answers" answered 0
	bowtie -n "$PEER" tunnel set bow0 t0 probe bowtie probe-interval $INTERVAL
	expect "bowtie: both ways" busywait "$WAIT" peer_up
	expect "bowtie: the first is still answered" answered 0
}

peer_up()
{
	bowtie -n "$PEER" -j -s tunnel show bow0 t0 |
		jq -e '.[0] | .oper == "up" and .stats.rx_answers > 2 and .stats.rx_probes > 2' \
			>/dev/null
}

log_init
need_module xfrm_interface esp4 esp6 nf_tables
need_cmd jq nft socat ss
gateway 4
for i in 0 1 2 3; do
	sas "$i" gcm
done
far_routes tunnel t0 tunnel t1 tunnel t2 tunnel t3
busywait "$WAIT" link_is .tunnels_up 4 || bail "the tunnels do not come up"
cuts_prepare
PCAP=$TEST_TMP/probe.pcap
capture_start "$GW" eth0 "$PCAP"
kinds
cut_and_mended "towards the peer" to
cut_and_mended "towards us" from
cut_and_mended "both ways" to from
all_cut
two_bowties
expect "the capture is complete" capture_stop "$PCAP"
assert_no_plaintext "$PCAP"
done_testing
