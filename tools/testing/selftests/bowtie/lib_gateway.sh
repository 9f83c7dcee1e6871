# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The topology of the packet path tests: Bowtie on GW, and as the far end plain
# xfrm interfaces on PEER, one for each tunnel. Sourced after lib.sh.
#
#	LAN  eth0 10.1.0.2, fd01::2
#	       |
#	     lan0 10.1.0.1, fd01::1
#	GW   bow0  169.254.21.(4i+2), fd00:21::(4i+2)
#	     eth0  192.0.2.1, 2001:db8::1		if_id of tunnel i: i + 1
#	       |
#	     eth0  192.0.2.(i+2), 2001:db8::(i+2)	if_id of tunnel i: i + 101
#	PEER ipsec(i) 169.254.21.(4i+1), fd00:21::(4i+1)
#	     lo    10.2.0.1, fd02::1; 10.2.1.0/24 and fd02:1::/64 swallow everything

# gateway TUNNELS [FAMILY]: all of it but the SAs and the routes into bow0; FAMILY
# (4 or 6) is that of the outer addresses
gateway()
{
	GW_TUNNELS=$1
	local i family=${2:-4} addrs4='' addrs6=''

	setup_ns LAN GW PEER
	forwarding "$GW" "$PEER"
	for ((i = 0; i < GW_TUNNELS; i++)); do
		addrs4+=,192.0.2.$((i + 2))/24
		addrs6+=,2001:db8::$((i + 2))/64
	done
	veth "$LAN" eth0 10.1.0.2/24,fd01::2/64 "$GW" lan0 10.1.0.1/24,fd01::1/64
	veth "$GW" eth0 192.0.2.1/24,2001:db8::1/64 "$PEER" eth0 "${addrs4:1}$addrs6"
	guard_begin "$GW" eth0 192.0.2.2
	ip -n "$LAN" -batch - <<-EOF || bail "cannot set up the LAN"
		route add default via 10.1.0.1
		route add default via fd01::1
	EOF
	ip -n "$PEER" -batch - <<-EOF || bail "cannot set up the far end"
		address add 10.2.0.1/32 dev lo
		address add fd02::1/128 dev lo
		route add blackhole 10.2.1.0/24
		route add blackhole fd02:1::/64
	EOF
	bowtie -n "$GW" link add bow0 || bail "cannot create bow0"
	for ((i = 0; i < GW_TUNNELS; i++)); do
		GW_FAMILY[i]=$family
	done
	tunnels 0 $((GW_TUNNELS - 1))
	ip -n "$GW" link set bow0 up
	return_by 0
}

# outer_local I, outer_peer I: the outer addresses of tunnel I
outer_local()
{
	[[ ${GW_FAMILY[$1]} == 6 ]] && echo 2001:db8::1 || echo 192.0.2.1
}

outer_peer()
{
	[[ ${GW_FAMILY[$1]} == 6 ]] && echo "2001:db8::$(($1 + 2))" || echo "192.0.2.$(($1 + 2))"
}

# inside_peer I [FAMILY], inside_local I [FAMILY]
inside_peer()
{
	[[ ${2:-4} == 6 ]] && printf 'fd00:21::%x\n' $((4 * $1 + 1)) ||
		echo "169.254.21.$((4 * $1 + 1))"
}

inside_local()
{
	[[ ${2:-4} == 6 ]] && printf 'fd00:21::%x\n' $((4 * $1 + 2)) ||
		echo "169.254.21.$((4 * $1 + 2))"
}

# tunnel I FAMILY: both ends of tunnel tI, without SAs
declare -a GW_FAMILY SPI_OUT SPI_IN
tunnel()
{
	GW_FAMILY[$1]=$2
	tunnels "$1" "$1"
}

# tunnels FIRST LAST: with the families that are in GW_FAMILY, and the esp-mode ESP_MODE
tunnels()
{
	local i us them ours theirs bow='' near='' far=''
	for ((i = $1; i <= $2; i++)); do
		us=$(outer_local "$i") them=$(outer_peer "$i")
		printf -v ours '169.254.21.%d fd00:21::%x' $((4 * i + 2)) $((4 * i + 2))
		printf -v theirs '169.254.21.%d fd00:21::%x' $((4 * i + 1)) $((4 * i + 1))
		bow+="tunnel add bow0 t$i if-id $((i + 1)) local $us remote $them"
		bow+=" inside-local ${ours/ / inside-local }"
		bow+=" inside-peer ${theirs/ / inside-peer } esp-mode ${ESP_MODE:-auto}"$'\n'
		near+=$(addr_lines bow0 "${ours/ //30,}/126")$'\n'
		far+=$(xfrm_peer_lines "ipsec$i" $((i + 101)) "$them" "$us" eth0 \
			"${theirs/ //30,}/126")$'\n'
	done
	bowtie -n "$GW" -batch - <<<"$bow" || bail "cannot create the tunnels"
	ip -n "$GW" -batch - <<<"$near" || bail "cannot add the tunnels' addresses"
	ip -n "$PEER" -batch - <<<"$far" || bail "cannot create the tunnels' far ends"
}

# sas I ALG [WORDS...]: a new pair of SAs for tunnel I; SPI_OUT[I] and SPI_IN[I] as
# the gateway sees them. Two CPUs reorder more than a window of 32.
sas()
{
	local i=$1 alg=$2
	shift 2
	[[ " $* " == *" replay-window "* ]] || set -- "$@" replay-window 1024
	sa_pair "$GW" "$(outer_local "$i")" "$PEER" "$(outer_peer "$i")" $((i + 1)):$((i + 101)) \
		"$alg" "$@"
	SPI_OUT[i]=$SPI_AB
	SPI_IN[i]=$SPI_BA
}

# sas_del I: the pair that sas has made last
sas_del()
{
	sa_pair_del "$GW" "$(outer_local "$1")" "$PEER" "$(outer_peer "$1")" \
		"${SPI_OUT[$1]}" "${SPI_IN[$1]}"
}

# far_routes NEXTHOP...: 10.2.0.0/16 and fd02::/16 into bow0, and there to NEXTHOPs
# as words of the tool: tunnel t0 weight 2 ...
far_routes()
{
	ip -n "$GW" -batch - <<-EOF || bail "cannot add the routes into bow0"
		route replace 10.2.0.0/16 dev bow0
		route replace fd02::/16 dev bow0
	EOF
	bowtie -n "$GW" -batch - <<-EOF || bail "cannot add the routes of bow0"
		route replace 10.2.0.0/16 dev bow0 $*
		route replace fd02::/16 dev bow0 $*
	EOF
}

# return_by I: the far end answers the LAN by tunnel I
return_by()
{
	ip -n "$PEER" -batch - <<-EOF || bail "cannot route back"
		route replace 10.1.0.0/16 dev ipsec$1
		route replace fd01::/16 dev ipsec$1
	EOF
}

# tunnel_field I FIELD: of "bowtie -j -s tunnel show", as jq names it (.oper, .mtu,
# .stats.tx_packets)
tunnel_field()
{
	bowtie -n "$GW" -j -s tunnel show bow0 "t$1" | jq -r ".[0]$2"
}

# link_field FIELD: likewise of the link
link_field()
{
	bowtie -n "$GW" -j -s link show bow0 | jq -r ".[0]$1"
}

# tunnel_is I FIELD VALUE, link_is FIELD VALUE: for busywait
tunnel_is()
{
	[[ $(tunnel_field "$1" "$2") == "$3" ]]
}

link_is()
{
	[[ $(link_field "$1") == "$2" ]]
}

# expect_counted NAME COUNTER BY CMD...: CMD makes COUNTER of the link grow by BY. What is
# injected is under way for a moment.
expect_counted()
{
	local name=$1 counter=$2 by=$3
	shift 3
	expect "$name" counted "$counter" "$by" "$@"
}

counted()
{
	local counter=$1 by=$2 before
	shift 2
	before=$(agent counter "$GW" bow0 "$counter") && "$@" &&
		agent await_counter "$GW" bow0 "$counter" $((before + by))
}

# offload_unload: away with the ESP offload, if it is there. SAs hold it until they are
# destroyed, some time after their namespace.
offload_unload()
{
	local name
	for name in esp4_offload esp6_offload; do
		busywait "$WAIT" offload_gone "$name" || return 1
	done
}

# A packet that came through GRO holds its SA. One that another CPU has read waits for its own
# CPU to receive anything before it is freed (skb_attempt_defer_free()).
offload_gone()
{
	[[ -d /sys/module/$1 ]] || return 0
	# shellcheck disable=SC2016 # that shell's own variables
	unshare -n bash -c 'ip link set lo up
		for cpu in /sys/devices/system/cpu/cpu[0-9]*; do
			taskset -c "${cpu##*cpu}" ping -q -c 1 127.0.0.1 >/dev/null
		done'
	rmmod "$1"
}
