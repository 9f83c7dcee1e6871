#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Instructions that a forwarded packet costs on its way out: plain forwarding,
# Bowtie, and four xfrm interfaces with a next-hop group, in one run.
#
#	pktgen -> lan0 (netif_receive) -> routing -> { out0 | bow0 | ipsec0..3 }
#	                                               ESP -> wan0 (dummy)
#
# Meant for a guest under "scripts/vm --icount", where an instruction takes one
# nanosecond of guest time and figures repeat to about 0.1 %. Started there by
# "make bench". PACKETS and SIZES may be set.

: "${PACKETS:=20000}"
: "${SIZES:=100 1400}"
: "${WARMUP:=2000}"

# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/../selftests/bowtie/lib.sh"

PLAIN=10.10.0.0 BOWTIE=10.20.0.0 XFRMI=10.30.0.0

die()
{
	echo "insns_tx: $*" >&2
	exit 1
}

setup()
{
	local i remote mac=02:00:00:00:00:99

	setup_ns GW
	forwarding "$GW"
	for dev in lan0 wan0 out0; do
		ip -n "$GW" link add $dev type dummy && ip -n "$GW" link set $dev up || die "no $dev"
	done
	addrs "$GW" lan0 10.1.0.1/24
	addrs "$GW" wan0 192.0.2.1/24
	addrs "$GW" out0 10.9.0.1/24
	ip -n "$GW" neighbour add 10.9.0.2 lladdr $mac dev out0 nud permanent
	ip -n "$GW" route add $PLAIN/16 via 10.9.0.2

	ip -n "$GW" link add bow0 type bowtie || die "no bow0"
	ip -n "$GW" link set bow0 up
	for i in 1 2 3 4; do
		remote=192.0.2.1$i
		ip -n "$GW" neighbour add $remote lladdr $mac dev wan0 nud permanent
		in_ns "$GW" bowtie tunnel add bow0 "t$i" if-id "$i" local 192.0.2.1 remote $remote ||
			die "no tunnel"
		sa_new_spi spi
		# shellcheck disable=SC2154 # set by sa_new_spi
		sa_add "$GW" 192.0.2.1 $remote "$spi" "$i" gcm

		remote=192.0.2.2$i
		ip -n "$GW" neighbour add $remote lladdr $mac dev wan0 nud permanent
		ip -n "$GW" link add ipsec$i type xfrm dev wan0 if_id $((100 + i)) || die "no xfrmi"
		ip -n "$GW" link set ipsec$i up
		xfrm_policies "$GW" $((100 + i)) 192.0.2.1 $remote
		sa_new_spi spi
		sa_add "$GW" 192.0.2.1 $remote "$spi" $((100 + i)) gcm
		ip -n "$GW" nexthop add id "$i" dev ipsec$i || die "no nexthop"
	done
	in_ns "$GW" bowtie route add $BOWTIE/16 dev bow0 tunnel t1 tunnel t2 tunnel t3 tunnel t4 ||
		die "no route"
	ip -n "$GW" route add $BOWTIE/16 dev bow0
	ip -n "$GW" nexthop add id 10 group 1/2/3/4
	ip -n "$GW" route add $XFRMI/16 nhid 10
}

pg()
{
	local file=$1
	shift
	echo "$*" >"/proc/net/pktgen/$file" || die "pktgen refuses: $*"
}

# pktgen_run NET SIZE COUNT: nanoseconds a packet, in tenths. In the namespace.
pktgen_run()
{
	local net=$1 size=$2 count=$3 result

	pg kpktgend_0 rem_device_all
	pg kpktgend_0 add_device lan0
	pg lan0 count "$count"
	pg lan0 clone_skb 0
	pg lan0 pkt_size $((size + 14))
	pg lan0 xmit_mode netif_receive
	pg lan0 delay 0
	pg lan0 src_min 10.1.0.2
	pg lan0 src_max 10.1.0.2
	pg lan0 dst_min "${net%.0}.1"
	pg lan0 dst_max "${net%.0}.1"
	pg lan0 dst_mac "$(cat /sys/class/net/lan0/address)"
	pg lan0 udp_src_min 1024
	pg lan0 udp_src_max 5119
	pg lan0 udp_dst_min 9
	pg lan0 udp_dst_max 9
	pg lan0 flag UDPCSUM
	pg pgctrl start
	result=$(grep -A1 '^Result' /proc/net/pktgen/lan0)
	[[ $result == *"OK:"* && $result == *"errors: 0"* ]] || die "pktgen: $result"
	awk -v n="$count" '/^Result/ { sub(/.*OK: /, ""); printf "%d\n", $1 * 10000 / n }' <<<"$result"
}

# measure NET SIZE DEV: likewise, having checked that packets come out at DEV
measure()
{
	local before after value

	pktgen_run "$1" "$2" "$WARMUP" >/dev/null
	before=$(cat "/sys/class/net/$3/statistics/tx_packets")
	value=$(pktgen_run "$1" "$2" "$PACKETS") || exit 1
	after=$(cat "/sys/class/net/$3/statistics/tx_packets")
	((after - before == PACKETS)) || die "$((after - before)) of $PACKETS came out of $3"
	echo "$value"
}

table()
{
	local size plain bowtie xfrmi

	[[ -n $(tc -Version 2>/dev/null) ]] || true
	printf '%-8s %10s %16s %16s %8s\n' bytes plain "bowtie xfrm" "4 xfrm ifaces" ratio
	for size in $SIZES; do
		plain=$(measure $PLAIN "$size" out0) || exit 1
		bowtie=$(measure $BOWTIE "$size" wan0) || exit 1
		xfrmi=$(measure $XFRMI "$size" wan0) || exit 1
		awk -v s="$size" -v p="$plain" -v b="$bowtie" -v x="$xfrmi" 'BEGIN {
			printf "%-8d %10.0f %+16.0f %+16.0f %8.2f\n", s, p / 10, (b - p) / 10,
				(x - p) / 10, (b - p) / (x - p)
		}'
	done
}

if [[ ${1:-} == --in-ns ]]; then
	table
	exit
fi

# aesni_intel is not loaded on demand, but by udev on a real machine
modprobe -q aesni_intel
modprobe -a pktgen xfrm_interface esp4 esp6 xfrm_user || die "kernel modules are missing"
[[ -d /sys/module/bowtie ]] || {
	modprobe -a ip_tunnel xfrm4_tunnel
	insmod "$BOWTIE_KO" || die "cannot load the module"
}
TEST_TMP=$(mktemp -d /tmp/insns.XXXXXX) || die "no temporary directory"
defer rm -rf "$TEST_TMP"
trap run_deferred EXIT
TAP_DONE=1
setup
in_ns "$GW" "$0" --in-ns
