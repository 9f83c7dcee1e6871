# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Was a function of the kernel really called, and what did it return? Sourced after lib.sh.

TRACE_PROBES=()

# probe NAME SYMBOL: begin to count the calls of SYMBOL (FUNCTION or MODULE:FUNCTION)
probe()
{
	probe_add "$1" "p:bowtie_test/$1 $2"
}

probe_add()
{
	local dir=/sys/kernel/tracing
	[[ -e $dir/kprobe_events ]] || mount -t tracefs none "$dir" ||
		bail "no tracefs in this kernel"
	# Names of tasks are not needed. For them the scheduler is patched while it runs, which under
	# QEMU's emulation now and then leaves a CPU in its breakpoint for good.
	echo 0 >"$dir/options/record-cmd"
	((${#TRACE_PROBES[@]})) || defer probes_remove
	echo "$2" >>"$dir/kprobe_events" || bail "cannot probe: $2"
	TRACE_PROBES+=("$1")
	echo 1 >"$dir/events/bowtie_test/$1/enable"
}

# probe_results NAME SYMBOL: begin to count what SYMBOL, an int, returns
probe_results()
{
	# shellcheck disable=SC2016 # the kernel's own $
	probe_add "$1" "r:bowtie_test/$1 $2 "'result=$retval:u32'
	echo 'hist:keys=result' >"/sys/kernel/tracing/events/bowtie_test/$1/trigger" ||
		bail "this kernel counts no results"
}

# probe_returned NAME RESULT: how often so far; with "!RESULT": anything else
probe_returned()
{
	awk -v wanted=$((${2#!} & 0xffffffff)) -v other="${2/[^!]*/}" '
		# "{ result: 4294966772 } hitcount:          3"
		$1 == "{" && ($3 == wanted) == (other == "") { sum += $NF }
		END { print sum + 0 }
	' "/sys/kernel/tracing/events/bowtie_test/$1/hist"
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
		# It has none if nobody counts its results; with one it could not go.
		{ echo '!hist:keys=result' >"/sys/kernel/tracing/events/bowtie_test/$name/trigger"; } \
			2>/dev/null || :
		echo 0 >"/sys/kernel/tracing/events/bowtie_test/$name/enable"
		echo "-:bowtie_test/$name" >>/sys/kernel/tracing/kprobe_events
	done
	TRACE_PROBES=()
}
