#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 400
#
# The order in which the module, charon, BIRD and bowtied start does not matter: each
# comes first once, and last. The module may be unloaded and loaded while the rest runs.
# The lab is drawn in lib_lab.sh.

. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR
. "$BOWTIE_SELFTESTS/lib_lab.sh"
# shellcheck source-path=SCRIPTDIR
. "$BOWTIE_SELFTESTS/lib_daemon.sh"

unload_module()
{
	[[ ! -d /sys/module/bowtie ]] || busywait "$WAIT" rmmod bowtie
}

start_module()
{
	[[ -d /sys/module/bowtie ]] || insmod "$BOWTIE_KO" || bail "cannot load $BOWTIE_KO"
}

start_charon()
{
	charon_start "$GW" gw
	GW_CHARON=$CHARON_PID
}

start_bird()
{
	bird_start "$GW" gw
	GW_BIRD=$BIRD_PID
}

start_daemon()
{
	gw_daemon_start
}

# stop_all: as if the gateway had never run
stop_all()
{
	if [[ -n $RUNNING ]]; then
		stop "$GW_DAEMON"
		stop "$GW_BIRD"
		stop "$GW_CHARON"
	fi
	RUNNING=1
	! in_ns "$GW" ip link show bow0 &>/dev/null || in_ns "$GW" ip link del bow0
	rm -f "$LAB/gw/bowtie-bird.conf"
	ip -n "$GW" xfrm state flush
	unload_module || bail "the module cannot be unloaded"
}

# Traffic both ways, and nothing that bowtied would still do
works()
{
	reachable "$LAN" "$VPC_HOST" && reachable "$VPC" "$LAN_HOST" && settled
}

# permutation WHAT...: in this order
permutation()
{
	local what

	stop_all
	: >"$LAB/gw/bowtied.log"
	daemon_log_mark
	for what in "$@"; do
		"start_$what"
		# Whoever comes later finds it at work.
		[[ $what != daemon ]] || busywait "$WAIT" daemon_said configuration
	done
	expect "$*: established" busywait 90 lab_established || lab_logs
	expect "$*: and settled" busywait 60 works
	if [[ $1 == daemon ]]; then
		expect "$*: said that the module is missing" daemon_said "module.*not loaded|link add bow0.*: "
		expect "$*: and that it has come" daemon_said "module is there"
	fi
}

# unload_paused: unloads the module while the daemon is stopped, as it would make a new link
# at once. Stopped in the middle of a dump, it holds the module: then it goes on for a moment.
unload_paused()
{
	daemon_pause
	! in_ns "$GW" ip link show bow0 &>/dev/null || in_ns "$GW" ip link del bow0
	rmmod bowtie && return
	kill -CONT "$GW_DAEMON"
	return 1
}

# Everything runs, and the module is replaced, as an upgrade does.
module_replaced()
{
	local began
	expect "module unloaded under the daemon" busywait 60 unload_paused
	daemon_log_mark
	kill -CONT "$GW_DAEMON"
	expect "it says so" busywait "$WAIT" daemon_said "module is gone|not loaded"
	expect "it tries, and says why it fails" busywait "$WAIT" daemon_said "link add bow0.*: "
	# The pauses between tries have grown by now.
	expect "and again" busywait "$WAIT" failures_at_least 4
	expect_cmp "and does not repeat it all the time" \
		"$(daemon_log | grep -c 'link add bow0.*: ')" -le 12
	began=$(now_ms)
	start_module
	expect "loaded again: the link is there at once" \
		busywait 10 in_ns "$GW" ip link show bow0
	expect_cmp "not only after the pause" $(($(now_ms) - began)) -lt 4000
	expect "established" busywait 90 lab_established
	expect "and settled" busywait 60 works
}

failures_at_least()
{
	(($(daemon_log | grep -c 'link add bow0.*: ') >= $1))
}

log_init
need_cmd socat jq swanctl birdc bird
lab_network
cloud_start
mkdir -p "$LAB/gw"
gw_config >"$LAB/gw/bowtie.yaml"
# A pattern, as the manual says: BIRD refuses to start if a named file is not there.
gw_bird_conf | sed 's/bowtie-bird.conf/bowtie-bird*.conf/' >"$LAB/gw/bird.conf"
RUNNING=
[[ ! -e /lib/modules/$(uname -r)/extra/bowtie.ko ]] ||
	skip_all "an installed module would be loaded by the kernel itself"
permutation daemon charon bird module
permutation module bird charon daemon
permutation charon daemon module bird
permutation bird module daemon charon
module_replaced
done_testing
