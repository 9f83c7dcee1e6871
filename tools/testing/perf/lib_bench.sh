# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: GPL-2.0-only
#
# What the two benchmarks of failover have in common: they are no tests, so there is no TAP;
# they leave files in $OUT. Sourced first. HERE is the directory.

# shellcheck source-path=SCRIPTDIR/../selftests/bowtie
. "$HERE/../selftests/bowtie/lib.sh"
# shellcheck source-path=SCRIPTDIR/../selftests/bowtie
. "$BOWTIE_SELFTESTS/lib_lab.sh"
# shellcheck source-path=SCRIPTDIR
. "$HERE/lib_cuts.sh"

: "${OUT:=$BOWTIE_TOP/build/bench}"

# As failover.py's status
readonly STOOD_STILL=3

bail()
{
	printf '\n%s: %s\n' "$(basename "$0" .sh)" "$*" >&2
	exit 1
}

diag()
{
	printf '%s\n' "$*" >&2
}

# bench_begin: sets TOP, a directory that goes at the end
bench_begin()
{
	TOP=$(mktemp -d /tmp/failover.XXXXXX) || bail "no temporary directory"
	defer rm -rf "$TOP"
	trap run_deferred EXIT
	TAP_DONE=1
	modprobe -a xfrm_user esp4 esp6 ip_tunnel xfrm4_tunnel xfrm_interface ||
		bail "kernel modules are missing"
	[[ -d /sys/module/bowtie ]] || insmod "$BOWTIE_KO" || bail "cannot load $BOWTIE_KO"
	mkdir -p "$OUT"
}

# bowtie_start [BGP-KEYS [KEYS]]: of all tunnels
bowtie_start()
{
	mkdir -p "$LAB/gw"
	gw_config | sed -e "s/keepalive: [0-9]*s/&${1:+, $1}/" \
		-e "s/^  defaults:/&${2:+\n    $2}/" >"$LAB/bowtie.yaml"
	mv "$LAB/bowtie.yaml" "$LAB/gw/bowtie.yaml"
	gw_start
	bg in_ns "$GW" bowtie -ts monitor tunnel >"$LAB/gw.monitor"
}

# keep_seen NAME: what was seen in a trial, in $OUT/NAME
keep_seen()
{
	mkdir -p "$OUT/$1"
	cp "$LAB"/*.events "$LAB"/*.received "$LAB"/*.monitor "$LAB/stalls" "$LAB/trace" \
		"$LAB/times.json" "$OUT/$1"
}
