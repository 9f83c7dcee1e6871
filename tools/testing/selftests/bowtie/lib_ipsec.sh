# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# ESP SAs by hand, and peers made of the kernel's own xfrm interfaces.
# Sourced by lib.sh.
#
# Both ends of an SA derive its keys from the SPI, so that no key needs to be
# handed around. Fine for a test, and for nothing else.

# Algorithms known to sa_add: gcm (AES-128-GCM) gcm256 sha1 sha256 sha384 sha512
# (each with AES-128-CBC) chacha (ChaCha20-Poly1305); and null (no encryption,
# HMAC-SHA1), whose packets the agent can make up
# shellcheck disable=SC2034 # for the tests
readonly SA_ALGORITHMS="gcm gcm256 sha1 sha256 sha384 sha512 chacha"

SA_NEXT_SPI=$((0x1000))

# sa_algorithm VAR ALG SPI: puts the words for "ip xfrm state" into VAR
sa_algorithm()
{
	local key
	printf -v key '%08x' "$3" "$3" "$3" "$3"
	key+=$key$key$key
	case $2 in
	gcm)	printf -v "$1" 'aead rfc4106(gcm(aes)) 0x%.40s 128' "$key" ;;
	gcm256)	printf -v "$1" 'aead rfc4106(gcm(aes)) 0x%.72s 128' "$key" ;;
	chacha)	printf -v "$1" 'aead rfc7539esp(chacha20,poly1305) 0x%.72s 128' "$key" ;;
	sha1)	printf -v "$1" 'auth-trunc hmac(sha1) 0x%.40s 96' "$key" ;;
	sha256)	printf -v "$1" 'auth-trunc hmac(sha256) 0x%.64s 128' "$key" ;;
	sha384)	printf -v "$1" 'auth-trunc hmac(sha384) 0x%.96s 192' "$key" ;;
	sha512)	printf -v "$1" 'auth-trunc hmac(sha512) 0x%.128s 256' "$key" ;;
	null)	printf -v "$1" 'auth-trunc hmac(sha1) 0x%.40s 96 enc ecb(cipher_null) ""' "$key" ;;
	*)	bail "unknown algorithm $2" ;;
	esac
	[[ $2 != sha* ]] || printf -v "$1" '%s enc cbc(aes) 0x%.32s' "${!1}" "$key"
}

# sa_new_spi VAR: an SPI that no other SA of this test has
sa_new_spi()
{
	printf -v "$1" '0x%x' $((++SA_NEXT_SPI))
}

# sa_words VAR SRC DST SPI IF_ID ALG [WORDS...]: puts a line for "ip -batch" into VAR
sa_words()
{
	local var=$1 src=$2 dst=$3 spi=$4 if_id=$5 algorithm
	sa_algorithm algorithm "$6" "$spi"
	shift 6
	[[ " $* " == *" replay-window "* ]] || set -- "$@" replay-window 32
	# af-unspec, as charon does: either inner family may use it
	printf -v "$var" '%s ' xfrm state add src "$src" dst "$dst" proto esp spi "$spi" \
		reqid "$if_id" mode tunnel if_id "$if_id" "$algorithm" flag af-unspec "$@"
}

# sa_add NS SRC DST SPI IF_ID ALG [WORDS...]: one SA in one namespace. WORDS go
# to "ip xfrm state add" (encap espinudp 4500 4500 0.0.0.0, replay-window 0,
# limit packet-hard 10, flag esn, ...)
sa_add()
{
	local ns=$1 line
	shift
	sa_words line "$@"
	ip -n "$ns" -batch - <<<"$line"
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
	local ns_a=$1 a=$2 ns_b=$3 b=$4 id_a=${5%:*} id_b=${5#*:} alg=$6 in out
	shift 6
	sa_new_spi SPI_AB
	sa_new_spi SPI_BA
	sa_words in "$b" "$a" "$SPI_BA" "$id_a" "$alg" "$@"
	sa_words out "$a" "$b" "$SPI_AB" "$id_a" "$alg" "$@"
	# Inbound first: nothing may arrive for an SA that is not there yet
	if ! { sa_add "$ns_b" "$a" "$b" "$SPI_AB" "$id_b" "$alg" "$@" &&
		ip -n "$ns_a" -batch - <<<"$in"$'\n'"$out" &&
		sa_add "$ns_b" "$b" "$a" "$SPI_BA" "$id_b" "$alg" "$@"; }; then
		bail "cannot add the SAs between $a and $b"
	fi
}

# sa_pair_del NS_A ADDR_A NS_B ADDR_B SPI_AB SPI_BA
sa_pair_del()
{
	local ns
	for ns in "$1" "$3"; do
		ip -n "$ns" -batch - <<-EOF
			xfrm state delete src $2 dst $4 proto esp spi $5
			xfrm state delete src $4 dst $2 proto esp spi $6
		EOF
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
	xfrm_policy_lines "$2" "$3" "$4" | ip -n "$1" -batch - ||
		bail "cannot add xfrm policies in $1"
}

# xfrm_policy_lines IF_ID LOCAL REMOTE: the same for "ip -batch"
xfrm_policy_lines()
{
	local if_id=$1 local=$2 remote=$3 dir any src dst
	for any in 0.0.0.0/0 ::/0; do
		for dir in out in fwd; do
			src=$remote dst=$local
			[[ $dir != out ]] || src=$local dst=$remote
			echo xfrm policy add src $any dst $any dir $dir if_id "$if_id" \
				tmpl src "$src" dst "$dst" proto esp reqid "$if_id" mode tunnel
		done
	done
}

# xfrm_peer NS DEV IF_ID LOCAL REMOTE UNDERLAY ADDRS: the far end of a tunnel as
# an ordinary host has it: an xfrm interface DEV over UNDERLAY, with policies
# and the inside addresses ADDRS
xfrm_peer()
{
	local ns=$1
	shift
	xfrm_peer_lines "$@" | ip -n "$ns" -batch - || bail "cannot create $1"
}

# xfrm_peer_lines DEV IF_ID LOCAL REMOTE UNDERLAY ADDRS: the same for "ip -batch"
xfrm_peer_lines()
{
	echo "link add $1 type xfrm dev $5 if_id $2"
	xfrm_policy_lines "$2" "$3" "$4"
	addr_lines "$1" "$6"
	echo "link set $1 up"
}

# xfrm_stat NS COUNTER: from /proc/net/xfrm_stat, e.g. XfrmInNoPols
xfrm_stat()
{
	# shellcheck disable=SC2016 # awk's own $
	in_ns "$1" awk -v name="$2" '$1 == name { print $2 }' /proc/net/xfrm_stat
}
