#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 600
#
# As datapath.sh, by the kernel's own ESP.

ESP_MODE=xfrm
. "$(dirname "$0")/datapath.sh"
