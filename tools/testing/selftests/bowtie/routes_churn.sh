#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 500
#
# The cloud announces a thousand prefixes over four sessions, takes them back from one
# and from all, makes one path worse: the module's routes are BIRD's each time, no route
# goes away that only changes, and traffic to what does not change loses nothing.
# At last the cloud answers by another tunnel than it was asked by, which rp_filter and
# conntrack must not mind. The lab is drawn in lib_lab.sh.

. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR
. "$BOWTIE_SELFTESTS/lib_lab.sh"
# shellcheck source-path=SCRIPTDIR
. "$BOWTIE_SELFTESTS/lib_daemon.sh"

readonly PREFIXES=1000
# From a change in the cloud to the last route in the module, emulated, on a busy machine
readonly BOUND_MS=60000
# Routes go to the module many in a message
readonly BOUND_REQUESTS=200

# prefixes: 10.64.0.0/24 and so on, as static routes of BIRD's
prefixes()
{
	local i
	for ((i = 0; i < PREFIXES; i++)); do
		echo "route 10.$((64 + i / 256)).$((i % 256)).0/24 unreachable;"
	done
}

# announce none|all, then what tunnel3's export filter does with them
announce()
{
	if [[ $1 == all ]]; then
		prefixes >"$LAB/cloud/prefixes.conf"
	else
		: >"$LAB/cloud/prefixes.conf"
	fi
	{
		cat <<-END
		filter fourth {
			if source != RTS_STATIC then reject;
			if net ~ [10.64.0.0/10{24,24}] then { ${2:-accept;} }
			accept;
		}
		END
		sed '/protocol bgp tunnel3/,/^}/ s/export where source = RTS_STATIC/export filter fourth/' \
			"$LAB/cloud/bird.conf.first"
	} >"$LAB/cloud/bird.conf"
	lab_birdc cloud configure | grep -q Reconfigured || bail "the cloud's BIRD refuses"
}

# bird_table: what is best in BIRD's table, as "PREFIX NEXTHOPS" lines; backups are not
bird_table()
{
	lab_birdc gw 'show route table bt_bow04 where source = RTS_BGP' | awk '
		$1 ~ /\// { net = $1 }
		$1 == "via" { n[net]++ }
		END { for (net in n) print net, n[net] }' | sort
}

module_table()
{
	in_ns "$GW" bowtie -j route show dev bow0 |
		jq -r '.[] | "\(.dst) \([.nexthops[]? | select((.tier // 0) == 0)] | length)"
			| select(endswith(" 0") | not)' | sort
}

# churned N WIDTH: N of the prefixes are in the module, each with WIDTH next hops
churned()
{
	(($(module_table | awk -v w="$2" '$1 ~ /^10\.(6[4-9]|7)/ && $2 == w' | wc -l) == $1)) &&
		(($(module_table | grep -cE '^10\.(6[4-9]|7)') == $1))
}

# change NAME N WIDTH ANNOUNCE...: what the cloud does, and what comes of it
change()
{
	local name=$1 n=$2 width=$3 began ms requests
	shift 3
	monitor_start
	bg ip -rcvbuf 33554432 -n "$GW" monitor route >"$LAB/rtnl" 2>"$LAB/rtnl.err"
	RTNL=$BG_PID
	daemon_log_mark
	began=$(now_ms)
	announce "$@"
	expect "$name: $n prefixes with $width next hops" busywait 90 churned "$n" "$width"
	ms=$(($(now_ms) - began))
	expect_cmp "$name: in time" $ms -le $BOUND_MS
	requests=$(daemon_log | grep -c 'routes \(set\|del\) bow0')
	expect_cmp "$name: with few requests" "$requests" -le $BOUND_REQUESTS
	diag "$name: $ms ms, $requests requests, $(grep -c . "$LAB/monitor") events of the module"
	stop "$MONITOR"
	stop "$RTNL"
	expect "$name: settled" daemon_settled
}

same_as_bird()
{
	local bird module
	bird=$(bird_table)
	module=$(module_table)
	expect_eq "$1: the module's routes are BIRD's" \
		"$(diff <(echo "$bird") <(echo "$module") | head -n 5)" ""
}

# Of a route that changes, nobody ever hears that it was deleted. It changes once, and once
# more if it has, or had, backups: BIRD's two tables tell of them one after the other.
replaced()
{
	local of='10\.(6[4-9]|7[0-9])\.'
	expect_eq "$1: ip monitor has missed nothing" "$(cat "$LAB/rtnl.err")" ""
	expect_eq "$1: no route of the kernel was deleted" \
		"$(grep -E "^Deleted $of" "$LAB/rtnl" | head -n 3)" ""
	expect_eq "$1: no route of the module was deleted" \
		"$(grep -E "(Deleted|-del).* $of" "$LAB/monitor" | head -n 3)" ""
	expect_cmp "$1: two changes at most for each prefix" \
		"$(grep -cE "$of" "$LAB/monitor")" -le $((PREFIXES * 2))
}

# --- asymmetric return

# One request from each of 16 ports; each answer comes to its own socket.
requests()
{
	in_ns "$LAN" python3 - "$VPC_HOST" <<-'END'
	import select, socket, sys
	socks = {}
	for port in range(30000, 30016):
	    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	    s.bind(("", port))
	    socks[s] = port
	answered = set()
	for _ in range(10):
	    for s in set(socks) - answered:
	        s.sendto(b"question %d" % socks[s], (sys.argv[1], 7000))
	    for s in select.select(list(socks), [], [], 1)[0]:
	        if s.recv(100) == b"question %d" % socks[s]:
	            answered.add(s)
	    if len(answered) == len(socks):
	        sys.exit(0)
	sys.exit("answered: %d of %d" % (len(answered), len(socks)))
	END
}

answer()
{
	bg in_ns "$VPC" python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 7000))
while True:
    data, peer = s.recvfrom(100)
    s.sendto(data, peer)'
	busywait "$WAIT" listening "$VPC" 7000
}

counters()
{
	in_ns "$GW" bowtie -j -s tunnel show dev bow0 | jq -c "[.[].stats.$1]"
}

# used COUNTER BEFORE MIN: tunnels where a counter has risen by MIN at least
used()
{
	jq -n --argjson now "$(counters "$1")" --argjson before "$2" --argjson min "$3" \
		'[range(4) | select($now[.] - $before[.] >= $min)] | length'
}

asymmetric()
{
	local tx rx
	in_ns "$GW" sysctl -q -w net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.bow0.rp_filter=1 \
		net.ipv4.conf.lan0.rp_filter=1
	in_ns "$GW" nft -f - <<-END
	table inet fw {
		chain forward {
			type filter hook forward priority 0; policy drop;
			ct state established,related accept
			iifname "lan0" oifname "bow0" ct state new accept
		}
	}
	END
	ip -n "$CLOUD" rule add to 10.1.0.0/24 lookup 200
	ip -n "$CLOUD" route add 10.1.0.0/24 dev ipsec3 table 200
	answer
	tx=$(counters tx_packets)
	rx=$(counters rx_packets)
	expect "asymmetric: every request is answered, with rp_filter=1 and conntrack" requests
	expect_cmp "asymmetric: requests went by several tunnels" "$(used tx_packets "$tx" 2)" -ge 3
	expect_eq "asymmetric: answers came by the fourth" \
		"$(jq -n --argjson now "$(counters rx_packets)" --argjson before "$rx" \
			'$now[3] - $before[3] >= 16')" true
	expect_eq "asymmetric: and by no other (but for BGP)" "$(used rx_packets "$rx" 16)" 1
	expect_fail "asymmetric: what was not asked for is kept out" \
		reachable "$VPC" "$LAN_HOST" -W 1
}

log_init
need_cmd socat jq swanctl birdc bird python3
need_module nf_conntrack nf_tables
# For ip monitor, which cannot have more than that
sysctl -q -w net.core.rmem_max=67108864
lab_network
mkdir -p "$LAB/gw" "$LAB/cloud"
gw_config | sed 's/bgp: {as: 64512/bgp: {import_limit: 2000, as: 64512/' >"$LAB/gw/bowtie.yaml"
: >"$LAB/cloud/prefixes.conf"
# shellcheck disable=SC2034 # for lib_lab.sh
CLOUD_ROUTES=$'\n'"include \"$LAB/cloud/prefixes.conf\";"$'\n'
cloud_start
cp "$LAB/cloud/bird.conf" "$LAB/cloud/bird.conf.first"
gw_start
busywait 120 lab_established || { lab_logs; bail "the tunnels do not come up"; }
expect "the daemon has settled" daemon_settled
bgp_note
traffic_start
change "announced" $PREFIXES 4 all
same_as_bird "announced"
change "withdrawn from one session" $PREFIXES 3 all 'reject;'
replaced "withdrawn from one session"
same_as_bird "withdrawn from one session"
change "announced there again" $PREFIXES 4 all
replaced "announced there again"
change "worse on one session" $PREFIXES 3 all 'bgp_med = 50; accept;'
replaced "worse on one session"
change "withdrawn from all" 0 0 none
same_as_bird "withdrawn from all"
expect "no session has flapped" bgp_same
traffic_stop
traffic_whole "traffic to what has not changed"
asymmetric
((TAP_FAILED == 0)) || lab_logs
done_testing
