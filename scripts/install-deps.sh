#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Installs the Debian packages that building, testing and the demo need, as far
# as they are missing. See --help.

set -euo pipefail

usage()
{
	cat <<'EOT'
Usage: scripts/install-deps.sh [--check] [GROUP...]

Installs missing Debian packages; says what and why before. Needs root only
when something is missing. Without GROUP: all but lint
and bench.

  build   compilers, kernel headers, libraries
  vm      QEMU and the kernel that scripts/vm boots
  peers   strongSwan and BIRD, the far ends in tests and demo (their services
          are neither started nor enabled)
  test    tools that the tests call
  bench   gnuplot, for the picture of "make bench"
  lint    the kernel's source, only for checkpatch.pl (140 MB)

  --check   only tell what is missing (exit status 1 if anything is)
EOT
}

declare -A why=(
	[build]="to build the module and the programs"
	[vm]="to run a test kernel in QEMU (scripts/vm); this machine's own kernel stays the one it boots unless the boot loader picks the newest"
	[peers]="IKE and BGP far ends of the tests and the demo; not started, not enabled"
	[test]="called by the tests"
	[bench]="for the picture of make bench"
	[lint]="for checkpatch.pl"
)
declare -A packages=(
	[build]="gcc make binutils pkg-config sparse linux-headers-amd64 libnl-3-dev
		libnl-genl-3-dev libevent-dev libyaml-dev libjson-c-dev
		libcmocka-dev libsystemd-dev"
	[vm]="qemu-system-x86 linux-image-amd64 busybox-static cpio kmod xz-utils zstd"
	[peers]="strongswan-swanctl strongswan-charon charon-systemd
		libcharon-extra-plugins libstrongswan-extra-plugins
		libstrongswan-standard-plugins bird2"
	[test]="iproute2 iputils-ping nftables iptables tcpdump jq iperf3 ethtool conntrack
		python3 python3-yaml python3-scapy socat codespell shellcheck procps
		clang libclang-rt-14-dev"
	[bench]="gnuplot-nox"
	[lint]="linux-source-6.1"
)

die()
{
	echo "install-deps: $*" >&2
	exit 1
}

# A module for the running kernel can be loaded here: its headers, too
running_kernel_headers()
{
	local name
	name=linux-headers-$(uname -r)
	[[ -d /lib/modules/$(uname -r)/kernel ]] || return 0
	apt-cache show "$name" >/dev/null 2>&1 && echo "$name"
	return 0
}

installed()
{
	[[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# Sets missing (all packages) and prints them by group
find_missing()
{
	local group package list

	missing=()
	for group in "$@"; do
		list=()
		for package in ${packages[$group]}; do
			installed "$package" || list+=("$package")
		done
		((${#list[@]})) || continue
		echo "install-deps: ${why[$group]}: ${list[*]}"
		missing+=("${list[@]}")
	done
}

apt()
{
	DEBIAN_FRONTEND=noninteractive apt-get -q -o Dpkg::Use-Pty=0 \
		-o DPkg::Lock::Timeout=300 "$@"
}

# Old lists name packages that the mirrors no longer have
install_missing()
{
	local log
	log=$(mktemp)
	if apt install -y --no-install-recommends "${missing[@]}" >"$log" 2>&1; then
		rm "$log"
		return
	fi
	echo "install-deps: trying again with fresh package lists"
	if ! { apt update && apt install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
		grep -E '^(E|W|Err):?' "$log" | tail -n 15 >&2 || tail -n 15 "$log" >&2
		rm "$log"
		die "could not install the packages (no network, or no such packages in the configured archives?)"
	fi
	rm "$log"
}

# Packages of services start and enable them. Starting is forbidden by a
# policy for the duration; what got enabled is disabled again.
policy=/usr/sbin/policy-rc.d
forbid_services()
{
	enabled_before=$(enabled_units)
	[[ ! -e $policy ]] || return 0
	trap 'rm -f "$policy"' EXIT
	printf '#!/bin/sh\n# for the duration of Bowtie'"'"'s install-deps.sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
}

enabled_units()
{
	find /etc/systemd/system -name '*.service' -path '*.wants/*' -printf '%f\n' \
		2>/dev/null | sort -u
}

disable_new_services()
{
	local unit
	command -v systemctl >/dev/null || return 0
	for unit in $(comm -13 <(echo "$enabled_before") <(enabled_units)); do
		echo "install-deps: disabling $unit"
		systemctl disable --quiet "$unit" 2>/dev/null ||
			echo "install-deps: could not disable $unit" >&2
	done
}

main()
{
	local check='' group groups=()

	for group in "$@"; do
		case $group in
		-h | --help) usage; exit 0 ;;
		--check)     check=1 ;;
		*)
			[[ -v packages[$group] ]] || die "unknown group '$group' (see --help)"
			groups+=("$group")
			;;
		esac
	done
	((${#groups[@]})) || groups=(build vm peers test)
	command -v dpkg-query >/dev/null || die "this script knows Debian only; needed are: ${packages[*]}"

	packages[build]+=" $(running_kernel_headers)"
	find_missing "${groups[@]}"
	((${#missing[@]})) || exit 0
	[[ -z $check ]] || exit 1
	[[ $(id -u) -eq 0 ]] || die "packages are missing and only root can install them:
  sudo apt-get install --no-install-recommends ${missing[*]}"
	forbid_services
	install_missing
	disable_new_services
	find_missing "${groups[@]}" >/dev/null
	((${#missing[@]} == 0)) || die "still missing: ${missing[*]}"
	echo "install-deps: done"
}

main "$@"
