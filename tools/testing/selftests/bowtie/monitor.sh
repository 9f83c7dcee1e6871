#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 180
#
# "bowtie monitor" sees everything that happens: objects made, changed and
# deleted, SAs, devices, the module's end and return, and that it has missed
# something.

. "$(dirname "$0")/lib.sh"

bt()
{
	bowtie -n "$GW" "$@"
}

# monitor NAME CMD...: CMD is a monitor, which is started and has subscribed
monitor()
{
	OUT=$TEST_TMP/$1
	shift
	# To append: the file is emptied now and then
	bg "$@" >>"$OUT" 2>"$OUT.err"
	MONITOR=$BG_PID
	# It polls only when it has subscribed
	busywait "$WAIT" sleeping "$MONITOR" || bail "the monitor does not start"
}

sleeping()
{
	[[ $(</proc/"$1"/wchan) == *poll* ]]
}

# said REGEX: a line of the monitor's matches
said()
{
	grep -qE -- "$1" "$OUT"
}

# sees NAME REGEX WORDS...: the command makes a line like this
sees()
{
	local name=$1 regex=$2
	shift 2
	: >"$OUT"
	bt "$@" || bail "bowtie $*"
	busywait "$WAIT" said "$regex" 2>"$TEST_TMP/why"
	result $? "$name" "bowtie $*: no line with /$regex/ in:"$'\n'"$(<"$OUT")"
}

each_event()
{
	monitor text bowtie -n "$GW" monitor
	sees "device" '^device [0-9]+: bow0: operstate down mtu 1400$' link add bow0
	sees "device up" '^device [0-9]+: bow0: up operstate dormant ' link set bow0 up
	sees "link" '^link [0-9]+: bow0: .*hash l4$' link set bow0 hash l4
	sees "MTU" '^device [0-9]+: bow0: up operstate dormant mtu 1300$' link set bow0 mtu 1300
	sees "tunnel" '^tunnel t0: dev bow0 id 0 if-id 1 .*oper down reason no-sa ' \
		tunnel add bow0 t0 if-id 1 local 192.0.2.1 remote 192.0.2.2
	sees "tunnel changed" '^tunnel t0: dev bow0 .*admin drain weight 3$' \
		tunnel set bow0 t0 weight 3 drain
	sees "route" '^route 10\.0\.0\.0/8 dev bow0 tunnel t0$' \
		route add 10.0.0.0/8 dev bow0 tunnel t0
	sees "route changed" '^route 10\.0\.0\.0/8 dev bow0 tunnel t0 weight 9$' \
		route replace 10.0.0.0/8 dev bow0 tunnel t0 weight 9
	sees "route deleted" '^deleted route 10\.0\.0\.0/8 dev bow0$' \
		route del 10.0.0.0/8 dev bow0
	sees "another name" '^tunnel new: dev bow0 id 0 ' tunnel set bow0 t0 name new
	sees "is known at once" '^route ::/0 dev bow0 tunnel new$' route add ::/0 dev bow0 tunnel 0
	: >"$OUT"
	sa_add "$GW" 192.0.2.1 192.0.2.2 0x1234 1 gcm || bail "no SA"
	expect "SA" busywait "$WAIT" said '^sa dev bow0 tunnel new dir out spi 0x1234 .* current valid '
	expect "which changes the tunnel" busywait "$WAIT" said '^tunnel new: .* oper drain reason drained '
	: >"$OUT"
	sa_del "$GW" 192.0.2.1 192.0.2.2 0x1234
	expect "SA deleted" busywait "$WAIT" said '^deleted sa dev bow0 tunnel new dir out spi 0x1234 dst 192\.0\.2\.2$'
	sa_add "$GW" 192.0.2.1 192.0.2.2 0x1235 1 gcm || bail "no SA"
	sees "tunnel deleted" '^deleted tunnel new: dev bow0 id 0$' tunnel del bow0 new
	expect "its SA goes, with the tunnel's name" \
		busywait "$WAIT" said '^deleted sa dev bow0 tunnel new dir out spi 0x1235 '
	sees "device deleted" '^deleted device [0-9]+: bow0:' link del bow0
	expect_eq "no complaints" "$(<"$OUT.err")" ""
	ip -n "$GW" xfrm state flush
	stop "$MONITOR"
}

json_lines()
{
	monitor json bowtie -n "$GW" -j -t monitor
	bt link add bow0
	bt tunnel add bow0 t0 if-id 1 local 192.0.2.1 remote 192.0.2.2
	bt route add 10.0.0.0/8 dev bow0 tunnel t0
	bt link del bow0
	expect "all of it" busywait "$WAIT" said '"event":"device-del"'
	expect "each line is a document with time and event" jq -es '
		map(.time and .event and (.[.event | sub("-del"; "")] | type == "object")) | all' "$OUT"
	expect_eq "the events" "$(jq -r .event "$OUT" | tr '\n' ' ')" \
		"device tunnel route device-del "
	expect "generations have no gap" jq -es '
		map(.[.event].generation // empty) | . == [range(.[0]; .[0] + length)]' "$OUT"
	stop "$MONITOR"
}

selection()
{
	monitor some bowtie -n "$GW" -ts monitor route sa
	bt link add bow0
	bt tunnel add bow0 t0 if-id 1 local 192.0.2.1 remote 192.0.2.2
	bt route add 10.0.0.0/8 dev bow0 tunnel t0
	expect "routes only, with the time" busywait "$WAIT" said \
		'^\[[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{6}\] route 10\.0\.0\.0/8 dev bow0 tunnel t0$'
	expect_eq "nothing else" "$(wc -l <"$OUT")" 1
	stop "$MONITOR"
	bt link del bow0
	expect_error "unknown object" '^Error: object "x" is unknown, there are: link, tunnel, route, sa, all\.$' \
		bt monitor x
}

# It would hear of SAs
no_rights()
{
	expect_error "an ordinary user may not listen" "Operation not permitted|Permission denied" \
		in_ns "$GW" setpriv --reuid=65534 --regid=65534 --clear-groups \
		--inh-caps=-all bowtie monitor
}

# Stopped until its socket has overflown.
loss()
{
	local i hops=

	bt link add bow0
	# Long messages fill the buffer with few of them.
	for i in {1..64}; do
		echo "tunnel add bow0 if-id $i local 192.0.2.1 remote 198.51.100.$i"
	done | bt -b - || bail "batch"
	for i in {0..63}; do
		hops+=" tunnel $i"
	done
	monitor lost in_ns "$GW" bowtie monitor
	sees "it sees events" '^route ' route add 10.0.0.0/8 dev bow0 tunnel t0
	kill -STOP "$MONITOR"
	for i in $(seq 4000); do
		echo "route replace 10.0.0.0/8 dev bow0$hops weight $((i % 250 + 1))"
	done | bt -b - || bail "batch"
	kill -CONT "$MONITOR"
	expect "it says that it has lost events" busywait "$WAIT" said '^lost there were more events'
	sees "and goes on" '^deleted route 10\.0\.0\.0/8 dev bow0$' route del 10.0.0.0/8 dev bow0
	stop "$MONITOR"
	bt link del bow0
}

module_comes_and_goes()
{
	monitor module bowtie -n "$GW" monitor
	rmmod bowtie || bail "cannot unload the module"
	expect "unloaded" busywait "$WAIT" said '^module-gone unloaded$'
	insmod "$BOWTIE_KO" || bail "cannot load the module"
	expect "loaded" busywait "$WAIT" said '^module loaded$'
	bt link add bow0
	sees "it sees events again" '^tunnel t0: dev bow0 ' \
		tunnel add bow0 t0 if-id 1 local 192.0.2.1 remote 192.0.2.2
	stop "$MONITOR"
	rmmod bowtie
	monitor waits bowtie -n "$GW" monitor
	expect_eq "without the module it waits" "$(<"$OUT.err")" \
		"The bowtie module is not loaded; waiting for it."
	insmod "$BOWTIE_KO"
	expect "until it comes" busywait "$WAIT" said '^module loaded$'
	sees "and sees events" '^device [0-9]+: bow0:' link add bow0
	stop "$MONITOR"
	bt link del bow0
}

# Its reader goes: so does it
nobody_reads()
{
	local status

	mkfifo "$TEST_TMP/fifo"
	bowtie -n "$GW" monitor >"$TEST_TMP/fifo" 2>"$TEST_TMP/err" &
	status=$!
	exec 7<"$TEST_TMP/fifo"
	busywait "$WAIT" sleeping "$status" || bail "the monitor does not start"
	exec 7<&-
	wait "$status"
	status=$?
	expect_eq "it ends" "$status $(<"$TEST_TMP/err")" "2 Error: cannot write: Broken pipe."
	bowtie -n "$GW" monitor >/dev/full 2>"$TEST_TMP/err" &
	status=$!
	busywait "$WAIT" sleeping "$status" || bail "the monitor does not start"
	bt link add bow0
	wait "$status"
	status=$?
	expect_eq "a full disk ends it too" "$status $(<"$TEST_TMP/err")" \
		"2 Error: cannot write: No space left on device."
	bt link del bow0
}

log_init
need_cmd jq setpriv
setup_ns GW
each_event
json_lines
selection
no_rights
loss
nobody_reads
module_comes_and_goes
done_testing
