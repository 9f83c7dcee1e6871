#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 900
#
# ESP of the fast path is taken at the ingress of its device, before IP, and nobody is to
# notice: firewalls, captures and counters see what they saw, what is odd takes the long way,
# and devices come and go. (Complaints of the kernel fail any test.) For the topology see
# lib_gateway.sh.

. "$(dirname "$0")/lib.sh"
. "$BOWTIE_SELFTESTS/lib_agent.sh"
. "$BOWTIE_SELFTESTS/lib_gateway.sh"
. "$BOWTIE_SELFTESTS/lib_load.sh"
. "$BOWTIE_SELFTESTS/lib_trace.sh"

# shellcheck disable=SC2034 # for lib_gateway.sh
readonly ESP_MODE=fast

count()
{
	agent counter "$GW" bow0 "$1"
}

# begin: from now on packets are counted
begin()
{
	EARLY=$(count rx_early) ARRIVED=$(count rx_packets)
}

# were_early LABEL: all that came since begin, but a few
were_early()
{
	local early=$(($(count rx_early) - EARLY)) all=$(($(count rx_packets) - ARRIVED))
	expect_cmp "$1: packets came" $all -ge 20
	expect_cmp "$1: nearly all of them early" $((all - early)) -le 3
}

# were_late LABEL: none of them was early
were_late()
{
	expect_cmp "$1: packets came" $(($(count rx_packets) - ARRIVED)) -ge 20
	expect_eq "$1: none of them early" $(($(count rx_early) - EARLY)) 0
}

# takes_early: for busywait; the first packets are those that the device is learnt from
takes_early()
{
	local before
	before=$(count rx_early)
	agent ping "$LAN" 10.2.0.1 100 2 && (($(count rx_early) == before + 2))
}

# udp LABEL FROM TO SRC DST: by an injector to a sniffer
udp()
{
	agent forget "$3" >/dev/null
	agent inject_udp "$2" "$4" "$5" count=20 size=300 >/dev/null
	expect "$1" agent await_packets "$3" 20 proto=17 src="$4" dst="$5" len=300 csum=ok
}

carries()
{
	expect "$1: echo, IPv4 inside" agent ping "$LAN" 10.2.0.1 1200 5
	expect "$1: echo, IPv6 inside" agent ping "$LAN" fd02::1 1200 5
	expect "$1: TCP, IPv4 inside" agent tcp "$LAN" "$PEER" 10.2.0.1 0.1
	expect "$1: TCP, IPv6 inside" agent tcp "$PEER" "$LAN" fd01::2 0.1 fd02::1
	udp "$1: UDP out, IPv4 inside" lan far 10.1.0.2 10.2.1.1
	udp "$1: UDP out, IPv6 inside" lan far fd01::2 fd02:1::1
	udp "$1: UDP in, IPv4 inside" far host 10.2.1.1 10.1.0.2
	udp "$1: UDP in, IPv6 inside" far host fd02:1::1 fd01::2
}

# What both the underlay and the inside of the gateway show of twenty echoes
captures()
{
	local wire=$TEST_TMP/wire.pcap inside=$TEST_TMP/inside.pcap esp
	[[ $2 == 4 ]] && esp="ip proto 50" || esp="ip6 proto 50"
	capture_start "$GW" eth0 "$wire"
	capture_start "$GW" bow0 "$inside"
	begin
	expect "$1, captured: echoes" agent ping "$LAN" 10.2.0.1 100 20
	were_early "$1, captured"
	expect "$1: both captures are complete" capture_both "$wire" "$inside"
	expect_eq "$1: the underlay's has their ESP" \
		"$(pcap_count "$wire" "$esp and src $(outer_peer 0)")" 20
	expect_eq "$1: the link's has what is inside" \
		"$(pcap_count "$inside" "icmp[0] = 0 and dst 10.1.0.2")" 20
	rm -f "$wire" "$inside"
}

capture_both()
{
	capture_stop "$1" && capture_stop "$2"
}

# growth FAMILY N: of the stack's counters with twenty echoes, N received packets of FAMILY in
# all: not while there is other traffic
growth()
{
	local name ip=Ip ext=IpExt names before
	[[ $1 == 4 ]] || ip=Ip6 ext=Ip6
	names="${ip}InReceives ${ip}InDelivers ${ext}InOctets ${ext}InNoECTPkts"
	# shellcheck disable=SC2086 # a word for each
	before=$(in_ns "$GW" nstat -asz $names)
	agent ping "$LAN" 10.2.0.1 100 20 >/dev/null
	# shellcheck disable=SC2086
	awk '/^#/ { next } $1 in old { print $1, $2 - old[$1]; next } { old[$1] = $2 }' \
		<(echo "$before") <(in_ns "$GW" nstat -asz $names) >"$TEST_TMP/growth"
	cat "$TEST_TMP/growth"
	grep -q "^${ip}InReceives $2$" "$TEST_TMP/growth"
}

# Rules at a hook see ESP, and once they are gone it is early again. What the stack counts is
# the same.
firewall()
{
	local label=$1 family=$2 n=20 hook early seen
	# requests and replies inside, too
	[[ $family == 6 ]] || n=60
	expect "$label: the stack counts" busywait "$WAIT" growth "$family" $n
	early=$(<"$TEST_TMP/growth")
	for hook in input prerouting; do
		in_ns "$GW" nft -f - <<-END || bail "no rule at $hook"
			table inet early {
				chain c { type filter hook $hook priority 0; meta l4proto esp counter; }
			}
		END
		begin
		carries "$label, rule at $hook"
		were_late "$label, rule at $hook"
		seen=$(in_ns "$GW" nft -j list table inet early |
			jq '.nftables[].rule | select(.) | .expr[].counter | select(.) | .packets')
		expect_cmp "$label: the rule at $hook sees ESP" "$seen" -ge \
			$(($(count rx_packets) - ARRIVED))
		expect "$label, rule at $hook: the stack counts" busywait "$WAIT" growth "$family" $n
		expect_eq "$label, rule at $hook: as it does without" "$(<"$TEST_TMP/growth")" "$early"
		in_ns "$GW" nft delete table inet early
		expect "$label: early again without a rule at $hook" busywait "$WAIT" takes_early
	done
}

by_xfrm()
{
	bowtie -n "$GW" tunnel set bow0 t0 esp-mode xfrm
	begin
	carries "$1, by xfrm"
	were_late "$1, by xfrm"
	bowtie -n "$GW" tunnel set bow0 t0 esp-mode fast
	expect "$1: early again by the fast path" busywait "$WAIT" takes_early
}

# esp COMMAND LAST [SNIFFER]: one or more packets of the null SA, from number SEQ on
esp()
{
	agent "$1" wire "${@:3}" "$(outer_peer 0)" "$(outer_local 0)" "${SPI_IN[0]}" "$SEQ" \
		10.2.1.1 10.1.0.2 "$2"
}

# odd LABEL HOW EARLY: it arrives, and counts as that many early ones
odd()
{
	local before
	before=$(count rx_early)
	agent forget host >/dev/null
	((++SEQ))
	esp esp_odd "$2" >/dev/null
	expect "$1: $2: arrives" agent await_packets host 1 proto=17 len=200 csum=ok
	# It is counted once it has been delivered
	expect "$1: $2: early: $3" busywait "$WAIT" early_is $((before + $3))
}

early_is()
{
	(($(count rx_early) == $1))
}

# early_more BEFORE [N]: packets
early_more()
{
	(($(count rx_early) >= $1 + ${2:-100}))
}

# plain_until_early: the first packet of an SA is xfrm's, the next two show the way. Not under
# expect, where SEQ would be another shell's.
plain_until_early()
{
	local before end=$((SECONDS + WAIT))
	before=$(count rx_early)
	until early_more "$before" 1 || ((SECONDS >= end)); do
		((++SEQ))
		agent forget host >/dev/null
		esp esp_odd plain >/dev/null
		# None is under way when the next one is sent, or counted
		agent await_packets host 1 proto=17 len=200 >/dev/null || return
	done
}

# early_again LABEL: not always the very next one, as routes change by themselves, too
early_again()
{
	local before
	before=$(count rx_early)
	plain_until_early
	expect "$1: plain: early" early_more "$before" 1
}

# Only IP knows what to do with them. What is damaged does not arrive.
odd_ones()
{
	local how sums
	early_again "$1"
	for how in options trailing fragments; do
		odd "$1" $how 0
		early_again "$1"
	done
	agent forget host >/dev/null
	((++SEQ))
	expect_counted "$1: wrong sum of ESP: dropped" rx_drop_esp 1 esp esp_odd icv
	if [[ $2 == 4 ]]; then
		sums=$(snmp "$GW" IpExtInCsumErrors)
		esp esp_odd csum >/dev/null
		expect "$1: wrong sum of IP: dropped by IP" busywait "$WAIT" sums_are $((sums + 1))
	fi
	expect_eq "$1: neither arrives" "$(agent seen host proto=17)" 0
	early_again "$1"
}

sums_are()
{
	[[ $(snmp "$GW" IpExtInCsumErrors) == "$1" ]]
}

# rps MASK: CPUs for what comes in by eth0
rps()
{
	# shellcheck disable=SC2016 # the inner shell's
	in_ns "$GW" sh -c 'echo "$1" >/sys/class/net/eth0/queues/rx-0/rps_cpus' sh "$1"
}

bursts()
{
	rps 0
	in_ns "$PEER" tc qdisc add dev eth0 root netem limit 5000 slot 20ms 20ms packets 50
}

# in_order LABEL HOW CMD...: one flow, once CMD has said how it arrives
in_order()
{
	expect "$1, $2" "${@:3}"
	agent forget host >/dev/null
	begin
	((++SEQ))
	expect "$1, $2: a flow stays in order" esp esp_burst 500 host
	((SEQ += 500))
	were_early "$1, $2"
}

open()
{
	agent sniff host "$LAN" eth0
	agent sniff far "$PEER" ipsec0
	agent injector_open lan "$LAN" eth0 "$GW" lan0
	agent injector_open far "$PEER" ipsec0
} >/dev/null

close()
{
	agent release "$LAN" "$GW" "$PEER" >/dev/null
	del_ns "$LAN" "$GW" "$PEER"
}

outside()
{
	local label="IPv$1 outside" before
	gateway 1 "$1"
	sas 0 gcm
	far_routes tunnel t0
	open
	expect "$label: the device is learnt" busywait "$WAIT" takes_early
	begin
	carries "$label"
	were_early "$label"
	captures "$label" "$1"
	firewall "$label" "$1"
	by_xfrm "$label"
	sas_del 0
	sas 0 null
	SEQ=100
	agent injector_open wire "$PEER" eth0 "$GW" eth0 >/dev/null
	before=$(count rx_early)
	plain_until_early
	expect "$label: without a cipher, early" early_more "$before" 1
	odd_ones "$label" "$1"
	in_order "$label" "at the CPU that sends" rps 0
	in_order "$label" "at another CPU" rps 2
	in_order "$label" "in bursts" bursts
	close
}

# What comes by another device than it was learnt from
becomes_port()
{
	local before
	ip -n "$GW" -batch - <<-END || bail "cannot create a bridge"
		link add br0 address $(in_ns "$GW" cat /sys/class/net/eth0/address) type bridge
		link set br0 up
		address del 192.0.2.1/24 dev eth0
		link set eth0 master br0
		address add 192.0.2.1/24 dev br0
	END
	expect "a bridge's port: the bridge is learnt" busywait "$WAIT" takes_early
	before=$(dev_stat "$GW" br0 rx_packets)
	expect "a bridge's port: early" busywait "$WAIT" takes_early
	expect_cmp "a bridge's port: by the bridge" $(($(dev_stat "$GW" br0 rx_packets) - before)) -ge 2
	ip -n "$GW" link del br0
	ip -n "$GW" address add 192.0.2.1/24 dev eth0
	expect "no port any more: early" busywait "$WAIT" takes_early
}

# What comes by a VRF. The way out is not in it.
becomes_slave()
{
	ip -n "$GW" link add vrf0 type vrf table 10
	ip -n "$GW" link set vrf0 up
	ip -n "$GW" link set eth0 master vrf0
	busywait "$WAIT" carrier "$GW" eth0
	begin
	udp "in a VRF: packets come in" far host 10.2.1.1 10.1.0.2
	were_late "in a VRF"
	ip -n "$GW" link set eth0 nomaster
	ip -n "$GW" link del vrf0
	expect "in no VRF any more: early" busywait "$WAIT" takes_early
}

# ours_no_more LABEL CMD...: CMD takes away what makes IP take packets to the host's address.
# The SAs are still there.
ours_no_more()
{
	local label=$1 before
	shift
	"$@" || bail "$label: cannot be done"
	before=$(count rx_packets)
	agent inject_udp far 10.2.1.1 10.1.0.2 count=20 >/dev/null
	expect "$label: packets come to the device" busywait "$WAIT" dev_got $((GOT + 20))
	expect_eq "$label: but not into the link" "$(count rx_packets)" "$before"
}

loses_address()
{
	local GOT
	GOT=$(dev_stat "$GW" eth0 rx_packets)
	# The neighbour is asked no more, and nobody answers for the address
	ip -n "$PEER" neigh replace 192.0.2.1 nud permanent dev eth0 \
		lladdr "$(in_ns "$GW" cat /sys/class/net/eth0/address)"
	ours_no_more "without its address" ip -n "$GW" address del 192.0.2.1/24 dev eth0
	ip -n "$GW" address add 192.0.2.1/24 dev eth0
	expect "the address is back: early" busywait "$WAIT" takes_early
	GOT=$(dev_stat "$GW" eth0 rx_packets)
	# before the table of local addresses, whose rule has the first place
	ip -n "$GW" rule add prio 10 lookup local
	ip -n "$GW" rule del prio 0
	busywait "$WAIT" takes_early || bail "the rules are in the way"
	ours_no_more "with a rule against it" \
		ip -n "$GW" rule add prio 5 iif eth0 ipproto esp blackhole
	ip -n "$GW" rule add prio 0 lookup local
	ip -n "$GW" rule del prio 10
	ip -n "$GW" rule del prio 5
	expect "the rule is gone: early" busywait "$WAIT" takes_early
	ip -n "$PEER" neigh del 192.0.2.1 dev eth0
}

moves()
{
	setup_ns ELSEWHERE
	expect "it moves away" ip -n "$GW" link set eth0 netns "$ELSEWHERE"
	ip -n "$ELSEWHERE" link set eth0 up
	expect_fail "it is elsewhere: nothing passes" in_ns "$LAN" ping -q -c 1 -W 1 10.2.0.1
	expect "it moves back" ip -n "$ELSEWHERE" link set eth0 netns "$GW"
	ip -n "$GW" address replace 192.0.2.1/24 dev eth0
	ip -n "$GW" link set eth0 up
	expect "it is back: early" busywait "$WAIT" takes_early
	del_ns "$ELSEWHERE"
}

# hook_runs: do packets from the far end meet the hook?
hook_runs()
{
	local before got
	before=$(probe_hits hook) got=$(dev_stat "$GW" eth0 rx_packets)
	agent inject_udp far 10.2.1.1 10.1.0.2 count=20 >/dev/null
	busywait "$WAIT" dev_got $((got + 20)) && (($(probe_hits hook) >= before + 20))
}

dev_got()
{
	(($(dev_stat "$GW" eth0 rx_packets) >= $1))
}

hook_goes()
{
	probe hook bowtie:early
	expect "with a link ESP meets the hook" hook_runs
	ip -n "$GW" link add bow1 type bowtie
	ip -n "$GW" link del bow1
	expect "so it does when one of two links is gone" hook_runs
	ip -n "$GW" link del bow0
	expect_fail "with no link it does not" hook_runs
	expect "with a link again" bow_create
	expect "it does again" busywait "$WAIT" takes_early
	probes_remove
}

devices()
{
	gateway 2
	# It would end with the device
	guard_end "$GW"
	sas 0 gcm
	sas 1 gcm
	far_routes tunnel t0
	open
	expect "the device is learnt" busywait "$WAIT" takes_early
	loses_address
	becomes_port
	becomes_slave
	moves
	hook_goes
	close
}

# The SAs and the far end's interfaces, which know it by its index, stay.
replug()
{
	local index
	index=$(in_ns "$PEER" cat /sys/class/net/eth0/ifindex)
	ip -n "$GW" link del eth0
	ip -n "$GW" link add eth0 type veth peer name eth0 index "$index" netns "$PEER" &&
		addrs "$GW" eth0 192.0.2.1/24 && addrs "$PEER" eth0 192.0.2.2/24,192.0.2.3/24 &&
		ip -n "$GW" link set eth0 up && ip -n "$PEER" link set eth0 up
}

reload()
{
	rmmod bowtie && insmod "$BOWTIE_KO" && bow_create
}

under_traffic()
{
	load_gateway
	guard_end "$GW"
	load_start
	expect "under traffic: early" busywait "$WAIT" early_more 0
	under_load "the device is deleted under traffic" 3 replug
	expect "it is back: early" busywait "$WAIT" early_more "$(count rx_early)"
	under_load "unloaded under traffic" 3 reload
	expect "loaded again: early" busywait "$WAIT" early_more 0
	agent release "$LAN" "$GW" "$PEER" >/dev/null
	leaks_end "under traffic"
}

log_init
need_module xfrm_interface esp4 esp6 veth bridge vrf nf_tables sch_netem
need_cmd nft nstat jq flows taskset tc
leaks_begin
agent_start lib_agent_tcp lib_agent_early
outside 4
outside 6
devices
under_traffic
done_testing
