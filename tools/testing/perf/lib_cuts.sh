# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Cuts under traffic, and what they did to each flow; whatever the gateway is made of.
# Sourced after lib_lab.sh. Which tunnel a packet used is measured, not asked for: the
# cloud's router, which both systems share, writes it into the DSCP of what it receives from
# and sends into its four interfaces, and the receivers behind read it.
#
# The first seconds after a cut belong to the system: nothing is polled then. A trial in which
# the machine itself stood still ("stalls" has seen it) says nothing about a system.

: "${BURST:=8}"		# flows that a sender wakes up for
: "${CUT_MIN:=3}"	# seconds that a cut lasts at least
: "${SETTLE:=5}"	# seconds for flows to move back

# cuts_begin: once the lab's network is there
cuts_begin()
{
	local i vmap=''
	# A guest that stood still sends all of it at once then.
	sysctl -q -w net.core.netdev_max_backlog=30000
	{
		echo "table ip way {"
		for i in 1 2 3 4; do
			echo "chain way$i { ip dscp set $i; }"
			vmap+=${vmap:+, }ipsec$((i - 1))" : goto way$i"
		done
		echo "chain ways { iifname vmap { $vmap }; oifname vmap { $vmap }; }"
		echo "chain forward { type filter hook forward priority 0; udp dport 9000 jump ways; }"
		echo "}"
	} | in_ns "$CLOUD" nft -f - || bail "cannot mark the ways"
	exec {PAUSE_FD}<> <(:)
	bg ip -ts -n "$CLOUD" monitor route >"$LAB/cloud.monitor"
	bg stalls 20 >"$LAB/stalls"
	STALLS=$BG_PID
	trace_begin
}

# cuts_end: before the network goes
cuts_end()
{
	stop "$STALLS"
}

# --- what the module says of it, for those who look into a trial

readonly TRACING=/sys/kernel/tracing

trace_begin()
{
	local event
	[[ -e $TRACING/trace ]] || mount -t tracefs none $TRACING || return 0
	echo mono >$TRACING/trace_clock
	# see selftests' lib_trace.sh
	echo 0 >$TRACING/options/record-cmd
	for event in bowtie_silence bowtie_tunnel_state; do
		[[ ! -e $TRACING/events/bowtie/$event ]] ||
			echo 1 >$TRACING/events/bowtie/$event/enable
	done
}

# trace_note TEXT: with the time of day
trace_note()
{
	echo "$1 at $(now_ms)" >$TRACING/trace_marker
}

# pause SECONDS: without a process
pause()
{
	read -rt "$1" -u "$PAUSE_FD" _
	return 0
}

# await SECONDS CMD...: as busywait, seldom asking
await()
{
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		((SECONDS < end)) || return 1
		pause 0.5
	done 2>/dev/null
}

# --- traffic

# cuts_calibrate: sets FLOWS and RATE to as much each way as this machine carries, with
# room to spare: what is late for want of a processor says nothing about a system
cuts_calibrate()
{
	local behind step
	for step in 64:100 32:100 16:100 16:50 16:25; do
		FLOWS=${step%:*} RATE=${step#*:}
		flows_receivers
		flows_senders 20000 --seconds 3
		wait "$OUT_SENDER" "$BACK_SENDER"
		flows_end
		behind=$(jq -s 'map(.behind_ms) | max | round' "$LAB/out.sent" "$LAB/back.sent")
		printf '%d flows of %d packets/s each way: senders behind by %d ms at most\n' \
			"$FLOWS" "$RATE" "$behind"
		((behind > 40)) || return 0
	done
	echo "This machine is too busy, or too slow, for exact figures."
}

# flows_begin N: receivers and senders, with source ports of trial N
flows_begin()
{
	: >$TRACING/trace
	flows_receivers
	flows_senders $((20000 + $1 % 500 * FLOWS))
	await "$WAIT" flows_alive || bail "there is no traffic"
}

flows_receivers()
{
	flows_receiver "$VPC" out
	OUT_RECEIVER=$BG_PID
	flows_receiver "$LAN" back
	BACK_RECEIVER=$BG_PID
	busywait "$WAIT" listening "$VPC" && busywait "$WAIT" listening "$LAN" ||
		bail "the receivers do not start"
}

flows_receiver()
{
	bg in_ns "$1" flows receive --events "$LAB/$2.events" >"$LAB/$2.received"
}

# flows_senders FROM-PORT [WORDS...]
flows_senders()
{
	flows_sender "$LAN" "$VPC_HOST" out "$@"
	OUT_SENDER=$BG_PID
	flows_sender "$VPC" "$LAN_HOST" back "$@"
	BACK_SENDER=$BG_PID
}

flows_sender()
{
	local ns=$1 to=$2 name=$3 from=$4
	shift 4
	bg in_ns "$ns" flows send --to "$to" --flows "$FLOWS" --rate "$RATE" \
		--from-port "$from" --burst "$BURST" "$@" >"$LAB/$name.sent"
}

listening()
{
	[[ -n $(in_ns "$1" ss -Hlun "sport = 9000") ]]
}

# Senders first, so that what is on its way still counts.
flows_end()
{
	local pid
	for pid in "$OUT_SENDER" "$BACK_SENDER" "$OUT_RECEIVER" "$BACK_RECEIVER"; do
		stop "$pid"
	done
}

# flows_alive: packets of every flow arrive at both ends
flows_alive()
{
	local way lines
	for way in out back; do
		lines=$(wc -l <"$LAB/$way.received")
		[[ $way == out ]] && kill -USR1 "$OUT_RECEIVER" || kill -USR1 "$BACK_RECEIVER"
		await 10 more_lines "$LAB/$way.received" "$lines" || return 1
		tail -n 1 "$LAB/$way.received" | jq -e --argjson flows "$FLOWS" '
			.now_ms as $now | .flows == $flows and all(.flow[]; $now - .last_ms < 500)' \
			>/dev/null || return 1
	done
}

more_lines()
{
	(($(wc -l <"$1") > $2))
}

# --- a cut

# cut_trial N CUT MEND BACK: what happens to the flows when CUT and then MEND is done, and
# BACK becomes true. Leaves the times in $LAB/times.json.
cut_trial()
{
	local cut=$2 mend=$3 back=$4 cut_at mend_at alive=true

	flows_begin "$1"
	pause 1 # the measurement: what runs undisturbed
	cut_at=$(now_ms)
	trace_note cut
	eval "$cut"
	pause "$CUT_MIN"
	await $((HOLD + 60)) flows_alive || alive=false
	pause 1
	mend_at=$(now_ms)
	trace_note mend
	eval "$mend"
	await $((HOLD + 180)) "$back" || { lab_logs; bail "the tunnels do not come back"; }
	pause "$SETTLE"
	flows_end
	cp $TRACING/trace "$LAB/trace"
	jq -n "{cut: $cut_at, mend: $mend_at, end: $(now_ms), alive: $alive}" >"$LAB/times.json"
}
