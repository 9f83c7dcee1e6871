#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 300
#
# An SA that a NIC has: its packets take the xfrm path, whatever the tunnel's esp-mode, and
# arrive at the NIC as such; one beside it that no NIC has takes the fast path. The NIC is
# netdevsim's, which counts what it is to encrypt, and loses it.
#
#	GW   bow0   10.0.0.1			tunnel t0: if_id 1, by the NIC; t1: if_id 2
#	     the NIC, 192.0.2.1 -> 192.0.2.2

. "$(dirname "$0")/lib.sh"
. "$BOWTIE_SELFTESTS/lib_agent.sh"
. "$BOWTIE_SELFTESTS/lib_trace.sh"

readonly ID=77 DECLINED=-524
readonly SIM=/sys/bus/netdevsim

# nic: a device that does ESP, as eth0 of GW
nic()
{
	local dev
	echo "$ID 1" >$SIM/new_device || bail "cannot create a netdevsim"
	# shellcheck disable=SC2016 # the inner shell's
	defer sh -c 'echo "$1" >"$2"' sh $ID $SIM/del_device
	busywait "$WAIT" test -d $SIM/devices/netdevsim$ID/net || bail "netdevsim has no device"
	dev=$(ls $SIM/devices/netdevsim$ID/net)
	ip link set "$dev" netns "$GW" name eth0 || skip_all "netdevsim cannot move to a namespace"
	in_ns "$GW" ethtool -k eth0 | grep -q '^esp-hw-offload: on' ||
		skip_all "netdevsim does no ESP in this kernel"
	ip -n "$GW" -batch - <<-EOT || bail "cannot set up the NIC"
		link set eth0 up
		address add 192.0.2.1/24 dev eth0
		neighbour replace 192.0.2.2 lladdr 02:00:00:00:00:02 dev eth0
	EOT
}

# tunnels: two of them to the same peer
tunnels()
{
	local i
	bowtie -n "$GW" link add bow0 || bail "cannot create bow0"
	for i in 0 1; do
		bowtie -n "$GW" tunnel add bow0 t$i if-id $((i + 1)) local 192.0.2.1 remote 192.0.2.2 \
			inside-peer 10.0.$i.2 esp-mode "$1" || bail "cannot create t$i"
	done
	ip -n "$GW" link set bow0 up
	ip -n "$GW" address add 10.0.0.1/16 dev bow0
	sa_add "$GW" 192.0.2.1 192.0.2.2 0x1001 1 gcm offload dev eth0 dir out ||
		skip_all "netdevsim takes no SA of a tunnel"
	sa_add "$GW" 192.0.2.1 192.0.2.2 0x1002 2 gcm || bail "cannot add an SA"
}

# told SPI FIELD: of "bowtie sa show"
told()
{
	bowtie -n "$GW" -j -d sa show dev bow0 | jq -r ".[] | select(.spi == \"$1\") | .$2"
}

# nic_packets: those that the NIC was to encrypt
nic_packets()
{
	sed -n 's/.*tx=\([0-9]*\).*/\1/p' /sys/kernel/debug/netdevsim/netdevsim$ID/ports/0/ipsec
}

# send TUNNEL: ten packets
send()
{
	local i
	for ((i = 0; i < 10; i++)); do
		agent inject_udp lan 10.9.0.1 "10.0.$1.2" size=$((100 + i))
	done
}

path()
{
	local before fast
	tunnels "$1"
	expect_eq "$1: the SA of the NIC" "$(told 0x1001 offload) $(told 0x1001 esp_mode)" "true xfrm"
	expect_eq "$1: the other one" "$(told 0x1002 esp_mode)" fast
	agent injector_open lan "$GW" bow0 >/dev/null
	before=$(nic_packets) fast=$(probe_returned fast_tx "!$DECLINED")
	send 0 >/dev/null
	expect_eq "$1: the NIC gets its packets" $(($(nic_packets) - before)) 10
	expect_eq "$1: and the fast path none" $(($(probe_returned fast_tx "!$DECLINED") - fast)) 0
	send 1 >/dev/null
	expect_cmp "$1: others go by the fast path" \
		$(($(probe_returned fast_tx "!$DECLINED") - fast)) -ge 9
	expect_eq "$1: and not to the NIC" $(($(nic_packets) - before)) 10
	ip -n "$GW" xfrm state flush
	ip -n "$GW" link del bow0
}

log_init
need_cmd jq ethtool
need_module netdevsim esp4_offload
agent_start
probe_results fast_tx bowtie:bowtie_esp_fast_tx
setup_ns GW
nic
path auto
path fast
done_testing
