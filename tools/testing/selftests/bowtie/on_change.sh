#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 300
#
# With "manage: {bgp: off}" there is no BIRD; the operator's program is told what becomes of
# the tunnels, and how the return path is to be steered. One that hangs, or fails, holds
# nobody up. The lab is drawn in lib_lab.sh.

. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR
. "$BOWTIE_SELFTESTS/lib_lab.sh"
# shellcheck source-path=SCRIPTDIR
. "$BOWTIE_SELFTESTS/lib_daemon.sh"
# shellcheck source-path=SCRIPTDIR
. "$BOWTIE_SELFTESTS/lib_steer.sh"

# program BODY: what on_change runs; it has been told what is in $LAB/told then
# shellcheck disable=SC2016 # the program's own $
program()
{
	printf '#!/bin/sh\nfor a; do echo "$a"; done >%s/told.new; mv %s/told.new %s/told\n%s\n' \
		"$LAB" "$LAB" "$LAB" "$1" >"$LAB/on-change.new"
	chmod 700 "$LAB/on-change.new"
	mv "$LAB/on-change.new" "$LAB/on-change"
}

# told LINE...: exactly this, about aws1 to aws4
told()
{
	local want i
	want=bow0
	for i in 0 1 2 3; do
		want+=$'\n'"${TUNNEL_NAMES[i]} ${*:i+1:1} ${INSIDE[i]}.${INSIDE_PEER[i]} -"
	done
	[[ $(cat "$LAB/told" 2>/dev/null) == "$want" ]] || { cat "$LAB/told"; return 1; }
}

cfg_refused()
{
	local why
	why=$(cfg reload 2>&1) && return 1
	echo "$why"
	[[ $why == *"$1"* ]]
}

log_init
need_cmd jq swanctl
lab_network
mkdir -p "$LAB/gw"
PROBE_INTERVAL=300ms gw_config | sed "s/^  bgp:\$/  manage: {bgp: off}\n  on_change: ${LAB//\//\\/}\/on-change\n  on_change_timeout: 2s\n&/
	s/^  defaults:/&\n    probe_multiplier: 5/" >"$LAB/gw/bowtie.yaml"
program "echo all is told"
cloud_start
gw_daemon_start
charon_start "$GW" gw
busywait 120 tunnels_up 4 || { lab_logs; bail "the tunnels do not come up"; }
up="up 0 accept"
expect "all are up: it is told" busywait "$WAIT" told "$up" "$up" "$up" "$up"
expect "what it says is in the log" grep -q 'on_change of bow0: all is told' "$LAB/gw/bowtied.log"
expect "and how it ended" grep -q 'on_change of bow0: status 0' "$LAB/gw/bowtied.log"

tunnel_fails 1
expect "one fails: the others are to be one step better" busywait "$WAIT" \
	told "up 1 accept" "down 0 reject" "up 1 accept" "up 1 accept"
tunnel_returns 1
expect "it returns: as before" busywait 60 told "$up" "$up" "$up" "$up"

daemon_log_mark
program "sleep 60"
in_ns "$GW" bowtie tunnel set bow0 aws3 admin drain
expect "one that hangs is told" busywait "$WAIT" \
	told "up 1 accept" "up 1 accept" "drain 0 accept" "up 1 accept"
in_ns "$GW" bowtie tunnel set bow0 aws3 admin up
expect "and killed" busywait "$WAIT" daemon_said 'on_change of bow0: .*: killed after 2s'
expect "nobody was held up" tunnels_up 4
daemon_log_mark
program "exit 7"
expect "one that fails: its status is said" busywait 60 daemon_said 'on_change of bow0: .*: status 7'
program ":"
expect "and it is run again" busywait 60 daemon_said 'on_change of bow0: status 0'
expect "with what is true by then" busywait "$WAIT" told "$up" "$up" "$up" "$up"
chmod 777 "$LAB/on-change"
expect "a program that others may change is refused" cfg_refused "others may write to"
chmod 700 "$LAB/on-change"
((TAP_FAILED == 0)) || lab_logs
done_testing
