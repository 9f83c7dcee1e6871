#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# "make bench": bench.py in the guest for instruction counts, cpus.py in one with two CPUs,
# and the picture of it all. Results in build/bench.
#
# Usage: bench.sh [VM-OPTION...]; see bench.py for what the environment chooses. With
# QUICK=1, CASES or PROFILE only the first of the three; CPUS=1 and CPUS=0 decide about the
# second.

set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../../../..")
: "${OUT:=$top/build/bench}"
export CASES=${CASES:-} QUICK=${QUICK:-} PROFILE=${PROFILE:-}

# guest OPTION... -- PROGRAM [ARG...]
guest()
{
	local variables=() name
	for name in CASES SYSTEMS QUICK PACKETS PROFILE TRIALS; do
		variables+=(--env "$name")
	done
	"$top/scripts/vm" --timeout 3000 --for-module "$top/kmod/bowtie.ko" "${variables[@]}" \
		--env "PATH=$top/build/userspace:$PATH" "$@" --module "$top/kmod/bowtie.ko" --out "$OUT"
}

make -s -C "$top/userspace" bench-programs
mkdir -p "$OUT"
status=0
guest --icount "$@" -- "$here/bench.py" --espgun "$top/build/userspace/espgun" || status=$?
if [[ ${CPUS:-} == 1 || (${CPUS:-} != 0 && -z $CASES$QUICK$PROFILE) ]]; then
	echo
	guest --cpus 2 -- "$here/cpus.py" || status=$?
fi
if [[ -z $PROFILE ]] && command -v gnuplot >/dev/null; then
	"$here/plot.py" "$OUT/esp.json" "$OUT/esp.svg" || status=$?
fi
exit "$status"
