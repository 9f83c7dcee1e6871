# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: GPL-2.0-only
#
# A gateway and a cloud with real charon and BIRD on both sides. To be sourced after
# lib.sh. The cloud has what two AWS VPN connections have: four public endpoints, an
# xfrm interface behind each, BGP over 169.254.x.x inside.
#
#	LAN          GW                     NET                   CLOUD           VPC
#	10.1.0.10 -- 10.1.0.1 198.51.100.10 -- .1 203.0.113.254 -- .1 .2 .3 .4 -- 10.2.0.10
#	                bow0 ===== four tunnels ===================== ipsec1..4
#	             AS 65000   169.254.21.0/30 .21.4/30 .22.0/30 .22.4/30   AS 64512
#
# Everything of the lab is in $LAB: configurations, sockets, logs.

readonly GW_OUT=198.51.100.10
readonly CLOUD_OUT=(203.0.113.1 203.0.113.2 203.0.113.3 203.0.113.4)
readonly INSIDE=(169.254.21 169.254.21 169.254.22 169.254.22)
readonly INSIDE_PEER=(1 5 1 5)
readonly TUNNEL_NAMES=(aws1 aws2 aws3 aws4)
readonly VPC_HOST=10.2.0.10 LAN_HOST=10.1.0.10

: "${HOLD:=30}"		# BGP hold time of the cloud
: "${CHILD_LIFE:=}"	# rekey_time of the cloud's CHILD SAs

# lab_network: namespaces, links and routes, nothing running yet. The gateway's default
# route is what the LAN's packets leave by, unencrypted, if nobody minds.
lab_network()
{
	local i

	LAB=$TEST_TMP
	setup_ns LAN GW NET CLOUD VPC
	forwarding "$GW" "$NET" "$CLOUD"
	# As the clouds do: by ports too, or all flows of two hosts share a tunnel
	in_ns "$CLOUD" sysctl -q net.ipv4.fib_multipath_hash_policy=1
	veth "$LAN" eth0 $LAN_HOST/24,fd01::10/64 "$GW" lan0 10.1.0.1/24,fd01::1/64
	veth "$GW" wan0 $GW_OUT/24 "$NET" gw0 198.51.100.1/24
	veth "$NET" cloud0 203.0.113.254/24 "$CLOUD" wan0 \
		"${CLOUD_OUT[0]}/24,${CLOUD_OUT[1]}/24,${CLOUD_OUT[2]}/24,${CLOUD_OUT[3]}/24"
	veth "$CLOUD" vpc0 10.2.0.1/24,fd02::1/64 "$VPC" eth0 $VPC_HOST/24,fd02::10/64
	ip -n "$LAN" route add default via 10.1.0.1
	ip -n "$LAN" route add default via fd01::1
	ip -n "$GW" route add default via 198.51.100.1
	guard_begin "$GW" wan0 198.51.100.1 "${GUARD_ALSO:-}"
	ip -n "$CLOUD" route add 198.51.100.0/24 via 203.0.113.254
	ip -n "$VPC" route add default via 10.2.0.1
	ip -n "$VPC" route add default via fd02::1
	for i in 0 1 2 3; do
		ip -n "$CLOUD" link add "ipsec$i" type xfrm dev wan0 if_id $((101 + i)) ||
			bail "cannot create ipsec$i"
		addrs "$CLOUD" "ipsec$i" "${INSIDE[i]}.${INSIDE_PEER[i]}/30"
		ip -n "$CLOUD" link set "ipsec$i" up
	done
	warm_up_crypto
}

# Under emulation the first use of an algorithm takes seconds, inside charon's SA
# install: make the kernel load and test them before.
warm_up_crypto()
{
	modprobe -q aesni_intel
	modprobe -q ghash_clmulni_intel
	local alg
	for alg in gcm sha256; do
		sa_add "$NET" 192.0.2.1 192.0.2.2 0x99 999 $alg
		sa_del "$NET" 192.0.2.1 192.0.2.2 0x99
	done
}

# --- charon

# charon_conf FILE SOCKET LOG
charon_conf()
{
	cat >"$1" <<-END
	charon {
		load = random nonce aes sha1 sha2 hmac kdf gcm openssl pem pkcs1 x509 constraints pubkey curve25519 kernel-netlink socket-default vici updown
		install_routes = no
		install_virtual_ip = no
		# Four tunnels come from one address.
		cookie_threshold_ip = 100
		block_threshold = 100
		retransmit_tries = ${RETRANSMIT_TRIES:-5}
		plugins {
			vici { socket = unix://$2 }
		}
		filelog {
			log { path = $3
				default = 1
				flush_line = yes
				time_format = %H:%M:%S
			}
		}
	}
	END
}

# charon_start NS NAME: in a mount namespace of its own, since the pid file's place is
# built in. Sets CHARON_PID.
charon_start()
{
	local ns=$1 name=$2

	mkdir -p "$LAB/$name"
	charon_conf "$LAB/$name/strongswan.conf" "$LAB/$name/charon.vici" "$LAB/$name/charon.log"
	rm -f "$LAB/$name/charon.vici"
	STRONGSWAN_CONF=$LAB/$name/strongswan.conf \
		bg ip netns exec "$ns" unshare -m \
		sh -c 'mount -t tmpfs none /run && exec /usr/lib/ipsec/charon' \
		>>"$LAB/$name/charon.out" 2>&1
	CHARON_PID=$BG_PID
	busywait "$WAIT" test -S "$LAB/$name/charon.vici" ||
		bail "charon of $name does not start: $(tail -n 3 "$LAB/$name/charon.out")"
}

# lab_swanctl NAME ARGS...: with few plugins, as under emulation all of them cost a second
lab_swanctl()
{
	local name=$1
	shift
	[[ -e $LAB/swanctl-tool.conf ]] ||
		printf 'swanctl {\n load = random openssl\n}\n' >"$LAB/swanctl-tool.conf"
	STRONGSWAN_CONF=$LAB/swanctl-tool.conf swanctl "$@" --uri "unix://$LAB/$name/charon.vici"
}

# --- BIRD

# bird_start NS NAME [OPTIONS]: with $LAB/NAME/bird.conf. Sets BIRD_PID.
bird_start()
{
	local ns=$1 name=$2 dir=$LAB/$2

	rm -f "$dir/bird.ctl"
	bg in_ns "$ns" bird -f -c "$dir/bird.conf" -s "$dir/bird.ctl" -P "$dir/bird.pid" "${@:3}" \
		>>"$dir/bird.log" 2>&1
	BIRD_PID=$BG_PID
	busywait "$WAIT" test -S "$dir/bird.ctl" ||
		bail "BIRD of $name does not start: $(tail -n 3 "$dir/bird.log")"
}

lab_birdc()
{
	local name=$1
	shift
	birdc -s "$LAB/$name/bird.ctl" "$@"
}

# --- the cloud

cloud_psk()
{
	echo "secret-of-tunnel-$1"
}

# The cloud's swanctl.conf: it answers, and does not begin (AWS: startup action add)
cloud_swanctl_conf()
{
	local i
	echo "connections {"
	for i in 0 1 2 3; do
		cat <<-END
		tunnel$i {
			version = 2
			local_addrs = ${CLOUD_OUT[i]}
			remote_addrs = $GW_OUT
			proposals = ${CLOUD_IKE:-aes128gcm16-prfsha256-ecp256}
			mobike = no
			dpd_delay = 10s
			local { auth = psk
				id = ${CLOUD_OUT[i]} }
			remote { auth = psk
				id = $GW_OUT }
			children { tunnel$i {
				local_ts = 0.0.0.0/0, ::/0
				remote_ts = 0.0.0.0/0, ::/0
				if_id_in = $((101 + i))
				if_id_out = $((101 + i))
				esp_proposals = ${CLOUD_ESP:-aes128gcm16-ecp256}
				replay_window = 1024
				${CHILD_LIFE:+rekey_time = $CHILD_LIFE}
				${CHILD_LIFE:+life_time = 1h}
				${CHILD_LIFE:+rand_time = 0}
				start_action = none
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

cloud_bird_conf()
{
	local i near
	cat <<-END
	log stderr all;
	router id 203.0.113.1;
	protocol device { scan time 5; }
	protocol kernel { merge paths yes; ipv4 { import none; export where source = RTS_BGP; }; }
	protocol static { ipv4; route 10.2.0.0/16 unreachable; ${CLOUD_ROUTES:-} }
	END
	for i in 0 1 2 3; do
		near=$((INSIDE_PEER[i] + 1))
		cat <<-END
		protocol bgp tunnel$i {
			local ${INSIDE[i]}.${INSIDE_PEER[i]} as 64512;
			neighbor ${INSIDE[i]}.$near as 65000;
			interface "ipsec$i";
			hold time $HOLD; keepalive time $((HOLD / 3));
			connect delay time 1; connect retry time 5; error wait time 2, 10;
			ipv4 { import ${CLOUD_IMPORT:-all}; export where source = RTS_STATIC; next hop self; };
		}
		END
	done
}

# cloud_says INDEX STATEMENT: in the filter by which it announces to a tunnel
cloud_says()
{
	sed -i "/^protocol bgp tunnel$1 /,/^}/ s/export .*RTS_STATIC[^;]*;.*next hop/export filter { if source != RTS_STATIC then reject; $2 accept; }; next hop/" \
		"$LAB/cloud/bird.conf"
	lab_birdc cloud configure >/dev/null
}

# cloud_start: charon with its connections, and BIRD. Sets CLOUD_CHARON, CLOUD_BIRD.
cloud_start()
{
	mkdir -p "$LAB/cloud"
	cloud_swanctl_conf >"$LAB/cloud/swanctl.conf"
	cloud_bird_conf >"$LAB/cloud/bird.conf"
	charon_start "$CLOUD" cloud
	CLOUD_CHARON=$CHARON_PID
	lab_swanctl cloud --load-all --file "$LAB/cloud/swanctl.conf" >"$LAB/cloud/load.log" 2>&1 ||
		bail "the cloud's connections: $(cat "$LAB/cloud/load.log")"
	bird_start "$CLOUD" cloud
	CLOUD_BIRD=$BIRD_PID
}

# --- the gateway

# gw_config [EXTRA-LINK-LINES]: bowtie.yaml and its secrets
gw_config()
{
	local i near
	mkdir -p "$LAB/gw"
	for i in 0 1 2 3; do
		(umask 077; cloud_psk "$i" >"$LAB/gw/${TUNNEL_NAMES[i]}.psk")
	done
	cat <<-END
	charon: {socket: $LAB/gw/charon.vici}
	bird: {socket: $LAB/gw/bird.ctl, include: $LAB/gw/bowtie-bird.conf}
	links:
	- name: bow0
	  bgp:
	    as: 65000
	    announce: [10.1.0.0/24]
	  defaults:
	    local: $GW_OUT
	    probe_interval: ${PROBE_INTERVAL:-1s}
	    bgp: {as: 64512, hold: ${HOLD}s, keepalive: $((HOLD / 3))s}
	  tunnels:
	END
	for i in 0 1 2 3; do
		near=$((INSIDE_PEER[i] + 1))
		cat <<-END
		  - name: ${TUNNEL_NAMES[i]}
		    remote: ${CLOUD_OUT[i]}
		    inside: [{local: ${INSIDE[i]}.$near/30}]
		    ike: {psk_file: $LAB/gw/${TUNNEL_NAMES[i]}.psk}
		END
	done
}

gw_bird_conf()
{
	cat <<-END
	log stderr all;
	router id 10.1.0.1;
	protocol device { scan time 5; }
	include "$LAB/gw/bowtie-bird.conf";
	END
}

# gw_daemon_start: bowtied with $LAB/gw/bowtie.yaml. Sets GW_DAEMON.
gw_daemon_start()
{
	bg in_ns "$GW" bowtied -c "$LAB/gw/bowtie.yaml" -s "$LAB/gw/bowtied.sock" \
		${DAEMON_DEBUG:+-d} >>"$LAB/gw/bowtied.log" 2>&1
	GW_DAEMON=$BG_PID
	busywait "$WAIT" test -S "$LAB/gw/bowtied.sock" ||
		bail "bowtied does not start: $(tail -n 3 "$LAB/gw/bowtied.log")"
}

# gw_start: everything. Sets GW_CHARON, GW_BIRD, GW_DAEMON.
gw_start()
{
	mkdir -p "$LAB/gw"
	[[ -e $LAB/gw/bowtie.yaml ]] || gw_config >"$LAB/gw/bowtie.yaml"
	gw_bird_conf >"$LAB/gw/bird.conf"
	gw_daemon_start
	busywait "$WAIT" test -e "$LAB/gw/bowtie-bird.conf" || bail "bowtied writes no include file"
	charon_start "$GW" gw
	GW_CHARON=$CHARON_PID
	bird_start "$GW" gw
	GW_BIRD=$BIRD_PID
}

# --- states to wait for

# tunnels_up N: N tunnels of the gateway take flows
tunnels_up()
{
	(($(in_ns "$GW" bowtie -j link show bow0 | jq '.[0].tunnels_up') == $1))
}

# route_width PREFIX N: the module's route has N next hops beside backups
route_width()
{
	(($(in_ns "$GW" bowtie -j route show dev bow0 |
		jq --arg dst "$1" '[.[] | select(.dst == $dst) | .nexthops[] | select((.tier // 0) == 0)] | length') == $2))
}

# cloud_route_width PREFIX N: so has the cloud's kernel
cloud_route_width()
{
	(($(ip -j -n "$CLOUD" route show "$1" |
		jq '[.[] | if .nexthops then (.nexthops | length) else 1 end] | add // 0') == $2))
}

# lab_established: four tunnels, four sessions, ECMP both ways
lab_established()
{
	tunnels_up 4 && route_width 10.2.0.0/16 4 && cloud_route_width 10.1.0.0/24 4
}

# lab_up: the whole lab, established
lab_up()
{
	lab_network
	cloud_start
	gw_start
	busywait 120 lab_established || {
		lab_logs
		bail "the tunnels do not come up"
	}
}

# lab_logs: what the programs said last, for diagnosis
lab_logs()
{
	local f
	for f in gw/bowtied.log gw/charon.log gw/bird.log cloud/charon.log cloud/bird.log; do
		[[ -s $LAB/$f ]] && diag "$f:"$'\n'"$(tail -n 15 "$LAB/$f")"
	done
	diag "$(in_ns "$GW" bowtie tunnel show 2>&1; in_ns "$GW" bowtie route show 2>&1)"
}

# cut_endpoint INDEX [out|back]: the internet drops what goes to, comes from one of the
# cloud's addresses, silently; by default both. mend_endpoint INDEX: no more
cut_endpoint()
{
	local out="ip daddr ${CLOUD_OUT[$1]} drop" back="ip saddr ${CLOUD_OUT[$1]} drop"
	[[ ${2:-} != back ]] || out=
	[[ ${2:-} != out ]] || back=
	in_ns "$NET" nft -f - <<-END
	table ip cut$1 {
		chain forward {
			type filter hook forward priority 0;
			$out
			$back
		}
	}
	END
}

mend_endpoint()
{
	in_ns "$NET" nft delete table ip "cut$1"
}
