# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Completion of bowtie(8) in bash: objects, commands, keywords and their values,
# and from the running system devices, tunnels and prefixes.

_bowtie_options="-json -pretty -oneline -stats -details -timestamp -tshort -netns -batch -force
	-Version -help"
_bowtie_objects="link tunnel route sa monitor status showconf config help"

# What a keyword may be followed by; other keywords take what cannot be guessed
declare -gA _bowtie_values=(
	[hash]="skb l3 l4 symmetric"
	[hairpin]="on off"
	[strict-source]="on off"
	[mtu]="auto"
	[mtu-auto]="on off"
	[esp-mode]="auto xfrm fast"
	[mss]="auto off"
	[probe]="none icmp tcp bowtie"
	[probe-interval]="15ms 100ms 1s"
	[df]="copy clear set"
	[admin]="up down drain"
	[selector]="none"
	[local]="any" [remote]="any"
	[inside-local]="none" [inside-peer]="none"
	[name]="" [id]="" [if-id]="" [fwmark]="" [mark]="" [weight]="" [tier]=""
	[probe-multiplier]="" [probe-port]=""
	[idle-timer]="" [unbalanced-timer]="" [drain-timeout]=""
)

_bowtie_link_settings="fwmark hash hairpin strict-source mtu mtu-auto idle-timer unbalanced-timer"
_bowtie_tunnel_settings="id name if-id local remote inside-local inside-peer admin weight tier
	esp-mode mss df mark drain-timeout probe probe-interval probe-multiplier probe-port
	selector"

# All values of a key in what "bowtie -j WORDS" says
_bowtie_ask()
{
	local key=$1
	shift
	bowtie "${_bowtie_netns[@]}" -j "$@" 2>/dev/null |
		grep -o "\"$key\":\"[^\"]*\"" | sed 's/^[^:]*:"//; s/"$//' | sort -u
}

_bowtie_devices()
{
	_bowtie_ask ifname link
}

_bowtie_tunnels()
{
	if [[ -n $1 ]]; then
		_bowtie_ask name tunnel show dev "$1"
	else
		_bowtie_ask name tunnel
	fi
}

# Suggests the words that begin as the one under the cursor does
_bowtie_reply()
{
	mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur")
}

# The full name of an abbreviated word, if there is just one
_bowtie_full()
{
	local word=$1 candidates
	shift
	mapfile -t candidates < <(compgen -W "$*" -- "$word")
	if [[ " $* " == *" $word "* ]]; then
		echo "$word"
	elif ((${#candidates[@]} == 1)); then
		echo "${candidates[0]}"
	fi
}

# Which device do the words so far name: behind "dev", else the first of them?
_bowtie_device_of()
{
	local i
	for ((i = 0; i < ${#words[@]} - 1; i++)); do
		if [[ ${words[i]} == dev ]]; then
			echo "${words[i + 1]}"
			return
		fi
	done
	[[ $1 != first ]] || echo "${words[0]}"
}

_bowtie_link()
{
	case $command in
	show | delete)
		((n > 1)) || _bowtie_reply "$(_bowtie_devices)"
		;;
	add)
		((n == 1)) || _bowtie_reply "$_bowtie_link_settings up"
		;;
	set)
		if ((n == 1)); then
			_bowtie_reply "$(_bowtie_devices)"
		else
			_bowtie_reply "$_bowtie_link_settings up down"
		fi
		;;
	esac
}

_bowtie_tunnel()
{
	local dev shift=0
	[[ ${words[0]} != dev ]] || shift=1
	dev=$(_bowtie_device_of first)
	case $command:$((n - shift)) in
	*:1)
		((shift)) || set -- dev
		[[ $command != show ]] || set -- "$@" "$(_bowtie_tunnels)"
		_bowtie_reply "$(_bowtie_devices) $*"
		;;
	show:2 | set:2 | delete:2 | replace:2)
		_bowtie_reply "$(_bowtie_tunnels "$dev")"
		;;
	add:* | set:* | replace:*)
		_bowtie_reply "$_bowtie_tunnel_settings up down drain"
		;;
	esac
}

_bowtie_route()
{
	local dev
	dev=$(_bowtie_device_of)
	case $prev:$command in
	dev:*)		_bowtie_reply "$(_bowtie_devices)" ;;
	tunnel:*)	_bowtie_reply "$(_bowtie_tunnels "$dev")" ;;
	weight:* | tier:*) ;;
	*:show)		_bowtie_reply "dev tunnel $(_bowtie_ask dst route)" ;;
	*:get)		((n == 1)) || _bowtie_reply "dev" ;;
	*:flush)	((n > 1)) || _bowtie_reply "dev $(_bowtie_devices)" ;;
	*:add)		((n == 1)) || _bowtie_reply "dev tunnel weight tier" ;;
	*:change | *:replace)
		if ((n == 1)); then
			_bowtie_reply "$(_bowtie_ask dst route)"
		else
			_bowtie_reply "dev tunnel weight tier"
		fi
		;;
	*:delete)
		if ((n == 1)); then
			_bowtie_reply "$(_bowtie_ask dst route)"
		else
			_bowtie_reply "dev"
		fi
		;;
	esac
}

_bowtie_sa()
{
	case $prev in
	dev)	_bowtie_reply "$(_bowtie_devices)" ;;
	tunnel)	_bowtie_reply "$(_bowtie_tunnels "$(_bowtie_device_of)")" ;;
	*)	_bowtie_reply "dev tunnel" ;;
	esac
}

_bowtie_config()
{
	if [[ $prev == socket || $command != reload ]]; then
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
	fi
	if [[ $prev != socket && $command != check && (-z $cur || socket == "$cur"*) ]]; then
		COMPREPLY+=(socket)
	fi
}

_bowtie_commands()
{
	case $1 in
	link)	echo "show add set delete help" ;;
	tunnel)	echo "show add replace set delete help" ;;
	route)	echo "show add change replace delete get flush help" ;;
	sa)	echo "show help" ;;
	config)	echo "check diff reload help" ;;
	esac
}

# Words behind the options: object, command, and what belongs to it
_bowtie_words()
{
	local object command commands n
	object=$(_bowtie_full "${words[0]}" "$_bowtie_objects")
	case ${#words[@]}:$object in
	1:*)			_bowtie_reply "$_bowtie_objects"; return ;;
	*:monitor)		_bowtie_reply "all link tunnel route sa help"; return ;;
	2:status | 2:showconf)	_bowtie_reply "$(_bowtie_devices) help"; return ;;
	esac
	commands=$(_bowtie_commands "$object")
	if ((${#words[@]} == 2)); then
		_bowtie_reply "$commands"
		return
	fi
	command=$(_bowtie_full "${words[1]}" "$commands")
	words=("${words[@]:2}")
	n=${#words[@]}
	if [[ $object == tunnel || $object == link ]] && ((n > 2)) &&
		[[ -n ${_bowtie_values[$prev]+set} ]]; then
		_bowtie_reply "${_bowtie_values[$prev]}"
	elif [[ -n $command && $command != help ]]; then
		"_bowtie_$object"
	fi
}

_bowtie()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} i
	local words=() _bowtie_netns=()

	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-n | -ne*)
			((++i == COMP_CWORD)) ||
				_bowtie_netns=(-n "${COMP_WORDS[i]}")
			;;
		-b | -ba*)	((++i)) ;;
		-*)		;;
		*)		break ;;
		esac
	done
	words=("${COMP_WORDS[@]:i:COMP_CWORD - i + 1}")
	if ((i > COMP_CWORD)); then
		case $prev in
		-n*)	_bowtie_reply "$(ls /run/netns 2>/dev/null)" ;;
		*)	mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
		esac
	elif ((i == COMP_CWORD)) && [[ $cur == -* ]]; then
		_bowtie_reply "$_bowtie_options"
	else
		_bowtie_words
	fi
}

complete -F _bowtie bowtie
