#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Where the instructions of a packet go: kernel functions in rows, systems in columns.
#
# Usage: profile.sh [CASE...]
#	CASE as in CASES of bench.py, e.g. base:tx:100 (default: transmit and receive,
#	100 and 1400 bytes)
# From the environment:
#	SYSTEMS="plain xfrm fast"  what to look at (default: plain xfrm fast peer)
#	ROWS=40                    functions shown
#
# Each function's own instructions, of those between espgun's marks, as QEMU's plugin
# interface counts them. The tables are printed again by
#	profile_table.py build/bench/profile

set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../../../..")
out=$top/build/bench/profile

mkdir -p "$out"
rm -f "$out"/*
plugin=$top/build/bench/insnprof.so
if [[ ! $plugin -nt $here/insnprof.c ]]; then
	cc -O2 -shared -fPIC -o "$plugin" "$here/insnprof.c"
fi
export CASES=${*:-base:tx:100 base:tx:1400 base:rx:100 base:rx:1400}
export SYSTEMS=${SYSTEMS:-plain xfrm fast peer}
export PROFILE=1 OUT=$out
"$here/bench.sh" --qemu-arg=-plugin --qemu-arg="$plugin,out=$out/counts"
"$here/profile_table.py" "$out" "${ROWS:-40}"
