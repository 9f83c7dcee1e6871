# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Shell helpers for the selftests: TAP, waiting, network namespaces.
# lib_ipsec.sh (SAs and xfrm peers), lib_capture.sh (what is on the wire) and
# lib_guard.sh (what must not be) come with it. A test looks like this:
#
#	#!/bin/bash
#	# SPDX-License-Identifier: GPL-2.0-only
#	# timeout: 60
#	#
#	# What is shown, with the topology drawn.
#	. "$(dirname "$0")/lib.sh"
#	log_init
#	setup_ns GW PEER
#	veth "$GW" eth0 192.0.2.1/24 "$PEER" eth0 192.0.2.2/24
#	expect "peer answers" in_ns "$GW" ping -c 1 -W 10 192.0.2.2
#	done_testing
#
# A test that ends before done_testing has printed no plan and counts as failed.

BOWTIE_SELFTESTS=$(dirname "${BASH_SOURCE[0]}")
: "${BOWTIE_TOP:=$(readlink -f "$BOWTIE_SELFTESTS/../../../..")}"
: "${BOWTIE_KO:=$BOWTIE_TOP/kmod/bowtie.ko}"
PATH=$BOWTIE_TOP/build/userspace:$PATH
export BOWTIE_TOP BOWTIE_KO PATH LC_ALL=C.UTF-8

# Generous, because emulation costs a factor of 20: a deadline is for what
# never happens, not a measure of anything
: "${WAIT:=30}"

TAP_COUNT=0
TAP_FAILED=0
TAP_DONE=
DEFERRED=()
NS_ALL=()

# ---------------------------------------------------------------- TAP

# log_init: first call of a test. Makes $TEST_TMP (removed at the end), whose
# files belong to this test alone.
log_init()
{
	echo "TAP version 13"
	TEST_NAME=$(basename "$0" .sh)
	if [[ -z ${TEST_TMP:-} ]]; then
		TEST_TMP=$(mktemp -d "/tmp/bowtie-$TEST_NAME.XXXXXX") || bail "no temporary directory"
		defer rm -rf "$TEST_TMP"
	fi
	export TEST_TMP
	trap run_deferred EXIT
	trap 'exit 143' TERM
	trap 'exit 130' INT
}

# done_testing: last call of a test
done_testing()
{
	guard_verdict
	TAP_DONE=1
	echo "1..$TAP_COUNT"
	((TAP_FAILED == 0)) && exit 0
	exit 1
}

diag()
{
	local text="# $*"
	printf '%s\n' "${text//$'\n'/$'\n'# }"
}

bail()
{
	echo "Bail out! $*"
	exit 1
}

pass()
{
	((++TAP_COUNT))
	echo "ok $TAP_COUNT - $1"
}

# fail NAME [EXPLANATION]
fail()
{
	((++TAP_COUNT, ++TAP_FAILED))
	echo "not ok $TAP_COUNT - $1"
	[[ -z ${2:-} ]] || diag "$2"
	return 0
}

# skip NAME REASON
skip()
{
	((++TAP_COUNT))
	echo "ok $TAP_COUNT - $1 # SKIP $2"
}

skip_all()
{
	echo "1..0 # SKIP $*"
	exit 4
}

# result STATUS NAME [EXPLANATION]: for a status that the test got by itself
result()
{
	if (($1 == 0)); then
		pass "$2"
	else
		fail "$2" "${3:-status $1}"
	fi
	return "$1"
}

# expect NAME CMD...: CMD succeeds
expect()
{
	local name=$1 out status
	shift
	out=$("$@" 2>&1)
	status=$?
	result $status "$name" "$(printf '%q ' "$@")-> $status"$'\n'"$out"
}

# expect_fail NAME CMD...: CMD refuses, with a status of its own (not because
# it does not exist, was killed or ran into a deadline)
expect_fail()
{
	local name=$1 out status
	shift
	out=$("$@" 2>&1)
	status=$?
	((status > 0 && status < 124))
	result $? "$name" "$(printf '%q ' "$@")-> $status, expected a refusal"$'\n'"$out"
}

# expect_error NAME REGEX CMD...: CMD refuses and says why
expect_error()
{
	local name=$1 regex=$2 out status
	shift 2
	out=$("$@" 2>&1)
	status=$?
	((status > 0 && status < 124)) && grep -qE -- "$regex" <<<"$out"
	result $? "$name" \
		"$(printf '%q ' "$@")-> $status, expected a refusal with /$regex/"$'\n'"$out"
}

# expect_output NAME REGEX CMD...: CMD succeeds and a line of its output matches
expect_output()
{
	local name=$1 regex=$2 out status
	shift 2
	out=$("$@" 2>&1)
	status=$?
	((status == 0)) && grep -qE -- "$regex" <<<"$out"
	result $? "$name" "$(printf '%q ' "$@")-> $status, expected /$regex/"$'\n'"$out"
}

# expect_eq NAME GOT WANTED
expect_eq()
{
	[[ $2 == "$3" ]]
	result $? "$1" "got:    $2"$'\n'"wanted: $3"
}

# expect_cmp NAME GOT OP WANTED: integers, OP as of test(1): -lt -le -eq -ne -ge -gt
expect_cmp()
{
	test "$2" "$3" "$4"
	result $? "$1" "not true: $2 $3 $4"
}

# ---------------------------------------------------------------- waiting

# busywait SECONDS CMD...: until CMD succeeds; fails at the deadline with CMD's
# last output on stderr
busywait()
{
	local end out
	end=$((${EPOCHREALTIME/[.,]/} + $1 * 1000000))
	shift
	until out=$("$@" 2>&1); do
		if ((${EPOCHREALTIME/[.,]/} >= end)); then
			printf 'deadline passed: %s\n%s\n' "$*" "$out" >&2
			return 1
		fi
		sleep 0.05
	done
}

# busywait_fail SECONDS CMD...: until CMD fails
busywait_fail()
{
	local seconds=$1
	shift
	busywait "$seconds" not "$@"
}

not()
{
	! "$@"
}

# now_ms: for measured times
now_ms()
{
	echo $((${EPOCHREALTIME/[.,]/} / 1000))
}

# ---------------------------------------------------------------- clean-up

# defer CMD...: run at the end, whatever happens; last first
defer()
{
	DEFERRED+=("$(printf '%q ' "$@")")
}

run_deferred()
{
	local status=$? i ns pid

	trap '' INT TERM
	for ((i = ${#DEFERRED[@]} - 1; i >= 0; i--)); do
		eval "${DEFERRED[i]}" >/dev/null 2>&1
	done
	for ns in "${NS_ALL[@]}"; do
		for pid in $(ip netns pids "$ns" 2>/dev/null); do
			kill -KILL "$pid" 2>/dev/null
		done
		ip netns delete "$ns" 2>/dev/null
	done
	[[ -n $TAP_DONE || $status -eq 4 ]] ||
		diag "ended early, with status $status"
	exit "$status"
}

# bg CMD...: in the background until the end of the test; $BG_PID is the process
# of CMD itself (also of "in_ns NS CMD...")
bg()
{
	local ns
	if [[ $1 == in_ns ]]; then
		ns=$2
		shift 2
		set -- ip netns exec "$ns" "$@"
	fi
	"$@" &
	BG_PID=$!
	defer kill "$BG_PID"
}

# stop PID [SIGNAL]: and wait until it is gone
stop()
{
	kill -"${2:-TERM}" "$1" 2>/dev/null
	wait "$1" 2>/dev/null
	return 0
}

# ---------------------------------------------------------------- namespaces

# setup_ns NAME...: a new namespace for each NAME, whose real, unique name is
# put into the variable NAME; lo is up, addresses are usable at once
setup_ns()
{
	local var ns
	for var in "$@"; do
		printf -v ns 'bt-%s-%04x%04x' "${var,,}" $RANDOM $RANDOM
		ip netns add "$ns" || bail "cannot create namespace $ns"
		NS_ALL+=("$ns")
		# default: for devices still to come
		# shellcheck disable=SC2016 # the inner shell's own $
		in_ns "$ns" sh -ec 'cd /proc/sys/net
			for name in ipv6/conf/default/accept_dad ipv6/conf/all/accept_dad \
				ipv4/conf/default/rp_filter ipv4/conf/all/rp_filter \
				ipv6/conf/default/router_solicitations; do
				echo 0 >$name
			done
			echo 0 2147483647 >ipv4/ping_group_range
			exec ip link set lo up' || bail "cannot set up namespace $ns"
		printf -v "$var" '%s' "$ns"
	done
}

del_ns()
{
	local ns
	for ns in "$@"; do
		guard_end "$ns"
		ip netns delete "$ns"
	done
}

in_ns()
{
	local ns=$1
	shift
	ip netns exec "$ns" "$@"
}

# forwarding NS...: make routers of them
forwarding()
{
	local ns
	for ns in "$@"; do
		in_ns "$ns" sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	done
}

# veth NS1 DEV1 ADDRS1 NS2 DEV2 ADDRS2: a pair, up and with carrier; ADDRS is a
# list with commas, or "-" for none
veth()
{
	{
		echo "link add $2 netns $1 type veth peer name $5 netns $4"
		addr_lines "$2" "$3"
		echo "link set $2 up"
	} | ip -n "$1" -batch - || bail "cannot create veth $2 - $5"
	{
		addr_lines "$5" "$6"
		echo "link set $5 up"
	} | ip -n "$4" -batch - || bail "cannot set up $5"
	busywait "$WAIT" carrier "$1" "$2"
	busywait "$WAIT" carrier "$4" "$5"
}

# addrs NS DEV ADDRS: a list with commas, or "-"
addrs()
{
	addr_lines "$2" "$3" | ip -n "$1" -batch - || bail "cannot add $3 to $2"
}

# addr_lines DEV ADDRS: the same for "ip -batch"
addr_lines()
{
	local addr
	[[ $2 != - ]] || return 0
	for addr in ${2//,/ }; do
		echo "address add $addr dev $1"
	done
}

carrier()
{
	[[ $(ip -n "$1" -o link show "$2") == *LOWER_UP* ]]
}

# reachable NS ADDR [PING-OPTION...]: one answered ping
reachable()
{
	local ns=$1 addr=$2
	shift 2
	in_ns "$ns" ping -q -n -c 1 -W 5 "$@" "$addr"
}

# dev_stat NS DEV COUNTER, e.g. tx_packets
dev_stat()
{
	in_ns "$1" cat "/sys/class/net/$2/statistics/$3"
}

# snmp NS COUNTER: a counter as nstat names it, e.g. IpFragOKs
snmp()
{
	in_ns "$1" nstat -asz "$2" | awk -v name="$2" '$1 == name { print $2 }'
}

# ---------------------------------------------------------------- needs

# need_cmd CMD...: skips the whole test if one is missing
need_cmd()
{
	local cmd
	for cmd in "$@"; do
		command -v "$cmd" >/dev/null || skip_all "no command $cmd"
	done
}

# need_module NAME...: loads them or skips the whole test
need_module()
{
	local name
	for name in "$@"; do
		[[ -d /sys/module/$name ]] || modprobe -q "$name" || skip_all "no module $name"
	done
}

# shellcheck source-path=SCRIPTDIR
. "$BOWTIE_SELFTESTS/lib_ipsec.sh"
# shellcheck source-path=SCRIPTDIR
. "$BOWTIE_SELFTESTS/lib_capture.sh"
# shellcheck source-path=SCRIPTDIR
. "$BOWTIE_SELFTESTS/lib_guard.sh"
