# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The faults and events of faults.sh, each a beginning and an end. Sourced after lib_bench.sh.

# fault_trial N NAME TUNNELS BEGIN END: under traffic, until everything is as before. Leaves
# what happened in $LAB/times.json.
fault_trial()
{
	local begin_at end_at before alive=true

	flows_begin "$1"
	pause 1 # what runs undisturbed
	before=$(spis)
	begin_at=$(now_ms)
	trace_note begin
	eval "$4"
	end_at=$(now_ms)
	trace_note end
	eval "$5"
	await $((HOLD + 180)) lab_established ||
		{ lab_logs; bail "$2: the tunnels do not come back"; }
	await 60 flows_alive || alive=false
	pause "$SETTLE"
	flows_end
	cp "$TRACING/trace" "$LAB/trace"
	jq -n --arg name "$2" --arg tunnels "$3" --arg names "${TUNNEL_NAMES[*]}" \
		--arg before "$before" --arg after "$(spis)" "
		{name: \$name, tunnels: [\$tunnels | splits(\" +\") | select(. != \"\") | tonumber],
		 names: (\$names / \" \"), begin: $begin_at, fault_end: $end_at, end: $(now_ms),
		 alive: $alive, spis_before: (\$before / \"\n\"), spis_after: (\$after / \"\n\")}" \
		>"$LAB/times.json"
}

# spis: of the gateway's SAs
spis()
{
	ip -n "$GW" xfrm state | sed -n 's/.*spi \(0x[0-9a-f]*\).*/\1/p' | sort
}

# with_load FLOWS RATE CMD...
with_load()
{
	local flows=$FLOWS rate=$RATE
	FLOWS=$1 RATE=$2
	shift 2
	"$@"
	FLOWS=$flows RATE=$rate
}

# --- cuts

all_cut()
{
	local i
	for i in 0 1 2 3; do
		cut_endpoint $i
	done
}

all_mended()
{
	local i
	for i in 0 1 2 3; do
		mend_endpoint $i
	done
}

# flapping INDEX
flapping()
{
	local i
	for ((i = 0; i < FLAPS; i++)); do
		cut_endpoint "$1"
		pause 1
		mend_endpoint "$1"
		pause 1
	done
}

# --- weather: a netem for each endpoint and way, which stay: to take one away would lose
# what is in it

weather_begin()
{
	weather_on cloud0 dst
	weather_on gw0 src
}

# weather_on DEV src|dst: the endpoint's side
weather_on()
{
	local i
	{
		echo "qdisc add dev $1 root handle 1: prio bands 5" \
			"priomap 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0"
		for i in 0 1 2 3; do
			echo "qdisc add dev $1 parent 1:$((i + 2)) netem limit 10000"
			echo "filter add dev $1 parent 1: protocol ip u32" \
				"match ip $2 ${CLOUD_OUT[i]}/32 flowid 1:$((i + 2))"
		done
	} | in_ns "$NET" tc -batch - || bail "cannot set up netem"
}

# worsen INDEX WORDS...: netem's, both ways. better INDEX
worsen()
{
	local band=$(($1 + 2)) dev
	shift
	for dev in cloud0 gw0; do
		in_ns "$NET" tc qdisc change dev $dev parent 1:$band netem limit 10000 "$@" ||
			bail "cannot worsen the underlay"
	done
}

better()
{
	worsen "$1" delay 0ms
}

# --- answers of others

# answers_by INDEX OTHER: what the peer of a tunnel answers to probes comes by another one
answers_by()
{
	local near=${INSIDE[$1]}.$((INSIDE_PEER[$1] + 1)) far=${INSIDE[$1]}.${INSIDE_PEER[$1]}
	ip -n "$CLOUD" route replace "$near" dev "ipsec$2" table 99
	ip -n "$CLOUD" rule add from "$far" to "$near" ipproto icmp lookup 99 ||
		bail "cannot answer by another tunnel"
}

answers_end()
{
	local near=${INSIDE[$1]}.$((INSIDE_PEER[$1] + 1)) far=${INSIDE[$1]}.${INSIDE_PEER[$1]}
	ip -n "$CLOUD" rule delete from "$far" to "$near" ipproto icmp lookup 99
}

# attacker_begin INDEX: somebody on the internet who has recorded the endpoint's packets
# sends them again, and changed ones, and answers in plaintext
attacker_begin()
{
	bg in_ns "$NET" /usr/bin/python3 "$HERE/attacker.py" "$LAB/attacker" cloud0 \
		"${CLOUD_OUT[$1]}" "$GW_OUT" "${INSIDE[$1]}.${INSIDE_PEER[$1]}" \
		"${INSIDE[$1]}.$((INSIDE_PEER[$1] + 1))"
	ATTACKER=$BG_PID
	busywait "$WAIT" test -e "$LAB/attacker" || bail "the attacker has recorded nothing"
}

attacker_end()
{
	stop "$ATTACKER"
	rm -f "$LAB/attacker"
}

# --- rekeying

# rekey gw|cloud child|ike INDEX
rekey()
{
	local name=tunnel$3
	[[ $1 != gw ]] || name=bt_bow0_${TUNNEL_NAMES[$3]}
	lab_swanctl "$1" --rekey "--$2" "$name" >>"$LAB/rekey.log" 2>&1 ||
		bail "cannot rekey: $(tail -n 3 "$LAB/rekey.log")"
}

# rekeyed N: that many SAs have been made since $REKEY_LINE of the gateway's log
rekeyed()
{
	(($(tail -n "+$REKEY_LINE" "$LAB/gw/charon.log" |
		grep -cE '[^a-z]inbound CHILD_SA .* established|IKE_SA .* (established|rekeyed) between') >= $1))
}

# rekeys N: one after the other; each tunnel by us, then by the cloud; every fifth an IKE SA
rekeys()
{
	local i side kind
	REKEY_LINE=$(($(wc -l <"$LAB/gw/charon.log") + 1))
	for ((i = 0; i < $1; i++)); do
		((i / 4 % 2)) && side=cloud || side=gw
		((i % 5 == 4)) && kind=ike || kind=child
		rekey $side $kind $((i % 4))
		busywait 30 rekeyed $((i + 1)) || bail "rekeying $i ($kind, by $side) does not end"
	done
}

# --- what is planned

reason_is()
{
	[[ $(in_ns "$GW" bowtie -j tunnel show bow0 "$1" | jq -r '.[0].reason') == "$2" ]]
}

# drained INDEX: until its last flow has left
drained()
{
	in_ns "$GW" bowtie tunnel set bow0 "${TUNNEL_NAMES[$1]}" admin drain ||
		bail "cannot drain"
	await 60 reason_is "${TUNNEL_NAMES[$1]}" drained || bail "the drain does not end"
	pause 2
}

drain_over()
{
	in_ns "$GW" bowtie tunnel set bow0 "${TUNNEL_NAMES[$1]}" admin up
}

med_shift()
{
	cloud_says "$1" "bgp_med = 200;"
	await 30 route_width 10.2.0.0/16 3 || bail "the MED has no effect"
	pause 2
}

med_back()
{
	cloud_says "$1" ""
}

bowtied_restart()
{
	stop "$GW_DAEMON"
	gw_daemon_start
	pause 3
}

# bird_restart SIGNAL: it says goodbye to the cloud before it ends. Or "gracefully", as
# "systemctl restart bird" does with our addition to its unit.
bird_restart()
{
	if [[ $1 == gracefully ]]; then
		lab_birdc gw graceful restart >>"$LAB/birdc.log"
		await 30 not kill -0 "$GW_BIRD" || bail "BIRD does not end"
	else
		stop "$GW_BIRD" "$1"
	fi
	bird_start "$GW" gw -R
	GW_BIRD=$BIRD_PID
	pause 3
}

# charon_restart SIGNAL: until each tunnel has a new IKE SA
charon_restart()
{
	stop "$GW_CHARON" "$1"
	charon_start "$GW" gw
	GW_CHARON=$CHARON_PID
	await 90 four_ike_sas || bail "charon's SAs do not come back"
}

four_ike_sas()
{
	(($(lab_swanctl gw --list-sas |
		grep -c 'bt_bow0_aws[1-4]: #[0-9]*, ESTABLISHED, IKEv2') == 4))
}
