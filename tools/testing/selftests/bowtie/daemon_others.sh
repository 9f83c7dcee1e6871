#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 600
#
# bowtied lives with others: an operator's swanctl --load-all, birdc configure with a
# bird.conf that is edited or broken, sessions disabled by hand, the link, its addresses,
# tunnels and routes deleted, more netlink messages than its sockets take. What is ours
# comes back, what is theirs stays. The lab is drawn in lib_lab.sh.

. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR
. "$BOWTIE_SELFTESTS/lib_lab.sh"
# shellcheck source-path=SCRIPTDIR
. "$BOWTIE_SELFTESTS/lib_daemon.sh"

works()
{
	lab_established && settled && reachable "$LAN" "$VPC_HOST" && reachable "$VPC" "$LAN_HOST"
}

# --- charon

operators_swanctl()
{
	cat >"$LAB/gw/swanctl.conf" <<-END
	connections { operator {
		version = 2
		local_addrs = $GW_OUT
		remote_addrs = 192.0.2.99
		local { auth = psk }
		remote { auth = psk }
		children { operator { start_action = none } }
	} }
	secrets { ike-operator { id = 192.0.2.99
		secret = "operators-own" } }
	END
}

conns()
{
	lab_swanctl gw --list-conns | sed -n 's/^\([a-z0-9_]*\): IKE.*/\1/p' | sort | tr '\n' ' '
}

conns_are()
{
	[[ $(conns) == "$1" ]]
}

load_all()
{
	local before all="bt_bow0_aws1 bt_bow0_aws2 bt_bow0_aws3 bt_bow0_aws4 operator "

	before=$(wire)
	bgp_note
	operators_swanctl
	traffic_start
	# Else it may have them back before one has looked.
	daemon_pause
	expect "swanctl --load-all" \
		lab_swanctl gw --load-all --file "$LAB/gw/swanctl.conf"
	expect_eq "has unloaded our connections" "$(conns)" "operator "
	kill -CONT "$GW_DAEMON"
	expect "they come back, beside the operator's" busywait 30 conns_are "$all"
	expect "with their secrets: settled" daemon_settled
	expect "again, with our secrets cleared" \
		lab_swanctl gw --load-creds --clear --file "$LAB/gw/swanctl.conf"
	daemon_log_mark
	expect "they come back, too" busywait 30 daemon_said "load secret bt_bow0_aws4"
	expect "settled" daemon_settled
	expect_eq "nothing has changed on the wire" "$(wire)" "$before"
	expect "nor for BGP" bgp_same
	traffic_stop
	traffic_whole "load-all: not one packet is lost"
	expect "an IKE SA can be set up anew" begun_anew
	expect_eq "the operator's connection stays" "$(conns)" "$all"
}

begun_anew()
{
	lab_swanctl gw --terminate --ike bt_bow0_aws2 --timeout 5 >/dev/null 2>&1
	busywait 60 works
}

# --- BIRD

protocols()
{
	lab_birdc gw show protocols | awk 'NR > 2 { print $1, $2 }' | sort
}

others_configure()
{
	local before
	before=$(protocols)
	bgp_note
	traffic_start
	expect_output "birdc configure by others" Reconfigur lab_birdc gw configure
	echo 'protocol static mine { ipv4; route 10.77.0.0/16 unreachable; }' >>"$LAB/gw/bird.conf"
	expect_output "with bird.conf edited" Reconfigur lab_birdc gw configure
	expect_eq "what they have added is there" \
		"$(diff <(echo "$before") <(protocols) | grep '^[<>]')" "> mine Static"
	expect_output "undone" Reconfigur lab_birdc gw configure undo
	cp "$LAB/gw/bird.conf" "$LAB/gw/bird.conf.good"
	echo 'protocol static half {' >>"$LAB/gw/bird.conf"
	expect_error "with bird.conf broken: refused" 'syntax error' lab_birdc gw configure
	expect "settled all the time" settled
	expect "no session has flapped" bgp_same
	traffic_stop
	traffic_whole "birdc configure: not one packet is lost"
}

# Our own change meets the operator's half-done one.
configure_refused()
{
	daemon_log_mark
	cp "$LAB/gw/bowtie.yaml" "$LAB/gw/bowtie.yaml.good"
	sed -i 's/announce: .*/announce: [10.1.0.0\/24, 10.8.0.0\/16]/' "$LAB/gw/bowtie.yaml"
	expect "a change for BIRD, while bird.conf is broken" cfg reload
	expect "BIRD's refusal is reported, with its place" \
		busywait "$WAIT" daemon_said "BIRD: configure: .*bird.conf:[0-9]+:[0-9]+: syntax error"
	expect_eq "nothing has changed for the cloud" "$(ip -n "$CLOUD" route show 10.8.0.0/16)" ""
	expect "sessions stay up" bgp_same
	cp "$LAB/gw/bird.conf.good" "$LAB/gw/bird.conf"
	expect "mended: it is tried again" busywait 60 cloud_route_width 10.8.0.0/16 4
	expect_eq "the operator's part is there, too" "$(protocols | grep mine)" "mine Static"
	cp "$LAB/gw/bowtie.yaml.good" "$LAB/gw/bowtie.yaml"
	cfg reload
	expect "and back" busywait 60 cloud_route_width 10.8.0.0/16 0
}

include_edited()
{
	echo '# by hand' >>"$LAB/gw/bowtie-bird.conf"
	expect "our file, edited by others, is written anew" \
		busywait 30 not grep -q 'by hand' "$LAB/gw/bowtie-bird.conf"
	rm -f "$LAB/gw/bowtie-bird.conf"
	expect "deleted: likewise" busywait 30 test -s "$LAB/gw/bowtie-bird.conf"
	expect "settled" daemon_settled
}

session_by_hand()
{
	bgp_note
	lab_birdc gw disable bt_bow0_aws2 >/dev/null
	expect "birdc disable: three tunnels carry it" busywait "$WAIT" route_width 10.2.0.0/16 3
	expect "nothing that bowtied would do about it" settled
	lab_birdc gw enable bt_bow0_aws2 >/dev/null
	expect "birdc enable: four" busywait 60 lab_established
	expect "no other session was touched" bgp_same 'aws2|tunnel1'
}

# --- the kernel

# tunnel_has NAME FIELD VALUE
tunnel_has()
{
	[[ $(in_ns "$GW" bowtie -j -d tunnel show bow0 "$1" | jq -r ".[0].$2") == "$3" ]]
}

link_by_hand()
{
	local what
	ip -n "$GW" address del 169.254.21.2/30 dev bow0
	expect "address deleted: repaired" busywait 60 works
	in_ns "$GW" bowtie route flush dev bow0
	expect "routes flushed: repaired" busywait 30 works
	in_ns "$GW" bowtie tunnel set bow0 aws3 admin drain weight 5
	expect "tunnel changed: repaired" busywait 30 tunnel_has aws3 weight 1
	expect "but a drain ordered by hand stays" tunnel_has aws3 admin drain
	in_ns "$GW" bowtie tunnel set bow0 aws3 admin up
	expect "until it is ended by hand" busywait 30 works
	in_ns "$GW" bowtie tunnel delete bow0 aws1
	expect "tunnel deleted: repaired" busywait 60 works
	ip -n "$GW" link set bow0 down
	expect "link down: repaired" busywait 60 works
	ip -n "$GW" route flush table "$(own_table)"
	expect "BIRD's table flushed: repaired" busywait 90 works
	for what in one two; do
		ip -n "$GW" link del bow0
		expect "link deleted ($what): repaired" busywait 90 works || lab_logs
	done
}

own_table()
{
	sed -n 's/.*kernel table \([0-9]*\);/\1/p' "$LAB/gw/bowtie-bird.conf" | head -n 1
}

# dropped: messages that the daemon's netlink sockets did not take
dropped()
{
	# shellcheck disable=SC2016 # awk's own $
	in_ns "$GW" awk -v pid="$GW_DAEMON" '
		NR > 1 && $9 > 0 { n += $9 } END { print n + 0 }' /proc/net/netlink
}

route_batch()
{
	local i table=$2
	for ((i = 0; i < 5000; i++)); do
		echo "route $1 10.$((128 + i / 256)).$((i % 256)).0/24 via 169.254.21.1 dev bow0 table $table proto static"
	done
}

route_count()
{
	(($(in_ns "$GW" bowtie -j route show dev bow0 |
		jq '[.[] | select(.dst | startswith("10.1") and endswith("/24"))] | length') == $1))
}

# 5 000 routes come and go while the daemon does not read.
overflow()
{
	local table before
	table=$(own_table)
	before=$(in_ns "$GW" bowtie -j route show dev bow0 | jq -c 'map(.dst)')
	route_batch add "$table" >"$LAB/add"
	route_batch del "$table" >"$LAB/del"
	traffic_start
	kill -STOP "$GW_DAEMON"
	for _ in 1 2 3; do
		ip -n "$GW" -batch "$LAB/add"
		ip -n "$GW" -batch "$LAB/del"
	done
	ip -n "$GW" -batch "$LAB/add"
	expect_cmp "a netlink socket has overflown" "$(dropped)" -gt 0
	kill -CONT "$GW_DAEMON"
	expect "after the overflow the module has all of them" busywait 60 route_count 5000
	kill -STOP "$GW_DAEMON"
	for _ in 1 2 3; do
		ip -n "$GW" -batch "$LAB/del"
		ip -n "$GW" -batch "$LAB/add"
	done
	ip -n "$GW" -batch "$LAB/del"
	kill -CONT "$GW_DAEMON"
	expect "and then none" busywait 60 route_count 0
	expect "settled" daemon_settled
	expect_eq "the others are as they were" \
		"$(in_ns "$GW" bowtie -j route show dev bow0 | jq -c 'map(.dst)')" "$before"
	traffic_stop
	traffic_whole "overflow: not one packet is lost"
}

log_init
need_cmd socat jq swanctl birdc bird
lab_up
expect "the daemon has settled" daemon_settled
load_all
others_configure
configure_refused
include_edited
session_by_hand
link_by_hand
overflow
((TAP_FAILED == 0)) || lab_logs
done_testing
