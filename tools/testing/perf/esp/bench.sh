#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Runs bench.py in the guest for instruction counts, as "make bench" does.
#
# Usage: bench.sh [VM-OPTION...]; see bench.py for what the environment chooses.

set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../../../..")
: "${OUT:=$top/build/bench}"

make -s -C "$top/userspace" bench-programs
mkdir -p "$OUT"
variables=()
for name in CASES SYSTEMS QUICK PACKETS PROFILE; do
	variables+=(--env "$name")
done
exec "$top/scripts/vm" --timeout 1800 --icount --for-module "$top/kmod/bowtie.ko" \
	--env "PATH=$top/build/userspace:$PATH" "${variables[@]}" "$@" -- \
	"$here/bench.py" --espgun "$top/build/userspace/espgun" \
	--module "$top/kmod/bowtie.ko" --out "$OUT"
