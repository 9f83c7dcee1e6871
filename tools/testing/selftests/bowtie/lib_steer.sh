# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# For the tests of BGP that follows the tunnels. To be sourced after lib_daemon.sh.

# steer_lab [KEYS]: the lab, with probes that notice a cut but not that the machine is slow,
# and KEYS of all tunnels
steer_lab()
{
	lab_network
	PROBE_INTERVAL=300ms gw_config |
		sed "s/^  defaults:/&\n    probe_multiplier: 5${1:+\n    $1}/" \
		>"$LAB/gw.yaml"
	mkdir -p "$LAB/gw"
	mv "$LAB/gw.yaml" "$LAB/gw/bowtie.yaml"
	cloud_start
	gw_start
	busywait 120 lab_established || {
		lab_logs
		bail "the tunnels do not come up"
	}
}

# tunnel_fails INDEX: by a silent cut of the internet
tunnel_fails()
{
	cut_endpoint "$1"
	busywait "$WAIT" tunnel_oper "${TUNNEL_NAMES[$1]}" down || bail "no probe notices the cut"
}

tunnel_returns()
{
	mend_endpoint "$1"
}

# tunnel_oper NAME STATE
tunnel_oper()
{
	[[ $(in_ns "$GW" bowtie -j tunnel show bow0 "$1" | jq -r '.[0].oper') == "$2" ]]
}

# flags_on REGEX: flags of the gateway's BIRD that are on
flags_on()
{
	lab_birdc gw show protocols |
		awk -v re="^bt_(dead|boost|step)_" -v kind="$1" \
			'$2 == "Static" && $1 ~ re && $1 ~ kind && $4 == "up" { print $1 }' | sort
}

# accepted_from NAME N: N routes of a tunnel have passed the filter
accepted_from()
{
	local out
	out=$(lab_birdc gw show route table bt_bow04 protocol "bt_bow0_$1" count) || return 1
	[[ $out =~ ([0-9]+)\ of ]] && ((BASH_REMATCH[1] == $2))
}

# cloud_attr INDEX REGEX: what the cloud was told of 10.1.0.0/24 by a tunnel
cloud_attr()
{
	lab_birdc cloud show route all 10.1.0.0/24 protocol "tunnel$1" | sed -n "s/.*BGP.$2: //p"
}

# meds_are "M0 M1 M2 M3"
meds_are()
{
	local i all=()
	for i in 0 1 2 3; do
		all+=("$(cloud_attr "$i" med)")
	done
	[[ "${all[*]}" == "$1" ]] || { echo "MEDs: ${all[*]}"; return 1; }
}
