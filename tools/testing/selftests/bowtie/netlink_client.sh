#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 120
#
# libbowtie against the module: netlink_client.c, which is compiled here.

. "$(dirname "$0")/lib.sh"

build()
{
	local libs
	libs=$(pkg-config --libs libnl-genl-3.0 libnl-3.0 json-c) || return 1
	# shellcheck disable=SC2046,SC2086 # words
	gcc -std=gnu11 -g -D_GNU_SOURCE -Wall -Wextra -I"$BOWTIE_TOP/userspace/lib" \
		-I"$BOWTIE_TOP/include/uapi" $(pkg-config --cflags libnl-3.0) \
		-o "$TEST_TMP/netlink_client" "$BOWTIE_SELFTESTS/netlink_client.c" \
		"$BOWTIE_TOP/build/userspace/libbowtie.a" $libs
}

log_init
need_cmd gcc pkg-config
setup_ns GW
expect "the test program compiles" build
in_ns "$GW" "$TEST_TMP/netlink_client" "$BOWTIE_KO" >"$TEST_TMP/out"
status=$?
while read -r line; do
	case $line in
	"ok "*)		pass "${line#* - }" ;;
	"not ok "*)	fail "${line#* - }" ;;
	*)		diag "${line#\# }" ;;
	esac
done <"$TEST_TMP/out"
expect_eq "it ran to its end" "$status $(grep -c '^# ran ' "$TEST_TMP/out")" "0 1"
done_testing
