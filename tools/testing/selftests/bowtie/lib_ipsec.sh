# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# ESP SAs by hand, and peers made of the kernel's own xfrm interfaces.
# Sourced by lib.sh.
#
# Both ends of an SA derive its keys from the SPI, so that no key needs to be
# handed around. Fine for a test, and for nothing else.

# Algorithms known to sa_add: gcm (AES-128-GCM) gcm256 sha1 sha256 sha384 sha512
# (each with AES-128-CBC) chacha (ChaCha20-Poly1305)
# shellcheck disable=SC2034 # for the tests
readonly SA_ALGORITHMS="gcm gcm256 sha1 sha256 sha384 sha512 chacha"

SA_NEXT_SPI=$((0x1000))

# sa_key SPI BYTES: a key as 0x...
sa_key()
{
	local block key=
	block=$(printf '%08x' "$1")
	while ((${#key} < 2 * $2)); do
		key+=$block
	done
	echo "0x${key:0:$((2 * $2))}"
}

# sa_algorithm ALG SPI: the words for "ip xfrm state"
sa_algorithm()
{
	case $1 in
	gcm)	echo "aead rfc4106(gcm(aes)) $(sa_key "$2" 20) 128" ;;
	gcm256)	echo "aead rfc4106(gcm(aes)) $(sa_key "$2" 36) 128" ;;
	chacha)	echo "aead rfc7539esp(chacha20,poly1305) $(sa_key "$2" 36) 128" ;;
	sha1)	echo "auth-trunc hmac(sha1) $(sa_key "$2" 20) 96 enc cbc(aes) $(sa_key "$2" 16)" ;;
	sha256)	echo "auth-trunc hmac(sha256) $(sa_key "$2" 32) 128 enc cbc(aes) $(sa_key "$2" 16)" ;;
	sha384)	echo "auth-trunc hmac(sha384) $(sa_key "$2" 48) 192 enc cbc(aes) $(sa_key "$2" 16)" ;;
	sha512)	echo "auth-trunc hmac(sha512) $(sa_key "$2" 64) 256 enc cbc(aes) $(sa_key "$2" 16)" ;;
	*)	bail "unknown algorithm $1" ;;
	esac
}

# sa_new_spi VAR: an SPI that no other SA of this test has
sa_new_spi()
{
	printf -v "$1" '0x%x' $((++SA_NEXT_SPI))
}

# sa_add NS SRC DST SPI IF_ID ALG [WORDS...]: one SA in one namespace. WORDS go
# to "ip xfrm state add" (encap espinudp 4500 4500 0.0.0.0, replay-window 0,
# limit packet-hard 10, flag esn, ...)
sa_add()
{
	local ns=$1 src=$2 dst=$3 spi=$4 if_id=$5 alg=$6 words
	shift 6
	read -ra words <<<"$(sa_algorithm "$alg" "$spi")"
	[[ " $* " == *" replay-window "* ]] || set -- "$@" replay-window 32
	# af-unspec, as charon does: either inner family may use it
	ip -n "$ns" xfrm state add src "$src" dst "$dst" proto esp spi "$spi" reqid "$if_id" \
		mode tunnel if_id "$if_id" "${words[@]}" flag af-unspec "$@"
}

# sa_del NS SRC DST SPI
sa_del()
{
	ip -n "$1" xfrm state delete src "$2" dst "$3" proto esp spi "$4"
}

# sa_pair NS_A ADDR_A NS_B ADDR_B IF_ID[:IF_ID_B] ALG [WORDS...]: an SA each way,
# known to both. Sets SPI_AB and SPI_BA. Called again it makes a newer pair
# beside the older one, as a rekey does.
sa_pair()
{
	local ns_a=$1 a=$2 ns_b=$3 b=$4 id_a=${5%:*} id_b=${5#*:} alg=$6
	shift 6
	sa_new_spi SPI_AB
	sa_new_spi SPI_BA
	# Inbound first: nothing may arrive for an SA that is not there yet
	if ! { sa_add "$ns_b" "$a" "$b" "$SPI_AB" "$id_b" "$alg" "$@" &&
		sa_add "$ns_a" "$b" "$a" "$SPI_BA" "$id_a" "$alg" "$@" &&
		sa_add "$ns_a" "$a" "$b" "$SPI_AB" "$id_a" "$alg" "$@" &&
		sa_add "$ns_b" "$b" "$a" "$SPI_BA" "$id_b" "$alg" "$@"; }; then
		bail "cannot add the SAs between $a and $b"
	fi
}

# sa_pair_del NS_A ADDR_A NS_B ADDR_B SPI_AB SPI_BA
sa_pair_del()
{
	local ns
	for ns in "$1" "$3"; do
		sa_del "$ns" "$2" "$4" "$5"
		sa_del "$ns" "$4" "$2" "$6"
	done
}

# sa_packets NS SPI: packets that an SA has carried
sa_packets()
{
	# The line after the heading reads "168(bytes), 2(packets)"
	ip -n "$1" -s xfrm state list spi "$2" |
		sed -n '/lifetime current/ { n; s/.* \([0-9]\+\)(packets).*/\1/p; q }'
}

# natt_sockets NS ADDR...: opens UDP port 4500 for ESP in UDP until the end of
# the test (charon's part)
natt_sockets()
{
	local ns=$1 ready=$TEST_TMP/natt.$RANDOM$RANDOM
	shift
	bg in_ns "$ns" /usr/bin/python3 "$BOWTIE_SELFTESTS/lib_natt.py" "$ready" "$@"
	busywait "$WAIT" test -e "$ready" || bail "cannot open UDP port 4500 in $ns"
}

# The words for sa_add that turn an SA into ESP in UDP
# shellcheck disable=SC2034 # for the tests
readonly -a NATT=(encap espinudp 4500 4500 0.0.0.0)

# xfrm_policies NS IF_ID LOCAL REMOTE: everything of both inner families goes
# through the SAs of IF_ID
xfrm_policies()
{
	local ns=$1 if_id=$2 local=$3 remote=$4 dir any src dst
	for any in 0.0.0.0/0 ::/0; do
		for dir in out in fwd; do
			src=$remote dst=$local
			[[ $dir != out ]] || src=$local dst=$remote
			ip -n "$ns" xfrm policy add src $any dst $any dir $dir if_id "$if_id" \
				tmpl src "$src" dst "$dst" proto esp reqid "$if_id" mode tunnel ||
				bail "cannot add xfrm policies in $ns"
		done
	done
}

# xfrm_peer NS DEV IF_ID LOCAL REMOTE UNDERLAY ADDRS: the far end of a tunnel as
# an ordinary host has it: an xfrm interface DEV over UNDERLAY, with policies
# and the inside addresses ADDRS
xfrm_peer()
{
	ip -n "$1" link add "$2" type xfrm dev "$6" if_id "$3" || bail "cannot create $2"
	xfrm_policies "$1" "$3" "$4" "$5"
	addrs "$1" "$2" "$7"
	ip -n "$1" link set "$2" up
}

# xfrm_stat NS COUNTER: from /proc/net/xfrm_stat, e.g. XfrmInNoPols
xfrm_stat()
{
	# shellcheck disable=SC2016 # awk's own $
	in_ns "$1" awk -v name="$2" '$1 == name { print $2 }' /proc/net/xfrm_stat
}
