#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 600
#
# Probes find what is wrong with a tunnel, and only with that tunnel: silent cuts one way
# and both ways, loss, jitter, reordering, flapping, all four at once. SAs by hand; flows
# from the LAN whose ways the far end writes down. For the topology see lib_gateway.sh;
# four tunnels. The guest is slow: what took how long is told, and only its order of
# magnitude is asserted.

. "$(dirname "$0")/lib.sh"
. "$BOWTIE_SELFTESTS/lib_gateway.sh"
. "$BOWTIE_SELFTESTS/lib_faults.sh"

# A guest that stands still for a moment is no dead peer.
readonly INTERVAL=200 MULTIPLIER=5
readonly BOUND=$((10 * INTERVAL * MULTIPLIER))

setup()
{
	local i
	gateway 4
	for i in 0 1 2 3; do
		sas $i gcm
		bowtie -n "$GW" tunnel set bow0 t$i probe icmp probe-interval ${INTERVAL}ms \
			probe-multiplier $MULTIPLIER || bail "cannot probe t$i"
	done
	far_routes tunnel t0 tunnel t1 tunnel t2 tunnel t3
	watch_begin
	watch_mark
	for i in 0 1 2 3; do
		busywait "$WAIT" tunnel_is $i .oper up || bail "t$i does not come up"
	done
}

# comes_back LABEL I
comes_back()
{
	local begin
	begin=$(now_ms)
	expect "$1: t$2 comes back" busywait 90 tunnel_is "$2" .oper up
	diag "$1: $(($(now_ms) - begin)) ms until it was seen up"
}

# goes LABEL I [out|back]: a silent cut, and the end of it
goes()
{
	local label=$1 i=$2 ms j before=()

	for j in 0 1 2 3; do
		before[j]=$(tunnel_field $j .transitions)
	done
	ways_mark
	expect_cmp "$label: t$i has flows" "$(ways_on "$i")" -gt 0
	watch_mark
	cut_tunnel "$i" "${3:-}"
	expect "$label: t$i is taken out" busywait "$WAIT" ms_until "$i" down
	ms=$(ms_until "$i" down)
	expect_cmp "$label: within ten times $((INTERVAL * MULTIPLIER)) ms" "${ms:-99999}" -le $BOUND
	expect_eq "$label: because nobody answers" "$(tunnel_field "$i" .reason)" no-answer
	expect "$label: every flow runs" busywait "$WAIT" ways_all
	diag "$label: t$i down after $ms ms, longest gap of a flow $(longest_gap) ms"
	expect_eq "$label: nobody is left on t$i" "$(ways_on "$i")" 0
	undisturbed "$label" "$i"
	mend_tunnel "$i"
	comes_back "$label" "$i"
	for j in 0 1 2 3; do
		((j == i)) || expect_eq "$label: t$j has not noticed" \
			"$(tunnel_field $j .transitions)" "${before[j]}"
	done
}

# undisturbed LABEL I: what happened to tunnel I does not concern the flows of others
undisturbed()
{
	expect_eq "$1: no flow of another tunnel lost a packet or moved" "$(disturbances "$2")" "" ||
		diag "$(where_lost)"
}

# log2 N, rounded up
log2()
{
	local n=0
	while (((1 << n) < $1)); do
		((++n))
	done
	echo $n
}

# bounded LABEL I SECONDS: hold-downs of 1, 2, 4 ... seconds let it come up so often
bounded()
{
	local ups
	ups=$(times_up "$2")
	diag "$1: up again $ups time(s) in $3 s"
	expect_cmp "$1: the hold-down grows" "$ups" -le $((2 + $(log2 "$3")))
}

# weather LABEL I SECONDS WORDS...: netem's WORDS on tunnel I for some time; whatever becomes
# of the tunnel, the others are not concerned
weather()
{
	local label=$1 i=$2 seconds=$3 begin=$SECONDS
	shift 3
	ways_mark
	watch_mark
	worsen "$i" "$@"
	sleep "$seconds" # the weather itself
	better "$i"
	bounded "$label" "$i" $((SECONDS - begin))
	undisturbed "$label" "$i"
	comes_back "$label" "$i"
	expect "$label: every flow runs" busywait "$WAIT" ways_all
}

reordering()
{
	local i=$1 before
	ways_mark
	before=$(tunnel_field "$i" .transitions)
	worsen "$i" delay 30ms reorder 40% 50%
	sleep 4 # the weather itself
	better "$i"
	expect_eq "reordering: the tunnel stays up" "$(tunnel_field "$i" .transitions)" "$before"
	expect "reordering: every flow runs" busywait "$WAIT" ways_all
	# What overtook others is seen before them: only what never came is lost.
	# shellcheck disable=SC2016 # jq's own $
	expect_eq "reordering: no packet is lost" "$(ways_since \
		'[$is[] | .lost - $was[.id | tostring].lost] | add')" 0
}

flapping()
{
	local i=$1 n ups moves begin=$SECONDS
	bowtie -n "$GW" tunnel set bow0 "t$i" probe-interval 100ms probe-multiplier 3
	ways_mark
	watch_mark
	for n in 1 2 3 4 5 6 7 8; do
		cut_tunnel "$i"
		sleep 1 # the flapping itself
		mend_tunnel "$i"
		sleep 1
	done
	bounded "flapping" "$i" $((SECONDS - begin))
	ups=$(times_up "$i") moves=$(moves)
	expect_cmp "flapping: at most its share of flows moves, each time" \
		"$moves" -le $(((2 * ups + 1) * FAULT_FLOWS / 2))
	diag "flapping: $n cuts of a second, $moves moves"
	undisturbed flapping "$i"
	comes_back "flapping" "$i"
}

all_four()
{
	local i
	watch_mark
	for i in 0 1 2 3; do
		cut_tunnel $i
	done
	expect "all four cut: the link is dormant" busywait "$WAIT" link_is .operstate dormant
	for i in 0 1 2 3; do
		expect_cmp "all four cut: t$i is down" "$(ms_until $i down || echo 99999)" -le $((4 * BOUND))
	done
	watch_mark
	for i in 0 1 2 3; do
		mend_tunnel $i
	done
	for i in 0 1 2 3; do
		comes_back "all four back" $i
	done
	expect "all four back: the link is up" busywait "$WAIT" link_is .operstate up
	expect "all four back: every flow runs" busywait "$WAIT" ways_all
}

log_init
need_module xfrm_interface esp4 esp6 sch_netem sch_prio cls_u32
need_cmd jq nft tc
setup
ways_begin
weather_begin
for i in 0 1 2 3; do
	goes "cut of t$i" $i
done
goes "cut of the way out" 1 out
goes "cut of the way back" 2 back
weather "30 % loss" 0 10 loss 30%
weather "200 ms of jitter" 1 8 delay 200ms 200ms
reordering 2
flapping 3
all_four
ways_end
done_testing
