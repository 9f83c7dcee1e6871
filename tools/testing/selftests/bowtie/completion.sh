#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 120
#
# Completion in bash: what is suggested behind a few words, and that it knows
# the same keywords as the tool.

. "$(dirname "$0")/lib.sh"
# shellcheck source=userspace/completion/bowtie.bash
. "$BOWTIE_TOP/userspace/completion/bowtie.bash"

# suggests NAME WANTED WORDS...: with the cursor in the last of the words, the
# suggestions are WANTED, in any order
suggests()
{
	local name=$1 want=$2 got
	shift 2
	COMP_WORDS=(bowtie "$@")
	COMP_CWORD=$#
	_bowtie
	# shellcheck disable=SC2086 # words
	want=$(printf '%s\n' $want | sort | tr '\n' ' ')
	got=$(printf '%s\n' "${COMPREPLY[@]}" | sort | tr '\n' ' ')
	[[ ${got# } == "${want# }" ]]
	result $? "$name" "bowtie $*: suggests ${got# }, wanted ${want# }"
}

objects_and_options()
{
	suggests "objects" "link tunnel route sa monitor status showconf config help" ""
	suggests "the beginning of one" "sa status showconf" s
	suggests "options" "-json -pretty -oneline -stats -details -timestamp -tshort -netns
		-batch -force -Version -help" -
	suggests "objects behind options" "tunnel" -j -n "$GW" t
	suggests "namespaces" "$GW" -n "$GW"
	suggests "commands" "show add set delete help" link ""
	suggests "commands of an abbreviated object" "replace" t r
	suggests "nothing behind what is unknown" "" x y ""
	suggests "what can be monitored" "link" monitor sa l
	suggests "help" "help" sa h
	suggests "commands about the configuration" "check diff reload help" config ""
	: >"$TEST_TMP/conf.yaml"
	suggests "its files" "$TEST_TMP/conf.yaml" config check "$TEST_TMP/conf.y"
}

names()
{
	suggests "devices" "bow0 bow1" -n "$GW" link show b
	suggests "devices to show the status of" "bow0 bow1 help" -n "$GW" status ""
	suggests "devices of tunnels" "dev bow0 bow1" -n "$GW" tunnel set ""
	suggests "and their tunnels" "t0 aws1" -n "$GW" tunnel set bow0 ""
	suggests "behind dev, too" "bow0 bow1" -n "$GW" tunnel del dev ""
	suggests "tunnels behind it" "t0 aws1" -n "$GW" tunnel del dev bow0 ""
	suggests "devices and tunnels" "dev bow0 bow1 t0 aws1 other" -n "$GW" tunnel show ""
	suggests "routes" "10.0.0.0/8 2001:db8::/32" -n "$GW" route del ""
	suggests "devices of routes" "bow0 bow1" -n "$GW" route add default dev ""
	suggests "tunnels of that device" "other" -n "$GW" route add default dev bow1 tunnel ""
	suggests "all tunnels" "t0 aws1 other" -n "$GW" route add default tunnel ""
	suggests "tunnels with SAs" "t0 aws1" -n "$GW" sa show dev bow0 tunnel ""
	suggests "nothing in another namespace" "" link show b
}

keywords()
{
	suggests "settings of a link" "hash hairpin" link set bow0 h
	suggests "their values" "l3 l4" link set bow0 hash l
	suggests "settings of a tunnel" "inside-local inside-peer" tunnel set bow0 t0 in
	suggests "their values" "up down drain" tunnel add bow0 x admin ""
	suggests "numbers cannot be guessed" "" tunnel add bow0 x if-id ""
	suggests "words of a route" "dev tunnel weight tier" route add default dev bow0 tunnel t0 ""
}

# Each keyword that is suggested is one that the tool knows, and the other way round
complete_list()
{
	local word

	for word in $_bowtie_link_settings; do
		expect_error "link knows $word" "^Error: $word: a value is missing\.$" \
			bowtie link set bow0 "$word"
	done
	for word in $_bowtie_tunnel_settings; do
		expect_error "tunnel knows $word" "^Error: $word: a value is missing\.$" \
			bowtie tunnel set bow0 t0 "$word"
	done
	for word in $(help_words link) $(help_words tunnel); do
		expect "$word is suggested" \
			grep -qw -- "$word" <<<"$_bowtie_link_settings $_bowtie_tunnel_settings"
	done
}

# The keywords in the help of an object: those that a value follows
help_words()
{
	bowtie "$1" help | sed -n '/SETTING :=/,$p' |
		grep -oE '(:=|\|) +[a-z][a-z-]+ ([A-Z]|\{|[0-9])' | grep -oE '[a-z-]{2,}'
}

log_init
setup_ns GW
bowtie -n "$GW" -b - <<-'END' || bail "no configuration"
	link add bow0
	link add bow1
	tunnel add bow0 t0 if-id 1 remote 192.0.2.1
	tunnel add bow0 aws1 if-id 2 remote 192.0.2.2
	tunnel add bow1 other if-id 3 remote 192.0.2.3
	route add 10.0.0.0/8 dev bow0 tunnel t0
	route add 2001:db8::/32 dev bow1 tunnel other
END
objects_and_options
names
keywords
complete_list
done_testing
