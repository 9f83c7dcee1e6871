#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A file that grew past reading holds more than one thing: over 600 lines is
# worth a warning, over 900 an error. What is generated does not count.

set -euo pipefail
cd "$(dirname "$0")/.."

find kmod userspace include tools scripts Makefile -type f \
	\( -name '*.[ch]' -o -name '*.sh' -o -name '*.py' -o -name Makefile -o -path 'scripts/*' \) \
	! -name '*.mod.c' ! -path '*/generated/*' ! -path include/uapi/linux/bowtie.h \
	-exec awk '
	FNR == 1 { files++ }
	{ lines[FILENAME]++ }
	END {
		for (file in lines) {
			if (lines[file] > 900) {
				print "check-size: ERROR: " file ": " lines[file] " lines (at most 900)"
				bad = 1
			} else if (lines[file] > 600) {
				print "check-size: warning: " file ": " lines[file] " lines (aim at 600)"
			}
		}
		print "check-size: " files " files"
		exit bad
	}' {} +
