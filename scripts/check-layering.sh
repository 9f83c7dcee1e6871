#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Keeps the picture of the source tree true:
#  - PURE code (no packets, sockets, locks) includes no header that brings them
#  - only kmod/compat/ knows kernel versions

set -euo pipefail
cd "$(dirname "$0")/.."

status=0

# complain FILE RULE LINES
complain()
{
	status=1
	while read -r line; do
		echo "check-layering: $1:$line: $2"
	done <<<"$3"
}

# deny FILE REGEX RULE
deny()
{
	local hits
	hits=$(grep -nE "$2" "$1" | cut -c 1-120) && complain "$1" "$3" "$hits"
	return 0
}

# Files that are pure by their role, wherever they are; they have to say so
pure_by_role()
{
	find kmod userspace \( -path kmod/bucket.c -o -path kmod/fsm.c -o -name '*_wire.c' \
		-o -path userspace/daemon/reconcile.c -o -path userspace/lib/diff.c \) 2>/dev/null
}

# Files that say so near the top
pure_by_word()
{
	find kmod userspace -name '*.[ch]' -print0 2>/dev/null |
		xargs -0r awk 'FNR > 30 { nextfile } /^[ \t]*[\/*]+.*PURE:/ { print FILENAME; nextfile }'
}

count=0
while read -r file; do
	((++count))
	deny "$file" '^[ \t]*#[ \t]*include[ \t]*[<"](net/|linux/(skbuff|netdevice|spinlock|mutex|rcupdate)\.h|sys/socket\.h|event2/)' \
		'PURE code must not include this'
done < <({ pure_by_role; pure_by_word; } | sort -u)

while read -r file; do
	grep -qxF "$file" <(pure_by_word) ||
		complain "$file" "has no comment 'PURE:' near its top" 1
done < <(pure_by_role)

while read -r file; do
	deny "$file" 'LINUX_VERSION_CODE|KERNEL_VERSION[ \t]*\(|LINUX_VERSION_MAJOR' \
		'kernel versions belong to kmod/compat/'
done < <(find kmod -path kmod/compat -prune -o -name '*.[ch]' ! -name '*.mod.c' -print)

((status)) || echo "check-layering: $count pure files, all in order"
exit $status
