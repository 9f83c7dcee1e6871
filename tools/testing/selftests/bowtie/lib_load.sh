# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A gateway under all the traffic that two CPUs can make, for tests that take parts
# of it away; and what must be left of it in the end: nothing. Sourced after
# lib_gateway.sh, whose topology it uses, with more places that swallow packets:
#
#	LAN  10.1.1.0/24, fd01:1::/64		PEER  10.2.1.0/24, fd02:1::/64
#
# The senders do not mind when their packets are refused, and go on.

LOAD_PIDS=()
declare -A SLAB_BEFORE

# What may not grow: states, bundles, namespaces (which hold everything else)
readonly LOAD_SLABS="xfrm_state xfrm_dst_cache net_namespace"

# slab_objects CACHE: in use, once the ones that CPUs keep in reserve are given back.
# A namespace is freed when the next one has been taken down.
slab_objects()
{
	[[ $1 != net_namespace ]] || { ip netns add bt-last && ip netns delete bt-last; }
	echo 1 >"/sys/kernel/slab/$1/shrink"
	sed 's/ .*//' "/sys/kernel/slab/$1/objects"
}

# leaks_begin: what there is now is not ours
leaks_begin()
{
	local cache
	for cache in $LOAD_SLABS; do
		[[ -e /sys/kernel/slab/$cache/objects ]] || bail "this kernel does not count $cache"
		SLAB_BEFORE[$cache]=$(settled "$cache") || bail "$cache does not come to rest"
	done
}

# settled CACHE: its objects, once they are as many three times in a row
settled()
{
	local now last='' same=0 tries
	for ((tries = 0; same < 2 && tries < 100; tries++)); do
		now=$(slab_objects "$1")
		[[ $now == "$last" ]] && ((++same)) || same=0
		last=$now
		sleep 0.1
	done
	echo "$now"
	((same == 2))
}

no_more_objects()
{
	local now
	now=$(slab_objects "$1")
	echo "$now objects in $1, ${SLAB_BEFORE[$1]} before"
	((now <= SLAB_BEFORE[$1]))
}

# leaks_end LABEL: namespaces are deleted, and what was in them has been freed. The
# kernel destroys a namespace in the background; whatever still holds a device of
# it stops it there.
leaks_end()
{
	local cache
	load_stop
	# What a test has deleted already, or not
	del_ns "$LAN" "$GW" "$PEER" 2>"$TEST_TMP/why"
	for cache in $LOAD_SLABS; do
		expect "$1: nothing is left in $cache" busywait 60 no_more_objects "$cache"
	done
	expect_eq "$1: nobody holds the module" "$(cat /sys/module/bowtie/refcnt)" 0
}

# load_gateway: two tunnels, without bow0
load_gateway()
{
	gateway 2
	sas 0 gcm
	sas 1 gcm
	ip -n "$LAN" -batch - <<-EOF || bail "cannot set up the LAN"
		route add blackhole 10.1.1.0/24
		route add blackhole fd01:1::/64
	EOF
	ip -n "$GW" -batch - <<-EOF || bail "cannot set up the gateway"
		route add 10.1.1.0/24 via 10.1.0.2
		route add fd01:1::/64 via fd01::2
	EOF
	far_routes tunnel t0 tunnel t1
}

# bow_create: bow0 as load_gateway has it, again
bow_create()
{
	local i
	{
		echo "link add bow0 type bowtie"
		echo "link set bow0 up"
		for i in 0 1; do
			echo "address add $(inside_local $i)/30 dev bow0"
			echo "address add $(inside_local $i 6)/126 dev bow0"
		done
		echo "route replace 10.2.0.0/16 dev bow0"
		echo "route replace fd02::/16 dev bow0"
	} | ip -n "$GW" -batch - && bow_tunnels 0 1
}

# bow_tunnels I...: these tunnels, and the routes by both
bow_tunnels()
{
	local i
	{
		for i in "$@"; do
			echo "tunnel add bow0 t$i if-id $((i + 1)) local $(outer_local "$i")" \
				"remote $(outer_peer "$i")" \
				"inside-local $(inside_local "$i") inside-peer $(inside_peer "$i")" \
				"inside-local $(inside_local "$i" 6) inside-peer $(inside_peer "$i" 6)"
		done
		echo "route replace 10.2.0.0/16 dev bow0 tunnel t0 tunnel t1"
		echo "route replace fd02::/16 dev bow0 tunnel t0 tunnel t1"
	} | bowtie -n "$GW" -batch -
}

# load_start: each CPU has a sender on either side, as fast as they can
load_start()
{
	local last=$(($(nproc) - 1))
	load_sender "$LAN" 0 10.2.1.1 100
	load_sender "$LAN" $last fd02:1::1 1000
	load_sender "$PEER" $last 10.1.1.1 100
	load_sender "$PEER" 0 fd01:1::1 1000
}

# load_sender NS CPU TO SIZE: polite towards the commands of the test
load_sender()
{
	bg in_ns "$1" nice -n 15 taskset -c "$2" flows send --to "$3" --size "$4" \
		--flows 64 --rate 100000 --from-port $((20000 + 100 * ${#LOAD_PIDS[@]})) >/dev/null
	LOAD_PIDS+=("$BG_PID")
}

load_stop()
{
	local pid
	for pid in "${LOAD_PIDS[@]}"; do
		stop "$pid"
	done
	LOAD_PIDS=()
}

# moved [TX RX]: what bow0 has carried, less that
moved()
{
	local tx rx
	{ read -r tx && read -r rx; } < <(in_ns "$GW" cat /sys/class/net/bow0/statistics/tx_packets \
		/sys/class/net/bow0/statistics/rx_packets)
	echo "$((tx - ${1:-0})) $((rx - ${2:-0}))"
}

# carries_both_ways [TX RX]: 300 packets each way since then
carries_both_ways()
{
	local tx rx
	read -r tx rx < <(moved "$@")
	echo "$tx packets out, $rx in"
	((tx >= 300 && rx >= 300))
}

# under_load LABEL ROUNDS CMD...: CMD takes something away and puts it back, while
# traffic flows before and after
under_load()
{
	local label=$1 rounds=$2 i before begin
	shift 2
	begin=$(now_ms)
	for ((i = 1; i <= rounds; i++)); do
		busywait "$WAIT" carries_both_ways >"$TEST_TMP/why" 2>&1 ||
			{ fail "$label" "round $i, before: $(<"$TEST_TMP/why")"; return; }
		"$@" >"$TEST_TMP/why" 2>&1 ||
			{ fail "$label" "round $i: $(<"$TEST_TMP/why")"; return; }
		read -ra before < <(moved)
		busywait "$WAIT" carries_both_ways "${before[@]}" >"$TEST_TMP/why" 2>&1 ||
			{ fail "$label" "round $i, after: $(<"$TEST_TMP/why")"; return; }
	done
	pass "$label: $rounds time(s)"
	diag "$(($(now_ms) - begin)) ms"
}
