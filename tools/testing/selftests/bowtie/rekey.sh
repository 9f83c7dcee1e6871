#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 400
#
# charon rekeys under traffic both ways, every few seconds: CHILD SAs, begun by the cloud
# and by us, and IKE SAs, begun by either. Not one packet is lost, and none comes twice.
# The lab is drawn in lib_lab.sh.
#
#	aws1	the cloud rekeys the CHILD SA
#	aws2	the cloud rekeys the CHILD SA, and the IKE SA
#	aws3	we rekey the CHILD SA
#	aws4	we rekey the CHILD SA, and the IKE SA

. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR
. "$BOWTIE_SELFTESTS/lib_lab.sh"
# shellcheck source-path=SCRIPTDIR
. "$BOWTIE_SELFTESTS/lib_daemon.sh"

readonly TIMES=4	# how often each is to happen
readonly FLOWS=64

# configure ESP-EXTRA IKE-EXTRA
configure()
{
	mkdir -p "$LAB/gw"
	gw_config | sed -e "/aws[34].psk/ s/\$/\n    esp: {extra: {$1}}/" \
		-e "/aws4.psk/ s/psk}/psk, extra: {$2}}/" >"$LAB/gw/bowtie.yaml"
}

# The cloud's part: what it does not rekey has no time of its own
cloud_rekeys()
{
	sed -i -e '/^tunnel[23] {/,/^}/ s/rekey_time = .*/rekey_time = 0/' \
		-e '/^tunnel1 {/ s/$/\n\trekey_time = 7s\n\tover_time = 1h\n\trand_time = 0/' \
		"$LAB/cloud/swanctl.conf"
	lab_swanctl cloud --load-all --file "$LAB/cloud/swanctl.conf" >"$LAB/cloud/load.log" 2>&1 ||
		bail "the cloud's connections: $(cat "$LAB/cloud/load.log")"
}

# established SIDE REGEX: how often charon has said so since the mark
established()
{
	tail -n "+$(<"$LAB/$1.mark")" "$LAB/$1/charon.log" |
		grep -cE "$2"
}

mark_logs()
{
	local side
	for side in gw cloud; do
		echo $(($(wc -l <"$LAB/$side/charon.log") + 1)) >"$LAB/$side.mark"
	done
}

# children INDEX: new CHILD SAs of a tunnel
children()
{
	established gw "[^a-z]inbound CHILD_SA bt_bow0_${TUNNEL_NAMES[$1]}\\{[0-9]+\\} established"
}

# ikes INDEX: new IKE SAs of a tunnel
ikes()
{
	established gw "IKE_SA bt_bow0_${TUNNEL_NAMES[$1]}\\[[0-9]+\\] (established|rekeyed) between"
}

# begun SIDE WHAT: exchanges begun by one side. charon names what is in its messages.
begun()
{
	local what=$2
	[[ $what != child ]] || what='N\(REKEY_SA\)'
	[[ $what != ike ]] || what='\[ SA No KE \]'
	established "$1" "generating CREATE_CHILD_SA request .*$what"
}

rekeyed_enough()
{
	local i
	for i in 0 1 2 3; do
		(($(children "$i") >= TIMES)) || return 1
	done
	(($(ikes 1) >= TIMES && $(ikes 3) >= TIMES))
}

established_four()
{
	(($(cloud_counts) == 4))
}

cloud_counts()
{
	lab_swanctl cloud --list-sas | grep -c ESTABLISHED
}

log_init
need_cmd socat jq swanctl birdc bird
CHILD_LIFE=5s
lab_network
configure "rekey_time: 5s, rand_time: 0s" "rekey_time: 7s, over_time: 1h, rand_time: 0s"
cloud_start
cloud_rekeys
gw_start
busywait 120 lab_established || { lab_logs; bail "the tunnels do not come up"; }
expect "the daemon has settled" daemon_settled
daemon_log_mark
mark_logs
bgp_note
monitor_start
traffic_start $FLOWS 2
expect "each tunnel's CHILD SA is rekeyed $TIMES times, two IKE SAs likewise" \
	busywait 100 rekeyed_enough
traffic_stop
stop "$MONITOR"
for i in 0 1 2 3; do
	diag "${TUNNEL_NAMES[i]}: $(children "$i") CHILD SAs, $(ikes "$i") IKE SAs"
done
traffic_whole "of $FLOWS flows not one packet is lost, and none came twice"
expect_cmp "the cloud has begun CHILD rekeyings" "$(begun cloud child)" -ge $((2 * TIMES))
expect_cmp "and we have" "$(begun gw child)" -ge $((2 * TIMES))
expect_cmp "the cloud has begun IKE rekeyings" "$(begun cloud ike)" -ge $TIMES
expect_cmp "and we have" "$(begun gw ike)" -ge $TIMES
expect "no session has flapped" bgp_same
expect "no tunnel was ever down" not grep -E '^tunnel.* oper (down|probing)' "$LAB/monitor"
expect "the monitor has seen SAs come and go" grep -q 'sa' "$LAB/monitor"
expect "bowtied has begun and ended nothing" not daemon_said 'initiate|terminate'
expect "four IKE SAs, no doubles" busywait 30 established_four
((TAP_FAILED == 0)) || lab_logs
done_testing
