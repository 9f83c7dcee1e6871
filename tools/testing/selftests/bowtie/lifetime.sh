#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 300
#
# Parts of a gateway go, under all the traffic that two CPUs can make, and come back:
# the link, its tunnels, their SAs, the device below, the namespace. Nothing is left
# behind. For the topology see lib_gateway.sh; eth0's addresses are on under0 here, a
# device that can be deleted without touching the far end.

. "$(dirname "$0")/lib.sh"
. "$BOWTIE_SELFTESTS/lib_gateway.sh"
. "$BOWTIE_SELFTESTS/lib_load.sh"

link()
{
	ip -n "$GW" link del bow0 && bow_create
}

link_down()
{
	ip -n "$GW" link set bow0 down && ip -n "$GW" -batch - <<-EOF
		link set bow0 up
		route replace 10.2.0.0/16 dev bow0
		route replace fd02::/16 dev bow0
		address replace $(inside_local 0 6)/126 dev bow0
		address replace $(inside_local 1 6)/126 dev bow0
	EOF
}

one_tunnel()
{
	bowtie -n "$GW" tunnel del bow0 t1 && bow_tunnels 1
}

all_tunnels()
{
	printf 'tunnel del bow0 t%s\n' 0 1 | bowtie -n "$GW" -batch - && bow_tunnels 0 1
}

# The same peers by other SAs: unbound, bound again
if_id()
{
	printf 'tunnel set bow0 t0 if-id %s\n' 77 1 | bowtie -n "$GW" -batch -
}

sa_flush()
{
	ip -n "$GW" xfrm state flush && ip -n "$PEER" xfrm state flush && sas 0 gcm && sas 1 gcm
}

routes()
{
	bowtie -n "$GW" -batch - <<-EOF
		route flush bow0
		route replace 10.2.0.0/16 dev bow0 tunnel t0 tunnel t1
		route replace fd02::/16 dev bow0 tunnel t0 tunnel t1
	EOF
}

# The device below, of the MAC address that the far end knows
under0()
{
	ip -n "$GW" -batch - <<-EOF
		link add under0 link eth0 address $MAC type macvlan mode private
		address add 192.0.2.1/24 dev under0
		link set under0 up
	EOF
}

underlay_down()
{
	ip -n "$GW" link set under0 down && ip -n "$GW" link set under0 up
}

underlay_gone()
{
	ip -n "$GW" link del under0 && under0
}

below()
{
	MAC=$(in_ns "$GW" cat /sys/class/net/eth0/address)
	MAC=02:${MAC#*:}
	ip -n "$GW" address del 192.0.2.1/24 dev eth0
	under0 || bail "cannot create under0"
}

# Everything at once, with no order but the kernel's; the senders lose their devices
namespace()
{
	guard_arrivals "$PEER" eth0 "$GW" 192.0.2.2
	expect "traffic before the namespace goes" busywait "$WAIT" carries_both_ways
	del_ns "$GW"
	expect "the namespace goes under traffic" busywait 60 gateway_is_gone
}

# lan0's other end goes with it, and only once its references have gone
gateway_is_gone()
{
	not ip -n "$LAN" link show eth0
}

log_init
need_module xfrm_interface esp4 esp6 veth macvlan
need_cmd flows taskset jq
leaks_begin
load_gateway
below
load_start
under_load "link deleted" 3 link
under_load "link down and up" 1 link_down
under_load "one of the tunnels deleted" 2 one_tunnel
under_load "all tunnels deleted" 1 all_tunnels
under_load "tunnel given other SAs" 1 if_id
under_load "SAs flushed" 1 sa_flush
under_load "routes flushed" 1 routes
under_load "device below down and up" 1 underlay_down
under_load "device below deleted" 2 underlay_gone
namespace
leaks_end "all gone"
done_testing
