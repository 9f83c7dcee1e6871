#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 480
#
# The tool "bowtie": every command with good and bad input, its exact output,
# error texts and exit statuses; abbreviations, batch files, JSON, showconf.
# Everything happens in one namespace without a peer: what packets do is the
# business of other tests.

. "$(dirname "$0")/lib.sh"

OBJECTS="link, tunnel, route, sa, monitor, status, showconf, config"

bt()
{
	bowtie -n "$GW" "$@"
}

# Ages differ from run to run
ageless()
{
	sed -E 's/\b(since|age) [0-9]+[smhd][0-9smhd]*/\1 AGE/g'
}

# does NAME WORDS...: succeeds and has nothing to say
does()
{
	local name=$1 out status
	shift
	out=$(bt "$@" 2>&1)
	status=$?
	[[ $status == 0 && -z $out ]]
	result $? "$name" "bowtie $* -> $status"$'\n'"$out"
}

# prints NAME TEXT WORDS...: succeeds with exactly this output
prints()
{
	local name=$1 want=$2 out status
	shift 2
	out=$(bt "$@" 2>&1)
	status=$?
	[[ $out != *" since "* && $out != *" age "* ]] || out=$(ageless <<<"$out")
	[[ $status == 0 && $out == "$want" ]]
	result $? "$name" "bowtie $* -> $status"$'\n'"got:    $out"$'\n'"wanted: $want"
}

# refuses NAME STATUS TEXT WORDS...: this status, exactly this error, no output
refuses()
{
	local name=$1 want=$2 text=$3 out status error
	shift 3
	out=$(bt "$@" 2>"$TEST_TMP/stderr")
	status=$?
	error=$(<"$TEST_TMP/stderr")
	[[ $status == "$want" && -z $out && $error == "Error: $text." ]]
	result $? "$name" "bowtie $* -> $status, wanted $want"$'\n'"stdout: $out"$'\n'"stderr: $error"$'\n'"wanted: Error: $text."
}

# json NAME FILTER WORDS...: valid JSON, one document, for which FILTER is true
json()
{
	local name=$1 filter=$2 out status
	shift 2
	out=$(bt -j "$@" 2>&1)
	status=$?
	((status == 0)) && jq -es "length == 1 and (.[0] | $filter)" <<<"$out" >/dev/null 2>&1
	result $? "$name" "bowtie -j $* -> $status, wanted $filter"$'\n'"$out"
}

options()
{
	local out

	expect_output "-V" '^bowtie [0-9]+\.' bowtie -V
	expect_output "--Version" '^bowtie [0-9]+\.' bowtie --Version
	expect_output "-h shows the usage" '^Usage: bowtie ' bowtie -h
	expect_output "--help, too" '^Usage: bowtie ' bowtie --help
	expect_output "help, too" '^Usage: bowtie ' bowtie help
	refuses "no object" 1 'the object is missing, try "bowtie help"'
	refuses "unknown option" 1 "there is no option -x, or more than one; try -help" -x
	refuses "ambiguous option" 1 "there is no option -stat-, or more than one; try -help" -stat-
	refuses "option without its value" 1 "-batch: a value is missing" -b
	refuses "no such namespace" 2 \
		'cannot enter the network namespace "nowhere": No such file or directory' \
		-n nowhere link
	expect "a namespace may be a path" bowtie -netns "/run/netns/$GW" link
	expect "options may be abbreviated" bowtie -net "$GW" -js -stat -de -onel -pr link
	out=$(bowtie -n "$GW" link show bow0 2>&1 >/dev/full)
	expect_eq "a full disk is noticed" "$? $out" \
		"2 Error: cannot write: No space left on device."
	out=$(bowtie help 2>&1 >/dev/full)
	expect_eq "also by the help" "$? $out" "2 Error: cannot write: No space left on device."
	out=$(bowtie -n "$GW" link show bow0 2>&1 >&-)
	expect_eq "no standard output is noticed" "$? $out" \
		"2 Error: cannot write: Bad file descriptor."
	expect "a command without output needs none" \
		bash -c "exec bowtie -n $GW link set bow0 hash skb >&-"
	bowtie -n "$GW" -d link show bow0 2>"$TEST_TMP/stderr" | true
	expect_eq "a reader that is gone is noticed" "${PIPESTATUS[0]}" 2
	expect_eq "and said" "$(<"$TEST_TMP/stderr")" "Error: cannot write: Broken pipe."
}

help_everywhere()
{
	local object

	for object in ${OBJECTS//,/}; do
		expect_output "$object help" "^Usage: bowtie $object" bowtie "$object" help
	done
	expect_output "help behind a command" '^Usage: bowtie tunnel show' bowtie tunnel add help
	expect_output "every command is in it" '^ +bowtie route flush dev DEV' bowtie route help
}

links()
{
	does "add" link add bow0
	prints "show" "2: bow0: operstate down mtu 1400 tunnels 0 tunnels-up 0 routes 0" link
	refuses "add it again" 2 "File exists" link add bow0
	does "set" link set bow0 hash symmetric hairpin on strict-source on fwmark 0x64 \
		idle-timer 2m unbalanced-timer 1500ms up
	prints "show one" "2: bow0: up operstate dormant mtu 1400 tunnels 0 tunnels-up 0 routes 0
    fwmark 0x64 hash symmetric hairpin on strict-source on unbalanced-timer 1500ms" link show bow0
	does "set times" link set bow0 idle-timer 90s unbalanced-timer 10m
	prints "show one, with its keyword, on a line" "2: bow0: up operstate dormant mtu 1400 tunnels 0 tunnels-up 0 routes 0 fwmark 0x64 hash symmetric hairpin on strict-source on idle-timer 90s unbalanced-timer 600s" -o l sh dev bow0
	does "MTU by hand" link set bow0 mtu 1300
	json "it no longer follows the tunnels" '.[0].mtu == 1300 and .[0].mtu_auto == false' link
	does "MTU from the tunnels" link set bow0 mtu auto
	json "it does" '.[0].mtu_auto' link
	does "back to the defaults" link set bow0 hash skb hairpin off strict-source off fwmark 0 \
		idle-timer 120s unbalanced-timer 0s down
	json "all of it" '.[0] | .ifindex == 2 and .ifname == "bow0" and (.up | not) and
		.operstate == "down" and .fwmark == "0x0" and .hash == "skb" and
		(.hairpin | not) and (.strict_source | not) and .buckets == 256 and
		.idle_timer == 120000 and .unbalanced_timer == 0 and
		.tunnels == 0 and .tunnels_up == 0 and .routes == 0 and .groups == 0 and
		.generation > 0 and (has("stats") | not)' link show
	json "with statistics" '.[0].stats | .tx_packets == 0 and .rx_drop_no_memory == 0' -s link
	expect_output "statistics as text" '^    tx-packets 0 tx-bytes 0 rx-packets 0 rx-bytes 0$' \
		bt -s link
	expect_output "details" 'hash skb hairpin off strict-source off idle-timer 120s unbalanced-timer 0ms buckets 256 generation' \
		bt -d link
	does "add with settings" link add dev bow1 mtu 1280 hash l4 up
	json "they are there" '.[0] | .up and .mtu == 1280 and .hash == "l4" and .mtu_auto == false' \
		link show bow1
	json "two of them" 'map(.ifname) == ["bow0", "bow1"]' link
	does "delete" link delete bow1
	refuses "show what is not there" 2 "no such bowtie device" link show bow1
	refuses "show what is none" 2 "no such bowtie device" link show lo
	refuses "set what is not there" 2 "no such device" link set bow1 hash l3
	refuses "set what is none" 2 "not a bowtie device" link set lo hash l3
	refuses "its MTU neither" 2 "not a bowtie device" link set lo up
	refuses "delete what is not there" 2 "no such device" link del bow1
	refuses "delete what is none" 2 "not a bowtie device" link del lo
	refuses "no device" 1 "the device is missing" link add
	refuses "no name for a device" 1 '"a/b" cannot be the name of a device' link add a/b
	refuses "a long name" 1 '"sixteen-letters-" cannot be the name of a device' \
		link set sixteen-letters- up
	refuses "nothing to set" 1 "nothing is to be set" link set bow0
	refuses "no such setting" 1 '"colour" is not expected here, try "help"' \
		link set bow0 colour red
	refuses "keywords are not abbreviated" 1 '"has" is not expected here, try "help"' \
		link set bow0 has l3
	refuses "no value" 1 "hash: a value is missing" link set bow0 hash
	refuses "wrong value of a choice" 1 'hash: "l7" is none of skb, l3, l4, symmetric' \
		link set bow0 hash l7
	refuses "too long a time" 1 'idle-timer: "25h" is not a time from 0ms to 86400000ms (with ms, s, m or h)' \
		link set bow0 idle-timer 25h
	refuses "wrong switch" 1 'hairpin: "yes" is neither on nor off' link set bow0 hairpin yes
	refuses "wrong MTU" 1 'mtu: "60" is neither auto nor 68 to 65535' link set bow0 mtu 60
	refuses "too large a number" 1 'fwmark: "0x100000000" is not a number from 0 to 4294967295' \
		link set bow0 fwmark 0x100000000
	refuses "twice" 1 "hash is given twice" link set bow0 hash l3 hash l4
	refuses "too many words" 1 '"more" is not expected here, try "help"' link show bow0 more
	expect_eq "a refusal leaves all as it was" "$(bt -j link | jq -r '.[0].hash')" skb
}

abbreviations()
{
	expect "object and command" bt l sh
	refuses "ambiguous command" 1 'command "s" is ambiguous: show, set' l s
	refuses "ambiguous object" 1 'object "s" is ambiguous: sa, status, showconf' s
	refuses "unknown object" 1 "object \"x\" is unknown, there are: $OBJECTS" x
	refuses "that of another object" 1 'command "s" is ambiguous: show, set' t s
	refuses "unknown command" 1 \
		'command "remove" is unknown, there are: show, add, replace, set, delete' \
		tunnel remove
	refuses "unknown command of another object" 1 \
		'command "append" is unknown, there are: show, add, change, replace, delete, get, flush' \
		route append
}

tunnels()
{
	does "add with everything" tunnel add bow0 aws1 id 7 if-id 1 local 192.0.2.1 \
		remote 203.0.113.1 inside-local 169.254.21.2 inside-peer 169.254.21.1 \
		inside-local fd00::2 inside-peer fd00::1 selector 10.0.0.0/8 0.0.0.0/0 \
		selector ::/0 fd00::/8 weight 5 tier 2 esp-mode xfrm mss 1300 df clear \
		mark 0xff drain-timeout 10s drain
	prints "show" "aws1: dev bow0 id 7 if-id 1 local 192.0.2.1 remote 203.0.113.1 oper down reason no-sa since AGE
    inside-local 169.254.21.2 inside-peer 169.254.21.1 inside-local fd00::2 inside-peer fd00::1
    admin drain weight 5 tier 2 esp-mode xfrm mss 1300 df clear mark 0xff drain-timeout 10s
    selector 10.0.0.0/8 0.0.0.0/0 selector ::/0 fd00::/8" tunnel
	json "as JSON" '.[0] | .name == "aws1" and .dev == "bow0" and .id == 7 and .if_id == 1 and
		.local == "192.0.2.1" and .remote == "203.0.113.1" and
		.inside_local4 == "169.254.21.2" and .inside_peer4 == "169.254.21.1" and
		.inside_local6 == "fd00::2" and .inside_peer6 == "fd00::1" and
		.weight == 5 and .tier == 2 and .esp_mode == "xfrm" and .mss == 1300 and
		.df == "clear" and .mark == "0xff" and .admin == "drain" and .oper == "down" and
		.reason == "no-sa" and .since > 0 and .sas_in == 0 and .sas_out == 0 and
		.selectors == [{"local": "10.0.0.0/8", "remote": "0.0.0.0/0"},
			       {"local": "::/0", "remote": "fd00::/8"}]' tunnel
	does "add with little: id and name are chosen" tunnel add dev bow0 if-id 2 remote 2001:db8::2
	prints "show by name" "t0: dev bow0 id 0 if-id 2 local any remote 2001:db8::2 oper down reason no-sa since AGE" \
		tunnel show t0
	does "add by id" tunnel add bow0 5 if-id 3 local 2001:db8::1 remote any
	json "it has a name" '.[0].name == "t5" and .[0].remote == "any"' tunnel show dev bow0 5
	does "add by id, with a name" tunnel add bow0 id 6 name six if-id 4 local 192.0.2.1 remote any
	json "all of a device" 'map(.id) == [0, 5, 6, 7]' tunnel show bow0
	json "all of all" 'map(.name) == ["t0", "t5", "six", "aws1"]' tunnel show
	does "set by name" tunnel set bow0 aws1 up weight 1 selector none inside-local none \
		mss auto df copy esp-mode auto tier 0 mark 0 drain-timeout 300s
	prints "defaults are not shown" "aws1: dev bow0 id 7 if-id 1 local 192.0.2.1 remote 203.0.113.1 oper down reason no-sa since AGE
    inside-peer 169.254.21.1 inside-peer fd00::1" tunnel show bow0 aws1
	does "set by id" tunnel set dev bow0 7 down
	json "down" '.[0] | .admin == "down" and .reason == "admin"' tunnel show aws1
	does "rename by name" tunnel set bow0 aws1 name aws2 admin up
	json "the id stays" '.[0].id == 7 and .[0].admin == "up"' tunnel show aws2
	does "rename by id" tunnel set bow0 7 name aws1
	refuses "rename to a name that is taken" 2 "another tunnel of the link has this name" \
		tunnel set bow0 aws1 name six
	does "any keeps the family" tunnel set bow0 t0 local 2001:db8::1
	does "also alone" tunnel set bow0 t0 local any
	json "it did" '.[0].local == "any" and .[0].remote == "2001:db8::2"' tunnel show t0
	does "other family" tunnel set bow0 t0 local 192.0.2.9 remote 192.0.2.10
	does "replace what is there" tunnel replace bow0 t0 weight 9
	json "what is not given stays" '.[0].weight == 9 and .[0].if_id == 2' tunnel show t0
	does "replace what is not there" tunnel replace bow0 new if-id 9 remote 192.0.2.99
	json "it is" '.[0].id == 1' tunnel show new
	does "delete by name" tunnel del bow0 new
	does "delete by id" tunnel delete dev bow0 6
	refuses "show what is not there" 2 "no tunnel with this name" tunnel show six
	refuses "show an id that is not there" 2 "no tunnel with this id" tunnel show 6
	refuses "show one word too many" 1 '"x" is not expected here, try "help"' \
		tunnel show bow0 t0 x
}

tunnels_refused()
{
	refuses "no device" 1 "the device is missing" tunnel add
	refuses "no such device" 2 "no such device" tunnel add bow9 if-id 8 remote 192.0.2.8
	refuses "not a device of ours" 2 "not a bowtie device" tunnel add lo if-id 8 remote 192.0.2.8
	refuses "no if-id" 2 "if-id is missing or 0" tunnel add bow0 x remote 192.0.2.8
	refuses "no address" 2 "an outer address (local or remote) is missing" \
		tunnel add bow0 x if-id 8
	refuses "two that are any" 2 "local and remote cannot both be any address" \
		tunnel add bow0 x if-id 8 local any remote any
	refuses "different families" 2 "local and remote are of different families" \
		tunnel add bow0 x if-id 8 local 192.0.2.1 remote ::1
	refuses "name is taken" 2 "it exists already" \
		tunnel add bow0 aws1 if-id 8 remote 192.0.2.8
	refuses "id is taken" 2 "it exists already" tunnel add bow0 7 if-id 8 remote 192.0.2.8
	refuses "if-id is taken" 2 "another tunnel of the underlay has this if-id" \
		tunnel add bow0 x if-id 1 remote 192.0.2.8
	refuses "inside peer is taken" 2 "another tunnel of the link has this inside IPv4 peer" \
		tunnel add bow0 x if-id 8 remote 192.0.2.8 inside-peer 169.254.21.1
	refuses "set what is not there" 2 "no tunnel with this name" tunnel set bow0 x weight 1
	refuses "by id, neither" 2 "no tunnel with this id" tunnel set bow0 63 weight 1
	refuses "delete what is not there" 2 "no tunnel with this name" tunnel del bow0 x
	refuses "rename what is not there" 2 "no tunnel with this name" tunnel set bow0 x name y
	refuses "no tunnel" 1 "the tunnel's name or id is missing" tunnel set bow0
	refuses "no tunnel to delete" 1 "the tunnel's name or id is missing" tunnel del bow0
	refuses "no tunnel to replace" 1 "the tunnel's name or id is missing" \
		tunnel replace bow0 if-id 3
	refuses "nothing to set" 1 "nothing is to be set" tunnel set bow0 aws1
	refuses "an id for ever" 1 "the id of a tunnel cannot be changed" tunnel set bow0 aws1 id 3
	refuses "too large an id" 1 '"64" is neither a tunnel'\''s name nor an id from 0 to 63' \
		tunnel set bow0 64 up
	refuses "no name" 1 '"a!" is neither a tunnel'\''s name nor an id from 0 to 63' \
		tunnel set bow0 a! up
	refuses "a number is no name" 1 'name: "1a" is not up to 15 letters, digits, "-", "_" and "." that begin with a letter' \
		tunnel set bow0 aws1 name 1a
	refuses "weight" 1 'weight: "0" is not a number from 1 to 256' tunnel set bow0 aws1 weight 0
	refuses "tier" 1 'tier: "8" is not a number from 0 to 7' tunnel set bow0 aws1 tier 8
	refuses "mss" 1 'mss: "47" is neither off, auto nor 48 to 65495' tunnel set bow0 aws1 mss 47
	refuses "df" 1 'df: "no" is none of copy, clear, set' tunnel set bow0 aws1 df no
	refuses "admin" 1 'admin: "on" is none of up, down, drain' tunnel set bow0 aws1 admin on
	refuses "address" 1 'remote: "1.2.3" is neither an IPv4 or IPv6 address nor any' \
		tunnel set bow0 aws1 remote 1.2.3
	refuses "inside address" 1 'inside-peer: "x" is neither an IPv4 or IPv6 address nor none' \
		tunnel set bow0 aws1 inside-peer x
	refuses "half a selector" 1 "selector: remote is missing" \
		tunnel set bow0 aws1 selector 10.0.0.0/8
	refuses "selector with host bits" 1 \
		'selector: local: "10.0.0.1/8" has bits set beyond its length (not so 10.0.0.0/8)' \
		tunnel set bow0 aws1 selector 10.0.0.1/8 ::/0
	refuses "selector of two families" 2 "selector mixes address families" \
		tunnel set bow0 aws1 selector 10.0.0.0/8 ::/0
	refuses "weight twice" 1 "weight is given twice" tunnel set bow0 aws1 weight 1 weight 2
	refuses "inside address of a family twice" 1 "inside-peer is given twice" \
		tunnel set bow0 aws1 inside-peer 10.0.0.1 inside-peer 10.0.0.2
	refuses "two states" 1 "admin is given twice" tunnel set bow0 aws1 up down
	refuses "value is missing" 1 "weight: a value is missing" tunnel set bow0 aws1 weight
	refuses "read-only" 1 '"oper" is not expected here, try "help"' tunnel set bow0 aws1 oper up
}

routes()
{
	does "add" route add 10.0.0.0/8 dev bow0 tunnel aws1
	does "add with weight and tier" route add 2001:db8:1::/48 dev bow0 tunnel t0 weight 3 \
		tier 1 tunnel 5 weight 7
	does "add default" route add default dev bow0 tunnel 7
	does "add the other default, words in another order" route add ::/0 tunnel t0 dev bow0
	does "add a host" route add 192.0.2.55 dev bow0 tunnel aws1
	prints "show" "0.0.0.0/0 dev bow0 tunnel aws1
10.0.0.0/8 dev bow0 tunnel aws1
169.254.21.1/32 dev bow0 pinned aws1
192.0.2.55/32 dev bow0 tunnel aws1
::/0 dev bow0 tunnel t0
2001:db8:1::/48 dev bow0 tunnel t0 weight 3 tier 1 tunnel t5 weight 7
fd00::1/128 dev bow0 pinned aws1" route
	prints "details" "10.0.0.0/8 dev bow0 tunnel aws1 buckets 0 group 1 tunnels-up 0" \
		-d route show 10.0.0.0/8
	prints "those of a tunnel" "::/0 dev bow0 tunnel t0
2001:db8:1::/48 dev bow0 tunnel t0 weight 3 tier 1 tunnel t5 weight 7" \
		route show dev bow0 tunnel t0
	prints "of a tunnel by id" "2001:db8:1::/48 dev bow0 tunnel t0 weight 3 tier 1 tunnel t5 weight 7" \
		r s tunnel 5
	prints "none" "" route show 11.0.0.0/8
	json "as JSON" '.[5] == {"dst": "2001:db8:1::/48", "dev": "bow0", "ifindex": 2,
		"nexthops": [{"tunnel": "t0", "tunnel_id": 0, "weight": 3, "tier": 1, "buckets": 0},
			     {"tunnel": "t5", "tunnel_id": 5, "weight": 7, "buckets": 0}],
		"group": .[5].group, "tunnels_up": 0, "generation": .[5].generation} and
		.[2].pinned == "aws1" and .[2].nexthops == []' route
	does "change" route change 10.0.0.0/8 dev bow0 tunnel t5 tunnel t0
	prints "it is" "10.0.0.0/8 dev bow0 tunnel t0 tunnel t5" route show 10.0.0.0/8
	does "replace what is there" route replace 10.0.0.0/8 dev bow0 tunnel aws1
	does "replace what is not" route replace 10.1.0.0/16 dev bow0 tunnel aws1 tunnel t0
	prints "get: the longest match" "10.1.0.0/16 dev bow0 tunnel t0 tunnel aws1" \
		route get 10.1.2.3
	prints "get from a device" "10.0.0.0/8 dev bow0 tunnel aws1" route get 10.2.0.0 dev bow0
	prints "get a peer" "169.254.21.1/32 dev bow0 pinned aws1" route get 169.254.21.1 bow0
	json "get as JSON" 'length == 1 and .[0].dst == "::/0"' route get 3fff::1
	does "delete" route del 10.1.0.0/16 dev bow0
	refuses "add it again" 2 "it exists already" route add 10.0.0.0/8 dev bow0 tunnel aws1
	refuses "change what is not there" 2 "there is nothing to change" \
		route change 10.9.0.0/16 dev bow0 tunnel aws1
	refuses "delete what is not there" 2 "no such route" route del 10.9.0.0/16 dev bow0
	refuses "delete a pinned one" 2 "the route is pinned by a tunnel" \
		route del 169.254.21.1 dev bow0
	refuses "no such tunnel" 2 "no tunnel with this name" \
		route add 10.9.0.0/16 dev bow0 tunnel nobody
	refuses "no such id" 2 "nexthop: no tunnel with this id" \
		route add 10.9.0.0/16 dev bow0 tunnel 63
	refuses "a tunnel twice" 2 "route: the same tunnel twice" \
		route add 10.9.0.0/16 dev bow0 tunnel aws1 tunnel 7
	refuses "no prefix" 1 "the prefix is missing" route add
	refuses "a bad prefix" 1 '"10.0.0.0/33" has no prefix length from 0 to 32' \
		route add 10.0.0.0/33 dev bow0 tunnel aws1
	refuses "host bits" 1 '"10.0.0.1/8" has bits set beyond its length (not so 10.0.0.0/8)' \
		route add 10.0.0.1/8 dev bow0 tunnel aws1
	refuses "no device" 1 "dev is missing" route add 10.9.0.0/16 tunnel aws1
	refuses "two devices" 1 "dev is given twice" route add 10.9.0.0/16 dev bow0 dev bow0 tunnel 7
	refuses "no tunnel" 1 "a tunnel is missing" route add 10.9.0.0/16 dev bow0
	refuses "tunnel without a name" 1 "tunnel: a value is missing" \
		route add 10.9.0.0/16 dev bow0 tunnel
	refuses "weight of nothing" 1 '"weight" is not expected here, try "help"' \
		route add 10.9.0.0/16 dev bow0 weight 3 tunnel aws1
	refuses "weight" 1 'weight: "257" is not a number from 1 to 256' \
		route add 10.9.0.0/16 dev bow0 tunnel aws1 weight 257
	refuses "weight twice" 1 "weight is given twice" \
		route add 10.9.0.0/16 dev bow0 tunnel aws1 weight 2 weight 3
	refuses "delete with a tunnel" 1 "a route is deleted with all its tunnels" \
		route del 10.0.0.0/8 dev bow0 tunnel aws1
	refuses "no address" 1 "the address is missing" route get
	refuses "not an address" 1 '"10.0.0.0/8" is not an IPv4 or IPv6 address' route get 10.0.0.0/8
	refuses "flush needs a device" 1 "the device is missing" route flush
	does "flush" route flush dev bow0
	prints "pinned peers stay" "169.254.21.1/32 dev bow0 pinned aws1
fd00::1/128 dev bow0 pinned aws1" route
	refuses "no route" 2 "no such route" route get 10.0.0.1
	refuses "no route, of a device" 2 "no such route" route get 10.0.0.1 dev bow0
	refuses "no such device" 2 "no such device" route get 10.0.0.1 dev bow9
}

sas()
{
	local spi_out=0xc0ffee01 spi_in=0xc0ffee02

	prints "none" "" sa
	does "SAs can be had" tunnel set bow0 aws1 local 192.0.2.1 remote 203.0.113.1 up
	sa_add "$GW" 192.0.2.1 203.0.113.1 $spi_out 1 gcm || bail "no outbound SA"
	sa_add "$GW" 203.0.113.1 192.0.2.1 $spi_in 1 sha256 "${NATT[@]}" || bail "no inbound SA"
	expect "they are bound" busywait "$WAIT" bound 2
	prints "show" "dev bow0 tunnel aws1 dir in spi 0xc0ffee02 src 203.0.113.1 dst 192.0.2.1 valid
    algorithm cbc(aes) hmac(sha256) encap-sport 4500 encap-dport 4500
    age AGE packets 0 bytes 0
dev bow0 tunnel aws1 dir out spi 0xc0ffee01 src 192.0.2.1 dst 203.0.113.1 current valid
    algorithm rfc4106(gcm(aes))
    age AGE packets 0 bytes 0" sa
	expect_output "errors with statistics" '^    err-replay 0 err-window 0 err-integrity 0$' \
		bt -s sa show dev bow0
	expect_output "details" 'key-bits 160 icv-bits 128 replay-window 32 esp-mode fast' bt -d sa
	json "as JSON" '.[1] | .spi == "0xc0ffee01" and .dir == "out" and .tunnel == "aws1" and
		.tunnel_id == 7 and .current and .valid and .key_bits == 160 and
		.add_time > 0 and .packets == 0 and (.esn | not)' sa
	json "of a tunnel" 'length == 2' sa show tunnel aws1
	json "of another" 'length == 0' sa show dev bow0 tunnel 5
	refuses "too much" 1 '"x" is not expected here, try "help"' sa show x
	refuses "no such device" 2 "no such bowtie device" sa show dev bow9
	json "status: the tunnel is up" '.[0].link.tunnels_up == 1 and
		(.[0].tunnels[] | select(.name == "aws1") | .oper == "up" and .sas_in == 1 and
		 .stats.tx_packets == 0)' status
	expect_output "status as text" '^  aws1 +7 +up +[0-9]+s +203\.0\.113\.1 +169\.254\.21\.1 .* 1/1 ' \
		bt status bow0
	expect_output "its first line" '^bow0: down, 1 of 3 tunnels up, 0 routes in 0 groups, mtu 1300 \(auto\)$' \
		bt status
	refuses "status of what is not there" 2 "no such bowtie device" status bow9
	refuses "status of too much" 1 '"x" is not expected here, try "help"' status bow0 x
	ip -n "$GW" xfrm state flush
	expect "they are gone" busywait "$WAIT" bound 0
}

bound()
{
	[[ $(bt -j sa | jq length) == "$1" ]]
}

batch()
{
	local file=$TEST_TMP/batch out

	cat >"$file" <<-'END'
		# a comment, an empty line, a continued line, quotes

		route add 10.0.0.0/8 \
		    dev "bow0" tunnel 'aws1'	# here, too
		-j link
		link show bow0
		route add 10.0.0.0/8 dev bow0 tunnel aws1
		route add 10.1.0.0/16 dev bow0 tunnel aws1
	END
	out=$(bt -b "$file" 2>&1)
	expect_eq "stops at the first error, which says where" "$?:$out" \
		"1:$file:5: Error: object \"-j\" is unknown, there are: $OBJECTS."
	prints "what came before has been done" "10.0.0.0/8 dev bow0 tunnel aws1" \
		route show 10.0.0.0/8
	out=$(bt -force -j -batch "$file" 2>"$TEST_TMP/stderr")
	expect_eq "-force goes on, the status is that of the first error" "$?" 2
	expect_eq "and tells every error" "$(<"$TEST_TMP/stderr")" "$file:3: Error: it exists already.
$file:5: Error: object \"-j\" is unknown, there are: $OBJECTS.
$file:7: Error: it exists already."
	expect_eq "output of the others" "$(jq -r '.[0].ifname' <<<"$out")" bow0
	prints "they have been done" "10.1.0.0/16 dev bow0 tunnel aws1" route show 10.1.0.0/16
	out=$(printf 'route flush dev bow0\nlink show "bow0\n' | bt -b - 2>&1)
	expect_eq "from standard input" "$?:$out" "1:-:2: Error: a quotation has no end."
	expect "an empty file is a good one" bt -b /dev/null
	refuses "no such file" 2 "cannot read $TEST_TMP/none: No such file or directory" \
		-b "$TEST_TMP/none"
	refuses "words behind it" 1 '"link" is not expected here, try "help"' -b "$file" link
	out=$(printf 'route\0 flush\n' | bt -b - 2>&1)
	expect_eq "a zero byte" "$?:$out" "1:-:1: Error: a zero byte in the line."
	out=$(bt -b / 2>&1)
	expect_eq "a directory" "$?:$out" "2:Error: cannot read / to its end."
}

# A configuration with everything in it, twice as different as it can be
everything()
{
	cat <<-'END'
		link add dev bow0 fwmark 0x64 hash symmetric hairpin on strict-source on idle-timer 1ms unbalanced-timer 3600s mtu 1390 up
		tunnel add dev bow0 name t0 id 0 if-id 1 local 192.0.2.1 remote 203.0.113.1
		tunnel add dev bow0 name x9 id 9 if-id 2 local any remote 2001:db8::1 inside-local 169.254.21.2 inside-peer 169.254.21.1 inside-local fd00::2 inside-peer fd00::1 admin down weight 256 tier 7 esp-mode xfrm mss off df set mark 0xffffffff drain-timeout 0ms selector 10.0.0.0/8 0.0.0.0/0 selector ::/0 fd00::/8
		tunnel add dev bow0 name last id 63 if-id 3 local 2001:db8::2 remote any admin drain mss 48 df clear
		route add 0.0.0.0/0 dev bow0 tunnel t0 tunnel x9 weight 3 tier 1 tunnel last
		route add 10.0.0.0/8 dev bow0 tunnel last
		route add 169.254.21.1/32 dev bow0 tunnel t0
		route add ::/0 dev bow0 tunnel x9
		route add 2001:db8::/127 dev bow0 tunnel t0 tier 0 tunnel x9
		link add dev bow\#1\' mtu auto
		tunnel add dev bow\#1\' name t1 id 1 if-id 4 local 192.0.2.1 remote 203.0.113.2
		route add 10.0.0.0/8 dev bow\#1\' tunnel t1 weight 2
	END
}

showconf()
{
	local i

	bt link del bow0
	prints "nothing to show" "" showconf
	everything >"$TEST_TMP/conf"
	expect "a configuration from a file" bt -b "$TEST_TMP/conf"
	expect_eq "is shown as it was" "$(bt showconf)" "$(<"$TEST_TMP/conf")"
	bt link del bow0
	bt link del "bow#1'"
	expect_eq "all of it is gone" "$(bt showconf)" ""
	expect "made again from standard input" bt -b - <"$TEST_TMP/conf"
	expect_eq "it is the same again" "$(bt showconf)" "$(<"$TEST_TMP/conf")"
	expect_eq "one device" "$(bt showconf "bow#1'")" "$(tail -n 3 "$TEST_TMP/conf")"
	refuses "no such device" 2 "no such bowtie device" showconf bow9
	refuses "no JSON" 1 "showconf is commands, which have no JSON form" -j showconf
	bt link del bow0
	bt link del "bow#1'"

	{
		echo "link add dev bow0 mtu auto"
		for i in {0..63}; do
			echo "tunnel add dev bow0 name t$i id $i if-id $((i + 1)) local 192.0.2.1 remote 198.51.100.$i"
		done
		for i in {0..499}; do
			echo "route add 10.$((i / 250)).$((i % 250)).0/24 dev bow0 tunnel t$((i % 60)) tunnel t$((i % 60 + 1)) weight 2"
		done
	} >"$TEST_TMP/conf"
	expect "64 tunnels, 500 routes" bt -b "$TEST_TMP/conf"
	bt showconf >"$TEST_TMP/conf2"
	expect "are shown as they were" cmp "$TEST_TMP/conf" "$TEST_TMP/conf2"
	json "as JSON, too" 'length == 500 and (map(.nexthops | length) | min) == 2' route
	expect_eq "their groups are shared" "$(bt -j link | jq '.[0].groups')" 60
	refuses "no 65th" 2 "the link has all the tunnels it can have" \
		tunnel add bow0 if-id 99 local 192.0.2.1 remote 192.0.2.99
	bt link del bow0
}

# Names that would break JSON, or a terminal
strange_names()
{
	local name=$'b\xff"\\'

	does "a device with a strange name" link add "$name"
	json "valid JSON all the same" '.[0].ifname == "b\ufffd\"\\"' link
	does "found by its name" link del "$name"
}

rights()
{
	local out

	out=$(setpriv --bounding-set=-all --inh-caps=-all --reuid=65534 --regid=65534 --clear-groups \
		bowtie link 2>&1)
	expect_eq "anybody may look" "$?" 0
	out=$(setpriv --bounding-set=-all --inh-caps=-all --reuid=65534 --regid=65534 --clear-groups \
		bowtie sa 2>&1)
	expect_eq "not at SAs" "$?:$out" "2:Error: Operation not permitted."
	out=$(setpriv --bounding-set=-all --inh-caps=-all --reuid=65534 --regid=65534 --clear-groups \
		bowtie link add bow0 2>&1)
	expect_eq "nor change anything" "$?:$out" "2:Error: Operation not permitted."
}

without_module()
{
	local command

	rmmod bowtie || bail "cannot unload the module"
	for command in "link" "tunnel" "route" "sa" "status" "showconf" "tunnel add bow0 if-id 1" \
		"route get 10.0.0.1" "route flush bow0"; do
		# shellcheck disable=SC2086 # words
		refuses "without the module: $command" 2 \
			"the bowtie module is not loaded (modprobe bowtie)" $command
	done
	refuses "nor is there a kind of device" 2 \
		"the bowtie module is not loaded (modprobe bowtie)" link add bow0
	insmod "$BOWTIE_KO" || bail "cannot load the module"
	prints "with it again" "" link
}

log_init
need_cmd jq setpriv
setup_ns GW
links
options
help_everywhere
abbreviations
tunnels
tunnels_refused
routes
sas
batch
showconf
strange_names
rights
without_module
done_testing
