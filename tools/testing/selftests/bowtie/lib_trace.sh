# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Was a function of the kernel really called? Sourced after lib.sh.

TRACE_PROBES=()

# probe NAME SYMBOL: begin to count the calls of SYMBOL (FUNCTION or MODULE:FUNCTION)
probe()
{
	local dir=/sys/kernel/tracing
	[[ -e $dir/kprobe_events ]] || mount -t tracefs none "$dir" ||
		bail "no tracefs in this kernel"
	((${#TRACE_PROBES[@]})) || defer probes_remove
	echo "p:bowtie_test/$1 $2" >>"$dir/kprobe_events" || bail "cannot probe $2"
	TRACE_PROBES+=("$1")
	echo 1 >"$dir/events/bowtie_test/$1/enable"
}

# probe_hits NAME: how often so far
probe_hits()
{
	awk -v name="$1" '$1 == name { print $2 }' /sys/kernel/tracing/kprobe_profile
}

probes_remove()
{
	local name
	for name in "${TRACE_PROBES[@]}"; do
		echo 0 >"/sys/kernel/tracing/events/bowtie_test/$name/enable"
		echo "-:bowtie_test/$name" >>/sys/kernel/tracing/kprobe_events
	done
	TRACE_PROBES=()
}
