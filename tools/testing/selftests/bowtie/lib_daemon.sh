# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# For the tests of bowtied in the lab: traffic both ways, what must not change, and the
# daemon's own words. To be sourced after lib_lab.sh.

# --- traffic

# traffic_start [FLOWS [RATE]]: UDP flows both ways until traffic_stop. TRAFFIC_OUT and
# TRAFFIC_BACK are where to, if not to the usual hosts.
traffic_start()
{
	local flows=${1:-32} rate=${2:-5}
	# A guest that stood still sends all of it at once then.
	sysctl -q -w net.core.netdev_max_backlog=30000
	softnet_dropped >"$LAB/softnet"
	bg in_ns "$VPC" flows receive >"$LAB/out.received"
	TRAFFIC_RECEIVERS=("$BG_PID")
	bg in_ns "$LAN" flows receive >"$LAB/back.received"
	TRAFFIC_RECEIVERS+=("$BG_PID")
	busywait "$WAIT" listening "$VPC" 9000
	busywait "$WAIT" listening "$LAN" 9000
	bg in_ns "$LAN" flows send --to "${TRAFFIC_OUT:-$VPC_HOST}" --flows "$flows" --rate "$rate" >"$LAB/out.sent"
	TRAFFIC_SENDERS=("$BG_PID")
	bg in_ns "$VPC" flows send --to "${TRAFFIC_BACK:-$LAN_HOST}" --flows "$flows" --rate "$rate" >"$LAB/back.sent"
	TRAFFIC_SENDERS+=("$BG_PID")
	traffic_more "$flows"
}

listening()
{
	[[ -n $(in_ns "$1" ss -Hlun "sport = $2") ]]
}

# Senders first, so that what is on its way still counts.
traffic_stop()
{
	local pid
	for pid in "${TRAFFIC_SENDERS[@]}" "${TRAFFIC_RECEIVERS[@]}"; do
		stop "$pid"
	done
}

# traffic_more N: until N more packets have arrived at either end
traffic_more()
{
	local vpc lan
	vpc=$(dev_stat "$VPC" eth0 rx_packets)
	lan=$(dev_stat "$LAN" eth0 rx_packets)
	busywait "$WAIT" arrived $((vpc + $1)) $((lan + $1)) || bail "there is no traffic"
}

arrived()
{
	(($(dev_stat "$VPC" eth0 rx_packets) >= $1 && $(dev_stat "$LAN" eth0 rx_packets) >= $2))
}

# traffic_so_far NAME: no packet is missing up to now (the latest are on their way). Each
# way is a subtest.
traffic_so_far()
{
	local way i=0
	for way in out back; do
		wc -l <"$LAB/$way.received" >"$LAB/$way.lines"
		kill -USR1 "${TRAFFIC_RECEIVERS[i++]}"
	done
	for way in out back; do
		busywait "$WAIT" more_lines "$LAB/$way"
		expect "$1 ($way)" jq -es '.[-1] | .received > 0 and .lost == 0 and .repeated == 0' \
			"$LAB/$way.received"
	done
}

more_lines()
{
	(($(wc -l <"$1.received") > $(<"$1.lines")))
}

# traffic_whole NAME: every packet that was sent has arrived, once. Each way is a subtest.
traffic_whole()
{
	local way
	for way in out back; do
		expect "$1 ($way)" traffic_way_whole "$LAB/$way.sent" "$LAB/$way.received"
	done
}

# Packets that the machine itself was too slow for
softnet_dropped()
{
	local hex sum=0
	while read -r _ hex _; do
		((sum += 16#$hex))
	done </proc/net/softnet_stat
	echo $sum
}

# Fails with the figures, and what was interrupted.
# shellcheck disable=SC2016 # awk's and jq's own $
traffic_way_whole()
{
	local ns
	echo "dropped by softnet: $(($(softnet_dropped) - $(<"$LAB/softnet")))"
	in_ns "$GW" bowtie -s link show bow0
	for ns in "$GW" "$CLOUD" "$LAN" "$VPC"; do
		echo "$ns: $(in_ns "$ns" awk '$2 { print $1, $2 }' /proc/net/xfrm_stat | tr '\n' ' ')" \
			"$(in_ns "$ns" nstat -as | awk '/Errors|Discards|NoRoutes|OutFrag/ && $2 { print $1, $2 }' | tr '\n' ' ')"
	done
	jq -n --slurpfile sent "$1" --slurpfile got "$2" '
		{sent: $sent[0].sent, errors: $sent[0].errors} +
		($got[-1] | {flows, received, lost, repeated, gap_ms,
			    hit: [.flow[] | select(.lost > 0) | {id, lost, gap_ms, gap_at_ms}][:6]})'
	jq -en --slurpfile sent "$1" --slurpfile got "$2" '
		$sent[0] as $s | $got[-1] as $g |
		$s.sent > 0 and $s.errors == 0 and $g.flows == $s.flows and
		$g.received == $s.sent and $g.repeated == 0'
}

# --- what must not change

# spis: of the SAs of the gateway and the cloud, in order
spis()
{
	local ns
	for ns in "$GW" "$CLOUD"; do
		ip -n "$ns" xfrm state | sed -n 's/.*spi \(0x[0-9a-f]*\).*/\1/p' | sort
	done
}

# spis_of INDEX: of the SAs between the gateway and one endpoint
spis_of()
{
	ip -n "$GW" xfrm state | awk -v a="${CLOUD_OUT[$1]}" '
		/^src/ { mine = $2 == a || $4 == a }
		/proto esp spi/ && mine { print $4 }' | sort
}

# ike_ids: charons' unique ids of IKE and CHILD SAs, on both sides
ike_ids()
{
	local side
	for side in gw cloud; do
		lab_swanctl "$side" --list-sas | grep -oE '^ *[a-z0-9_]+: #[0-9]+' | sort
	done
}

# daemon_pause: stops the gateway's bowtied, until kill -CONT; it is in no system call then
daemon_pause()
{
	kill -STOP "$GW_DAEMON"
	busywait "$WAIT" grep -q '^State:.T' "/proc/$GW_DAEMON/status"
}

# bgp_since SIDE: since when each session has been what it is, in seconds of the day
bgp_since()
{
	lab_birdc "$1" show protocols | awk '$2 == "BGP" {
		split($5, t, ":")
		print $1, $4, $6, t[1] * 3600 + t[2] * 60 + t[3] }' | sort
}

# bgp_note: remembers the sessions of both sides for bgp_same
bgp_note()
{
	bgp_since gw >"$LAB/gw.since"
	bgp_since cloud >"$LAB/cloud.since"
}

# bgp_same [EXCEPT]: no session has changed, but those of EXCEPT (a regex). BIRD's times
# drift by a tenth of a second in a minute.
bgp_same()
{
	local side
	for side in gw cloud; do
		bgp_since $side | awk -v except="${1:-^$}" '
			NR == FNR { state[$1] = $2 " " $3; since[$1] = $4; next }
			$1 ~ except { next }
			state[$1] != $2 " " $3 || $4 - since[$1] > 0.5 {
				print "was", state[$1], since[$1], "is", $0
				bad = 1 }
			END { exit bad }' "$LAB/$side.since" - || return 1
	done
}

# wire: SAs, routes and tunnels
wire()
{
	spis
	ike_ids
	in_ns "$GW" bowtie -j route show dev bow0 | jq -cS '[.[] | {dst, n: [.nexthops[]?.tunnel]}]'
	in_ns "$GW" bowtie -j tunnel show dev bow0 | jq -cS '[.[] | {id, name, if_id}]'
}

# wire_is WIRE: it is what it was
wire_is()
{
	[[ $(wire) == "$1" ]] || { wire; return 1; }
}

# monitor_start: what the module tells, until monitor_stop, into $LAB/monitor
monitor_start()
{
	bg in_ns "$GW" bowtie monitor >"$LAB/monitor" 2>"$LAB/monitor.err"
	MONITOR=$BG_PID
	# It has subscribed before it waits.
	busywait "$WAIT" grep -q poll "/proc/$MONITOR/wchan" || bail "the monitor does not start"
}

# --- the daemon

cfg()
{
	local command=$1
	shift
	in_ns "$GW" bowtie config "$command" "$@" socket "$LAB/gw/bowtied.sock"
}

# daemon_status JQ-CONDITION
daemon_status()
{
	printf '{"method":"status"}\n' |
		in_ns "$GW" timeout 5 socat -t 5 - "UNIX-CONNECT:$LAB/gw/bowtied.sock" |
		jq -e ".result | $1" >/dev/null
}

# settled: the daemon sees everybody, and has nothing left to do
settled()
{
	daemon_status '.module and .charon and .bird' || return 1
	[[ -z $(cfg diff) ]]
}

# daemon_settled: waits for it
daemon_settled()
{
	busywait "${1:-60}" settled
}

# daemon_log_mark: what is said from now on is daemon_log
daemon_log_mark()
{
	LOG_MARK=$(wc -l <"$LAB/gw/bowtied.log")
}

daemon_log()
{
	tail -n "+$((LOG_MARK + 1))" "$LAB/gw/bowtied.log"
}

# daemon_said REGEX: since the mark
daemon_said()
{
	daemon_log | grep -qE -- "$1"
}
