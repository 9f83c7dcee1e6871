# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# For the tests of BGP that follows the tunnels. To be sourced after lib_daemon.sh.

# tunnel_fails INDEX: by a silent cut of the internet. A module without probes does not
# notice that: it is told then. Either way no word of it is heard by BGP.
tunnel_fails()
{
	local name=${TUNNEL_NAMES[$1]}
	cut_endpoint "$1"
	if ! busywait "${PROBES_NOTICE:-3}" tunnel_oper "$name" down 2>/dev/null; then
		diag "$name: this module has no probes, so it is told"
		PROBES_NOTICE=0
		in_ns "$GW" bowtie tunnel set bow0 "$name" admin down
	fi
}

# tunnel_returns INDEX
tunnel_returns()
{
	mend_endpoint "$1"
	in_ns "$GW" bowtie tunnel set bow0 "${TUNNEL_NAMES[$1]}" admin up
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
