# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: GPL-2.0-only
#
# What a good network engineer builds without Bowtie, for comparison: strongSwan with a
# static xfrm interface for each tunnel (so that no updown script is needed), BIRD with one
# session on each and a multipath route. In the place of GW in lib_lab.sh, against the same
# cloud. Timers as AWS gives them: BGP 10 s and 30 s, DPD 10 s and 30 s (which strongSwan
# does not heed in IKEv2: its retransmissions decide, left as they are). Sourced after
# lib_lab.sh.

peer_interfaces()
{
	local i near
	# By ports too, or all flows of two hosts share a tunnel
	in_ns "$GW" sysctl -q net.ipv4.fib_multipath_hash_policy=1
	for i in 0 1 2 3; do
		ip -n "$GW" link add "ipsec$i" type xfrm dev wan0 if_id $((i + 1)) ||
			bail "cannot create ipsec$i"
		near=$((INSIDE_PEER[i] + 1))
		addrs "$GW" "ipsec$i" "${INSIDE[i]}.$near/30"
		ip -n "$GW" link set "ipsec$i" mtu 1400 up
	done
}

peer_swanctl_conf()
{
	local i
	echo "connections {"
	for i in 0 1 2 3; do
		cat <<-END
		tunnel$i {
			version = 2
			local_addrs = $GW_OUT
			remote_addrs = ${CLOUD_OUT[i]}
			proposals = aes128gcm16-prfsha256-ecp256
			mobike = no
			dpd_delay = 10s
			dpd_timeout = 30s
			local { auth = psk
				id = $GW_OUT }
			remote { auth = psk
				id = ${CLOUD_OUT[i]} }
			children { tunnel$i {
				local_ts = 0.0.0.0/0, ::/0
				remote_ts = 0.0.0.0/0, ::/0
				if_id_in = $((i + 1))
				if_id_out = $((i + 1))
				esp_proposals = aes128gcm16-ecp256
				replay_window = 1024
				start_action = start
				dpd_action = restart
				close_action = start
			} }
		}
		END
	done
	echo "}"
	echo "secrets {"
	for i in 0 1 2 3; do
		cat <<-END
		ike-tunnel$i { id = ${CLOUD_OUT[i]}
			secret = "$(cloud_psk "$i")" }
		END
	done
	echo "}"
}

peer_bird_conf()
{
	local i near
	cat <<-END
	log stderr all;
	router id 10.1.0.1;
	protocol device { scan time 5; }
	protocol kernel { merge paths yes; ipv4 { import none; export where source = RTS_BGP; }; }
	protocol static { ipv4; route 10.1.0.0/24 via "lan0"; }
	END
	for i in 0 1 2 3; do
		near=$((INSIDE_PEER[i] + 1))
		cat <<-END
		protocol bgp tunnel$i {
			local ${INSIDE[i]}.$near as 65000;
			neighbor ${INSIDE[i]}.${INSIDE_PEER[i]} as 64512;
			interface "ipsec$i";
			hold time $HOLD; keepalive time $((HOLD / 3));
			connect delay time 1; connect retry time 5; error wait time 2, 10;
			ipv4 { import all; export where source = RTS_STATIC; next hop self; };
		}
		END
	done
}

# peer_start: all of it. Sets GW_CHARON and GW_BIRD.
peer_start()
{
	mkdir -p "$LAB/gw"
	peer_interfaces
	peer_swanctl_conf >"$LAB/gw/swanctl.conf"
	peer_bird_conf >"$LAB/gw/bird.conf"
	charon_start "$GW" gw
	GW_CHARON=$CHARON_PID
	lab_swanctl gw --load-all --file "$LAB/gw/swanctl.conf" >"$LAB/gw/load.log" 2>&1 ||
		bail "the peer's connections: $(cat "$LAB/gw/load.log")"
	bird_start "$GW" gw
	GW_BIRD=$BIRD_PID
}

# kernel_width NS PREFIX N: the kernel's route has N next hops
kernel_width()
{
	(($(ip -j -n "$1" route show "$2" |
		jq '[.[] | if .nexthops then (.nexthops | length) else 1 end] | add // 0') == $3))
}

# peer_established: ECMP over four both ways
peer_established()
{
	kernel_width "$GW" 10.2.0.0/16 4 && kernel_width "$CLOUD" 10.1.0.0/24 4
}
