#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The one place that knows the version. With --full also the commit, if this is
# a git checkout.

version=0.1.0

if [ "${1:-}" = --full ]; then
	commit=$(git -C "$(dirname "$0")" describe --always --dirty --exclude '*' 2>/dev/null) &&
		version=$version-g$commit
fi
echo "$version"
