#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The kernel's checkpatch.pl --strict over the module, the programs and the
# headers; every finding fails. What it gets wrong
# in single files is listed in checkpatch.waivers.
#
# Usage: scripts/checkpatch.sh [FILE...]; CHECKPATCH names the script, if it
# is none of a kernel source in /usr/src or of installed headers.

set -euo pipefail
cd "$(dirname "$0")/.."
# Its cache of names lands in the current directory
trap 'rm -f .checkpatch-camelcase.*' EXIT

# Not for code outside the kernel's tree
ignore=(
	FILE_PATH_CHANGES	# MAINTAINERS is the kernel's
	CONSTANT_COMPARISON	# misreads "#if LINUX_VERSION_CODE < KERNEL_VERSION()"
	LINUX_VERSION_CODE	# check-layering.sh knows where it may be
	COMPLEX_MACRO		# tables and for_each macros
	MACRO_ARG_REUSE
	PREFER_KERNEL_TYPES
	UNCOMMENTED_DEFINITION	# of locks: kernel-doc says what they protect
)
# and not for programs either
ignore_userspace=(
	PREFER_DEFINED_ATTRIBUTE_MACRO	# they are the kernel's
	ENOSYS USE_NEGATIVE_ERRNO
	NEW_TYPEDEFS			# callbacks of libraries
	STRCPY STRLCPY STRNCPY SSCANF_TO_KSTRTO
	CONSTANT_CONVERSION
	EMBEDDED_FUNCTION_NAME		# messages name commands, not functions
)
# and tests quote what others say, word for word
ignore_tests=(
	LONG_LINE LONG_LINE_STRING SPLIT_STRING OPEN_ENDED_LINE QUOTED_WHITESPACE_BEFORE_NEWLINE
	CAMELCASE			# names of libraries
	STATIC_CONST_CHAR_ARRAY		# a template for mkstemp()
)

# From the source archive only the script and its word lists are needed
unpack_from()
{
	local dir=build/checkpatch top
	if [[ ! -x $dir/checkpatch.pl ]]; then
		top=$(basename "$1" .tar.xz)
		rm -rf "$dir.new"
		mkdir -p "$dir.new"
		tar -xJf "$1" -C "$dir.new" --strip-components=2 "$top/scripts/checkpatch.pl" \
			"$top/scripts/spelling.txt" "$top/scripts/const_structs.checkpatch" || return 1
		mv "$dir.new" "$dir"
	fi
	echo "$dir/checkpatch.pl"
}

find_checkpatch()
{
	local file
	for file in "${CHECKPATCH:-}" /usr/src/linux-source-*/scripts/checkpatch.pl \
		/lib/modules/*/build/scripts/checkpatch.pl \
		/lib/modules/*/source/scripts/checkpatch.pl; do
		[[ -n $file && -f $file ]] && echo "$file" && return 0
	done
	for file in /usr/src/linux-source-*.tar.xz; do
		[[ -f $file ]] && unpack_from "$file" && return 0
	done
	return 1
}

join()
{
	local IFS=,
	echo "$*"
}

# check IGNORED FILE...
check()
{
	local ignored=$1
	shift
	(($#)) || return 0
	perl "$checkpatch" --no-tree --strict --terse --show-types --no-summary \
		--max-line-length=100 --ignore "$ignored" -f "$@" 2>/dev/null |
		grep -E ': (ERROR|WARNING|CHECK):' | without_waived || :
}

without_waived()
{
	awk 'NR == FNR { if ($1 !~ /^#/) waived[$1 " " $2]; next }
		{ split($1, place, ":"); split($2, type, ":") }
		!((place[1] " " type[2]) in waived)' scripts/checkpatch.waivers -
}

if ! checkpatch=$(find_checkpatch); then
	echo "checkpatch: skipped: no checkpatch.pl (scripts/install-deps.sh lint, or CHECKPATCH=)"
	exit 0
fi
if (($#)); then
	files=("$@")
else
	# The trace header's own language is not understood
	mapfile -t files < <(find kmod userspace include tools/testing -name '*.[ch]' \
		! -name '*.mod.c' ! -name trace.h ! -path '*/generated/*' 2>/dev/null | sort)
fi
kernel=() programs=() tests=()
for file in "${files[@]}"; do
	case $file in
	tools/testing/*) tests+=("$file") ;;
	userspace/*)	 programs+=("$file") ;;
	*)		 kernel+=("$file") ;;
	esac
done
found=$({
	check "$(join "${ignore[@]}")" "${kernel[@]}"
	check "$(join "${ignore[@]}" "${ignore_userspace[@]}")" "${programs[@]}"
	check "$(join "${ignore[@]}" "${ignore_userspace[@]}" "${ignore_tests[@]}")" "${tests[@]}"
})
[[ -z $found ]] || echo "$found"
bad=$(grep -cE ': (ERROR|WARNING|CHECK):' <<<"$found" || :)
echo "checkpatch: ${#files[@]} files, $bad findings"
((bad == 0))
