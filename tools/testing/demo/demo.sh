#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What Bowtie is for, in a minute: a gateway with four real IKEv2 tunnels (strongSwan)
# and BGP (BIRD) to a simulated cloud; traffic spread over them; one tunnel silently
# cut; how long each flow was interrupted; and the tunnel back. Ends with a status
# other than 0 if anything is not as it should be. "make demo" runs it in a guest.

HERE=$(dirname "$(readlink -f "$0")")
# shellcheck source-path=SCRIPTDIR/../selftests/bowtie
. "$HERE/../selftests/bowtie/lib.sh"
# shellcheck source-path=SCRIPTDIR/../selftests/bowtie
. "$HERE/../selftests/bowtie/lib_lab.sh"

FLOWS=64 RATE=20	# packets a second in each flow
IDLE=3			# seconds: idle flows move back to a tunnel that returns; default 120
# The default of bowtie.yaml; tests, which run beside others, are slower to give up.
# shellcheck disable=SC2034 # for lib_lab.sh
PROBE_INTERVAL=100ms
CUT=0			# which endpoint

bold=$(tput bold 2>/dev/null) normal=$(tput sgr0 2>/dev/null)

say()
{
	printf '\n%s%s%s\n' "$bold" "$*" "$normal"
}

# Not a test: no TAP
bail()
{
	printf '\ndemo: %s\n' "$*" >&2
	exit 1
}

show()
{
	printf '$ %s\n' "$*"
	in_ns "$GW" "$@" || bail "$1 fails"
}

# tx_packets: what each tunnel has sent, as "aws1 1234"
tx_packets()
{
	in_ns "$GW" bowtie -j -s tunnel show dev bow0 | jq -r '.[] | "\(.name) \(.stats.tx_packets)"'
}

load_modules()
{
	modprobe -a xfrm_user esp4 esp6 ip_tunnel xfrm4_tunnel xfrm_interface ||
		bail "kernel modules are missing"
	[[ -d /sys/module/bowtie ]] || insmod "$BOWTIE_KO" || bail "cannot load $BOWTIE_KO"
}

start_flows()
{
	bg in_ns "$VPC" flows receive >"$LAB/vpc.json"
	RECEIVER=$BG_PID
	bg in_ns "$LAN" flows receive >"$LAB/lan.json"
	RECEIVER_BACK=$BG_PID
	bg in_ns "$LAN" flows send --to "$VPC_HOST" --flows $FLOWS --rate $RATE >"$LAB/out.json"
	SENDER=$BG_PID
	bg in_ns "$VPC" flows send --to "$LAN_HOST" --flows $FLOWS --rate $RATE >"$LAB/back.json"
	SENDER_BACK=$BG_PID
}

# Senders first, so that what is on its way still counts.
stop_flows()
{
	stop "$SENDER"
	stop "$SENDER_BACK"
	stop "$RECEIVER"
	stop "$RECEIVER_BACK"
	[[ -s $LAB/vpc.json && -s $LAB/lan.json ]] || bail "the receivers say nothing"
}

# gaps FILE: a line about the longest interruption
gaps()
{
	jq -r --argjson step $((1000 / RATE)) '
		[.flow[] | select(.gap_ms > 4 * $step)] as $hit |
		"\(.flows) flows: \(.flows - ($hit | length)) not touched" +
		if ($hit | length) > 0 then
			", \($hit | length) interrupted for " +
			"\($hit | map(.gap_ms) | min | round) to \($hit | map(.gap_ms) | max | round) ms" +
			", \(.lost) packets lost of \(.received + .lost)"
		else "" end' "$1"
}

# shares_even: each tunnel serves a quarter of the buckets again, nearly
shares_even()
{
	in_ns "$GW" bowtie -j route show dev bow0 10.2.0.0/16 |
		jq -e '.[0].nexthops | length == 4 and all(.buckets >= 60)' >/dev/null
}

tunnel_is()
{
	[[ $(in_ns "$GW" bowtie -j tunnel show dev bow0 "${TUNNEL_NAMES[CUT]}" |
		jq -r '.[0].oper') == "$1" ]]
}

spread()
{
	local before after name n
	before=$(tx_packets)
	in_ns "$LAN" flows send --to "$VPC_HOST" --port 9001 --flows 256 --rate 8 --seconds 2 \
		>/dev/null
	after=$(tx_packets)
	while read -r name n; do
		n=$((n - $(awk -v name="$name" '$1 == name { print $2 }' <<<"$before")))
		((n > 100)) || bail "$name carried $n packets of 4096: that is no spread"
		printf '  %-6s %5d packets  %s\n' "$name" "$n" \
			"$(printf '%*s' $((n / 40)) '' | tr ' ' '#')"
	done <<<"$after"
}

TEST_TMP=$(mktemp -d /tmp/bowtie-demo.XXXXXX) || bail "no temporary directory"
defer rm -rf "$TEST_TMP"
trap run_deferred EXIT
TAP_DONE=1
began=$(now_ms)

say "A gateway, and a cloud with four IPsec endpoints as two AWS VPN connections have"
load_modules
lab_network
cloud_start
mkdir -p "$LAB/gw"
gw_config | sed "s/^- name: bow0/&\n  idle_timer: ${IDLE}s/" >"$LAB/gw/bowtie.yaml"
gw_start
busywait 90 lab_established || { lab_logs; bail "the tunnels do not come up"; }
printf '%s\n' "four IKEv2 tunnels, four BGP sessions and ECMP both ways after $(($(now_ms) - began)) ms"
show bowtie status
show ip route show 10.2.0.0/16
show bowtie route get $VPC_HOST

say "256 flows from the LAN to the cloud, over one interface"
spread

say "Now the internet swallows everything to and from ${TUNNEL_NAMES[CUT]}'s endpoint, without a word"
start_flows
sleep 2 # the measurement: what runs undisturbed
cut_at=$(now_ms)
cut_endpoint $CUT
busywait 60 tunnel_is down || { lab_logs; bail "the dead tunnel is still used"; }
printf 'the gateway has taken it out after %d ms\n' $(($(now_ms) - cut_at))
busywait 60 cloud_route_width 10.1.0.0/24 3 || bail "the cloud still uses the dead tunnel"
printf 'the cloud has turned to the others after %d ms\n' $(($(now_ms) - cut_at))
busywait 60 route_width 10.2.0.0/16 3 || bail "the dead tunnel's routes are still there"
sleep 2 # the measurement: what runs on the other three
stop_flows
printf '  LAN to cloud: %s\n' "$(gaps "$LAB/vpc.json")"
printf '  cloud to LAN: %s\n' "$(gaps "$LAB/lan.json")"
jq -e '.flows == '$FLOWS' and ([.flow[] | select(.gap_ms < 5000)] | length) >= '$((FLOWS / 2)) \
	"$LAB/vpc.json" >/dev/null || bail "flows of the other tunnels were disturbed"
show bowtie tunnel show dev bow0

say "The endpoint comes back"
mend_at=$(now_ms)
mend_endpoint $CUT
busywait 60 lab_established || { lab_logs; bail "the tunnel does not come back"; }
busywait 30 shares_even || bail "idle flows do not move back"
printf 'all four tunnels carry their share again after %d ms\n' $(($(now_ms) - mend_at))
spread
show bowtie status

say "Done in $((($(now_ms) - began + 500) / 1000)) s."
exit 0
