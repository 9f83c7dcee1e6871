#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 400
#
# A reload applies the difference, and nothing else: changes of one tunnel, a tunnel
# less, a tunnel more. Flows by the other three (10.9.0.10 and 10.3.0.10, which the
# fourth does not lead to) keep every packet, SA and session. "bowtie config diff" says
# before what is going to happen. The lab is drawn in lib_lab.sh; 203.0.113.5 is there
# for the fourth tunnel to move to.

. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR
. "$BOWTIE_SELFTESTS/lib_lab.sh"
# shellcheck source-path=SCRIPTDIR
. "$BOWTIE_SELFTESTS/lib_daemon.sh"

# What the operator has written, without the changes of a case
GOOD=
# Of the three other tunnels, all the time
OTHERS=

# write_config SED-EXPRESSION: bowtie.yaml as it was at first, with a change
write_config()
{
	sed -e "$1" "$GOOD" >"$LAB/gw/bowtie.yaml"
}

# others: what belongs to the three tunnels that nobody touches
others()
{
	spis_of 0
	spis_of 1
	spis_of 2
	ike_ids | grep -E 'aws[123]|tunnel[012]'
	in_ns "$GW" bowtie -j tunnel show dev bow0 | jq -cS '[.[] | select(.name != "aws4") |
		del(.generation, .rtt, .rtt_min, .rtt_avg, .jitter, .loss)]'
}

# What it begins in charon, and what BIRD is told as tunnels come and go
readonly FOLLOWS='^charon: (initiate|terminate)|^BIRD: (configure|enable|disable|reload|write .*\.vars)'

# What the daemon has done since the mark, as "config diff" says it, without what only
# follows from it: what it begins, and which routes come of it
done_ops()
{
	daemon_log | sed -n 's/^bowtied: //p' |
		grep -E '^(link|tunnel|address|kernel routes|hold routes|charon|BIRD): |^(link|tunnel|address|kernel routes|hold routes) (add|set|del) ' |
		grep -vE "^charon: (child|ike)|$FOLLOWS" | sort
}

# reload_changes NAME WANTED: "diff" says WANTED (a regex for each line), a reload does
# that, and then nothing is left to be done. The other tunnels do not notice.
reload_changes()
{
	local name=$1 wanted=$2 diff
	diff=$(cfg diff | grep -vE "$FOLLOWS" | sort)
	expect "$name: the difference is as expected" matches "$diff" "$wanted"
	daemon_log_mark
	expect "$name: reload" cfg reload
	expect "$name: then nothing is left to do" daemon_settled
	expect_eq "$name: that is what has been done" "$(done_ops)" "$diff"
	expect_eq "$name: the other tunnels are untouched" "$(others)" "$OTHERS"
	expect "$name: their sessions too" bgp_same 'aws4|tunnel3'
	traffic_so_far "$name: their flows too"
}

# Each line of $1 matches the regex in the same line of $2.
matches()
{
	printf 'got:\n%s\nwanted:\n%s\n' "$1" "$2"
	(($(wc -l <<<"$1") == $(wc -l <<<"$2"))) &&
		paste <(echo "$1") <(echo "$2") | while IFS=$'\t' read -r got wanted; do
			[[ $got =~ ^$wanted$ ]] || exit 1
		done
}

# The lab has a second pair of networks, which the fourth tunnel does not lead to.
second_pair()
{
	sed -i 's/announce: .*/announce: [10.1.0.0\/24, 10.9.0.0\/24]/' "$LAB/gw/bowtie.yaml"
	addrs "$LAN" eth0 10.9.0.10/32
	ip -n "$GW" route add 10.9.0.0/24 dev lan0
	ip -n "$LAN" route add 10.3.0.0/24 via 10.1.0.1 src 10.9.0.10
	addrs "$VPC" eth0 10.3.0.10/32
	ip -n "$CLOUD" route add 10.3.0.0/24 dev vpc0
	ip -n "$VPC" route add 10.9.0.0/24 via 10.2.0.1 src 10.3.0.10
	addrs "$CLOUD" wan0 203.0.113.5/24
}

cloud_keeps_from_fourth()
{
	sed -i '/protocol bgp tunnel3/,/^}/ {
		s/import all/import where net != 10.9.0.0\/24/
		s/source = RTS_STATIC/source = RTS_STATIC \&\& net != 10.3.0.0\/24/ }' \
		"$LAB/cloud/bird.conf"
	lab_birdc cloud configure | grep -q Reconfigured || bail "cannot configure the cloud's BIRD"
}

second_pair_established()
{
	lab_established && route_width 10.3.0.0/24 3 && cloud_route_width 10.9.0.0/24 3
}

lab_with_second_pair()
{
	CLOUD_ROUTES="route 10.3.0.0/24 unreachable;"
	lab_network
	mkdir -p "$LAB/gw"
	gw_config >"$LAB/gw/bowtie.yaml"
	second_pair
	cloud_start
	cloud_keeps_from_fourth
	DAEMON_DEBUG=1 gw_start
	busywait 120 second_pair_established || { lab_logs; bail "the tunnels do not come up"; }
	GOOD=$LAB/gw/good.yaml
	cp "$LAB/gw/bowtie.yaml" "$GOOD"
}

nothing()
{
	expect_eq "the same configuration: no difference" "$(cfg diff)" ""
	daemon_log_mark
	expect "a reload of it" cfg reload
	expect "is settled" daemon_settled
	expect_eq "and does nothing" "$(done_ops)" ""
}

weight()
{
	write_config 's/name: aws4/name: aws4\n    weight: 3/'
	reload_changes "weight" 'tunnel set bow0 aws4 weight 3'
	expect_eq "weight: the module has it" \
		"$(in_ns "$GW" bowtie -j tunnel show bow0 aws4 | jq '.[0].weight')" 3
	daemon_log_mark
	write_config ''
	kill -HUP "$GW_DAEMON"
	expect "weight: SIGHUP takes it back" busywait "$WAIT" daemon_said 'tunnel set bow0 aws4'
	expect "weight: and that is all" daemon_settled
	expect_eq "weight: nothing else was done" "$(done_ops)" 'tunnel set bow0 aws4 weight 1'
}

# Ends the fourth tunnel's IKE SA from the cloud, as an outage would.
fourth_anew()
{
	local before
	before=$(spis_of 3)
	lab_swanctl cloud --terminate --ike tunnel3 --timeout 5 >/dev/null 2>&1
	busywait 60 spis_changed 3 "$before" && busywait 60 second_pair_established
}

spis_changed()
{
	[[ $(spis_of "$1") != "$2" ]]
}

cloud_credentials()
{
	lab_swanctl cloud --load-creds --clear --file "$LAB/cloud/swanctl.conf" >/dev/null 2>&1
}

psk()
{
	(umask 077; echo "another-secret-of-tunnel-3" >"$LAB/gw/aws4.psk")
	sed -i 's/secret-of-tunnel-3/another-secret-of-tunnel-3/' "$LAB/cloud/swanctl.conf"
	expect "psk: the cloud has it" cloud_credentials
	reload_changes "psk" 'charon: load secret bt_bow0_aws4'
	expect "psk: it counts from the next time" fourth_anew
}

# The file alone changes: nobody has asked for it to be taken.
psk_not_yet()
{
	daemon_log_mark
	(umask 077; echo "not-yet-a-secret-3" >"$LAB/gw/aws4.psk")
	expect_eq "psk file changed: the difference says so" "$(cfg diff)" \
		"charon: load secret bt_bow0_aws4"
	lab_swanctl gw --terminate --ike bt_bow0_aws4 --timeout 5 >/dev/null 2>&1
	expect "but before a reload the old one counts" busywait 60 second_pair_established
	expect "and nothing was loaded" not daemon_said 'load secret'
	(umask 077; echo "another-secret-of-tunnel-3" >"$LAB/gw/aws4.psk")
	cfg reload
	daemon_settled
}

proposals()
{
	write_config 's/\(psk_file: .*aws4.psk\)}/\1, proposals: [aes128gcm16-prfsha256-ecp256]}/'
	reload_changes "proposals" 'charon: load connection bt_bow0_aws4'
	expect "proposals: count from the next time" fourth_anew
	GOOD=$LAB/gw/good2.yaml
	cp "$LAB/gw/bowtie.yaml" "$GOOD"
}

inside_address()
{
	addrs "$CLOUD" ipsec3 169.254.23.1/30
	sed -i '/protocol bgp tunnel3/,/^}/ s/169.254.22.\([56]\)/169.254.23.\1/;
		s/169.254.23.5/169.254.23.1/; s/169.254.23.6/169.254.23.2/' "$LAB/cloud/bird.conf"
	lab_birdc cloud configure >/dev/null
	write_config 's/169.254.22.6/169.254.23.2/'
	reload_changes "inside address" "BIRD: write $LAB/gw/bowtie-bird.conf
address add bow0 169.254.23.2/30
address del bow0 169.254.22.6/30
hold routes add bow0 169.254.23.0/30
hold routes del bow0 169.254.22.4/30
tunnel set bow0 aws4 inside-local 169.254.23.2 inside-peer 169.254.23.1"
	expect "inside address: four tunnels again" busywait 60 second_pair_established
	GOOD=$LAB/gw/good3.yaml
	cp "$LAB/gw/bowtie.yaml" "$GOOD"
}

remote()
{
	sed -i 's/203.0.113.4/203.0.113.5/' "$LAB/cloud/swanctl.conf"
	lab_swanctl cloud --load-all --file "$LAB/cloud/swanctl.conf" >/dev/null 2>&1
	write_config 's/203.0.113.4/203.0.113.5/'
	reload_changes "remote" 'charon: load connection bt_bow0_aws4
charon: load secret bt_bow0_aws4
tunnel set bow0 aws4 remote 203.0.113.5'
	expect "remote: four tunnels again" busywait 60 second_pair_established
	expect_eq "remote: no SA with the old one is left" "$(spis_of 3)" ""
}

fourth_gone()
{
	[[ -z $(lab_swanctl gw --list-sas --ike bt_bow0_aws4) ]] &&
		! lab_swanctl gw --list-conns | grep -q aws4
}

remove_and_add()
{
	cp "$LAB/gw/bowtie.yaml" "$LAB/gw/four.yaml"
	sed -i '/name: aws4/,/psk_file/d' "$LAB/gw/bowtie.yaml"
	reload_changes "removed" "BIRD: write $LAB/gw/bowtie-bird.conf
address del bow0 169.254.23.2/30
charon: unload connection bt_bow0_aws4
charon: unload secret bt_bow0_aws4
hold routes del bow0 169.254.23.0/30
tunnel del bow0 aws4"
	expect "removed: the route has three" busywait 60 route_width 10.2.0.0/16 3
	expect "removed: charon knows nothing of it" busywait 30 fourth_gone
	expect "removed: nor does BIRD" not eval 'bgp_since gw | grep aws4'

	cp "$LAB/gw/four.yaml" "$LAB/gw/bowtie.yaml"
	reload_changes "added" "BIRD: write $LAB/gw/bowtie-bird.conf
address add bow0 169.254.23.2/30
charon: load connection bt_bow0_aws4
charon: load secret bt_bow0_aws4
hold routes add bow0 169.254.23.0/30
tunnel add bow0 aws4 if-id [0-9]+ .*"
	expect "added: four tunnels again" busywait 60 second_pair_established
}

# The cloud's end has an address there before the gateway has heard of that network: to its
# packets (BGP's time to live is 1) the gateway has nothing but an error and the default route
# shellcheck disable=SC2034 # for lab_network
GUARD_ALSO="icmp[0] = 11 and dst net 169.254.23.0/30"

log_init
need_cmd socat jq swanctl birdc bird
lab_with_second_pair
expect "the daemon has settled" daemon_settled
TRAFFIC_OUT=10.3.0.10 TRAFFIC_BACK=10.9.0.10 traffic_start
OTHERS=$(others)
bgp_note
nothing
weight
psk
psk_not_yet
proposals
inside_address
remote
remove_and_add
traffic_stop
traffic_whole "all in all: the three tunnels lost nothing"
((TAP_FAILED == 0)) || lab_logs
done_testing
