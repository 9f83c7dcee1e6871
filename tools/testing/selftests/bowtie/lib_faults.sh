# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Faults of the underlay, one tunnel at a time, in the topology of lib_gateway.sh; what
# the module said of it and when; and what became of each flow. Sourced after
# lib_gateway.sh.

# cut_tunnel I [out|back]: what goes to, comes from tunnel I's outer address is dropped without a
# word; by default both. mend_tunnel I: no more.
cut_tunnel()
{
	[[ ${2:-} == back ]] || drops "$PEER" "cut$1" "ip daddr $(outer_peer "$1")"
	[[ ${2:-} == out ]] || drops "$GW" "cut$1" "ip saddr $(outer_peer "$1")"
}

# Before anything of the host looks at it
drops()
{
	in_ns "$1" nft -f - <<-END || bail "cannot cut"
	table ip $2 {
		chain pre {
			type filter hook prerouting priority raw;
			$3 drop
		}
	}
	END
}

mend_tunnel()
{
	local ns
	for ns in "$GW" "$PEER"; do
		in_ns "$ns" nft delete table ip "cut$1" 2>/dev/null
	done
	return 0
}

# weather_begin: what goes to each tunnel's outer address passes a netem of its own. They
# stay: to take one away would lose what is in it.
weather_begin()
{
	local i
	{
		echo "qdisc add dev eth0 root handle 1: prio bands $((GW_TUNNELS + 1))" \
			"priomap 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0"
		for ((i = 0; i < GW_TUNNELS; i++)); do
			echo "qdisc add dev eth0 parent 1:$((i + 2)) netem limit 10000"
			echo "filter add dev eth0 parent 1: protocol ip u32" \
				"match ip dst $(outer_peer "$i")/32 flowid 1:$((i + 2))"
		done
	} | in_ns "$GW" tc -batch - || bail "cannot set up netem"
}

# worsen I WORDS...: tunnel I's way out gets netem's WORDS. better I: nothing any more.
worsen()
{
	local band=$(($1 + 2))
	shift
	in_ns "$GW" tc qdisc change dev eth0 parent 1:$band netem limit 10000 "$@" ||
		bail "cannot worsen the underlay"
}

better()
{
	worsen "$1" delay 0ms
}

# --- what the module says

# watch_begin: all events of tunnels, until the end
watch_begin()
{
	WATCH=$TEST_TMP/events
	bg in_ns "$GW" bowtie -j -ts monitor tunnel >"$WATCH" 2>"$WATCH.err"
	local pid=$BG_PID
	# It has subscribed before it waits.
	busywait "$WAIT" grep -q poll "/proc/$pid/wchan" || bail "the monitor does not start"
}

# watch_mark: events from now on count
watch_mark()
{
	WATCH_FROM=$(($(wc -l <"$WATCH") + 1))
	WATCH_SINCE=$(now_ms)
}

# watched I: "OPER TIME" of tunnel I since the mark, a line for each change of OPER
watched()
{
	tail -n "+$WATCH_FROM" "$WATCH" |
		jq -r --arg name "t$1" 'select(.event == "tunnel" and .tunnel.name == $name) |
			"\(.tunnel.oper) \(.time)"' |
		uniq -w 4
}

# times_up I: how often it has come up since the mark
times_up()
{
	watched "$1" | grep -c '^up'
}

# ms_until I OPER: from the mark until tunnel I was OPER, in ms
ms_until()
{
	local time
	time=$(watched "$1" | awk -v oper="$2" '$1 == oper { print $2; exit }')
	[[ -n $time ]] && echo $(($(date -d "$time" +%s%3N) - WATCH_SINCE))
}

# --- flows to the far end

: "${FAULT_FLOWS:=64}"

# ways_begin: 64 flows from the LAN, whose ways the far end writes down
ways_begin()
{
	local i
	{
		echo "table ip way { chain pre { type filter hook prerouting priority 0;"
		for ((i = 0; i < GW_TUNNELS; i++)); do
			echo "iifname ipsec$i udp dport 9000 ip dscp set $((i + 1))"
		done
		echo "}"
		echo "}"
	} | in_ns "$PEER" nft -f - || bail "cannot mark the ways"
	bg in_ns "$PEER" flows receive --events "$TEST_TMP/ways" >"$TEST_TMP/ways.received"
	WAYS_RECEIVER=$BG_PID
	busywait "$WAIT" listening "$PEER" 9000 || bail "the receiver does not start"
	bg in_ns "$LAN" flows send --to 10.2.0.1 --flows "$FAULT_FLOWS" --rate 10 \
		>"$TEST_TMP/ways.sent"
	WAYS_SENDER=$BG_PID
	busywait "$WAIT" ways_all || bail "not every flow arrives"
}

listening()
{
	[[ -n $(in_ns "$1" ss -Hlun "sport = $2") ]]
}

ways_report()
{
	local lines
	lines=$(wc -l <"$TEST_TMP/ways.received")
	kill -USR1 "$WAYS_RECEIVER"
	busywait "$WAIT" more_lines "$TEST_TMP/ways.received" "$lines"
	tail -n 1 "$TEST_TMP/ways.received"
}

more_lines()
{
	(($(wc -l <"$1") > $2))
}

# ways_all: every flow arrives, now
ways_all()
{
	ways_report | jq -e --argjson flows "$FAULT_FLOWS" '
		.now_ms as $now | .flows == $flows and all(.flow[]; $now - .last_ms < 1000)' >/dev/null
}

# ways_on I: how many flows are on tunnel I
ways_on()
{
	ways_report | jq --argjson way $(($1 + 1)) '[.flow[] | select(.way == $way)] | length'
}

# ways_mark: what happens to flows from now on counts
ways_mark()
{
	ways_report | jq -c '[.flow[] | {id, way, lost}]' >"$TEST_TMP/ways.before"
	WAYS_FROM=$(($(wc -l <"$TEST_TMP/ways") + 1))
}

# ways_since JQ: of what happened since the mark: $was[ID] has way and lost as they were,
# $is[ID] as they are, $events all changes and losses
ways_since()
{
	ways_report >"$TEST_TMP/ways.now"
	tail -n "+$WAYS_FROM" "$TEST_TMP/ways" >"$TEST_TMP/ways.events"
	jq -n --slurpfile before "$TEST_TMP/ways.before" --slurpfile report "$TEST_TMP/ways.now" \
		--slurpfile events "$TEST_TMP/ways.events" '
		INDEX($before[0][]; .id) as $was |
		INDEX($report[0].flow[]; .id) as $is | '"$1"
}

# disturbances I: flows of tunnels other than I that lost packets or went another way since
# the mark, one event a line; that a tunnel which returns gets flows is another matter
# shellcheck disable=SC2016 # jq's own $
disturbances()
{
	ways_since '$events[] | select($was[.flow | tostring].way != '$(($1 + 1))' and
		(.lost > 0 or (.from != .to and .to != '$(($1 + 1))'))) | tostring'
}

# where_lost: all counters of packets that the machine itself has dropped
# shellcheck disable=SC2016 # jq's and awk's own $
where_lost()
{
	local ns
	link_field '.stats | to_entries[] | select((.key | test("drop")) and .value > 0) | tostring'
	in_ns "$GW" tc -s qdisc show dev eth0 | grep -B1 'dropped [1-9]'
	echo "softnet: $(awk '{ printf "%s ", $2 }' /proc/net/softnet_stat)"
	for ns in "$LAN" "$GW" "$PEER"; do
		echo "$ns: $(in_ns "$ns" awk '$2 { print $1, $2 }' /proc/net/xfrm_stat | tr '\n' ' ')" \
			"$(in_ns "$ns" nstat -as | awk '/Errors|Discards|NoRoutes/ && $2 { print $1, $2 }' | tr '\n' ' ')"
	done
}

# The longest gap of a flow since the mark, in ms
# shellcheck disable=SC2016 # jq's own $
longest_gap()
{
	ways_since '[$events[] | select(.lost > 0) | .gap_ms] | max // 0 | round'
}

# How often a flow went another way since the mark
# shellcheck disable=SC2016 # jq's own $
moves()
{
	ways_since '[$events[] | select(.from != .to)] | length'
}

ways_end()
{
	stop "$WAYS_SENDER"
	stop "$WAYS_RECEIVER"
}
