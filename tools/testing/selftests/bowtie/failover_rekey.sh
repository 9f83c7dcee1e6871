#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 900
#
# A tunnel is cut while charon rekeys it: the request or the answer is lost. Probes take it
# out, it comes back as soon as the way does, the rekeying ends when charon sends again, and
# leaves one pair of SAs. No other tunnel is concerned. The lab is drawn in lib_lab.sh.

. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR
. "$BOWTIE_SELFTESTS/lib_lab.sh"
# shellcheck source-path=SCRIPTDIR
. "$BOWTIE_SELFTESTS/lib_daemon.sh"

# sas_of SIDE-NAMESPACE INDEX: SPIs between the gateway and one endpoint
sas_of()
{
	ip -n "$1" xfrm state | awk -v a="${CLOUD_OUT[$2]}" '
		/^src/ { mine = $2 == a || $4 == a }
		/proto esp spi/ && mine { print $4 }' | sort
}

# one_pair INDEX: not more on either side, and the same
one_pair()
{
	local gw cloud
	gw=$(sas_of "$GW" "$1") cloud=$(sas_of "$CLOUD" "$1")
	printf 'gateway: %s\ncloud: %s\n' "${gw//$'\n'/ }" "${cloud//$'\n'/ }"
	[[ $gw == "$cloud" && $(wc -l <<<"$gw") == 2 ]]
}

# new_children INDEX OLD-SPIS: both SAs are others than before
new_child()
{
	one_pair "$1" && [[ -z $(comm -12 <(sas_of "$GW" "$1") - <<<"$2") ]]
}

# ike_id INDEX: charon's unique id of the IKE SA
ike_id()
{
	lab_swanctl gw --list-sas --ike "bt_bow0_${TUNNEL_NAMES[$1]}" |
		sed -n 's/^bt_bow0_[^:]*: #\([0-9]*\), ESTABLISHED.*/\1/p'
}

new_ike()
{
	local id
	id=$(ike_id "$1")
	[[ -n $id && $id != *$'\n'* && $id != "$2" ]] && one_pair "$1"
}

oper()
{
	in_ns "$GW" bowtie -j tunnel show dev bow0 |
		jq -r --arg name "${TUNNEL_NAMES[$1]}" '.[] | select(.name == $name) | .oper'
}

oper_is()
{
	[[ $(oper "$1") == "$2" ]]
}

# transitions_but INDEX: of all other tunnels
transitions_but()
{
	in_ns "$GW" bowtie -j tunnel show dev bow0 |
		jq -c --arg name "${TUNNEL_NAMES[$1]}" '[.[] | select(.name != $name) | .transitions]'
}

# during_rekey LABEL INDEX child|ike [out|back]: what is cut
during_rekey()
{
	local label=$1 i=$2 kind=$3 name=bt_bow0_${TUNNEL_NAMES[$2]} before others begin
	if [[ $kind == child ]]; then before=$(sas_of "$GW" "$i"); else before=$(ike_id "$i"); fi
	others=$(transitions_but "$i")
	bgp_note
	cut_endpoint "$i" "${4:-}"
	expect "$label: charon begins" lab_swanctl gw --rekey "--$kind" "$name"
	expect "$label: it is taken out" busywait "$WAIT" oper_is "$i" down
	traffic_more 200
	mend_endpoint "$i"
	begin=$(now_ms)
	expect "$label: it comes back" busywait 60 oper_is "$i" up
	diag "$label: $(($(now_ms) - begin)) ms until it was seen up"
	expect "$label: the rekeying ends" busywait 120 "new_$kind" "$i" "$before"
	diag "$label: after $(($(now_ms) - begin)) ms"
	expect "$label: with one pair of SAs" busywait 30 one_pair "$i"
	expect "$label: and it works" busywait 60 oper_is "$i" up
	expect_eq "$label: no other tunnel has noticed" "$(transitions_but "$i")" "$others"
	expect "$label: no BGP session has changed" bgp_same
	traffic_more 200
}

log_init
need_module xfrm_user esp4 esp6 ip_tunnel xfrm4_tunnel xfrm_interface
need_cmd jq swanctl bird nft
lab_network
cloud_start
gw_start
busywait 120 lab_established || { lab_logs; bail "the tunnels do not come up"; }
traffic_start 32 5
during_rekey "CHILD SA, the request is lost" 0 child
during_rekey "IKE SA, the answer is lost" 2 ike back
traffic_stop
done_testing
