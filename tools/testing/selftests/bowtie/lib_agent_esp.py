# SPDX-License-Identifier: GPL-2.0-only
"""Commands of the agent: ESP made up by hand, for SAs of the algorithm "null" of
lib_ipsec.sh. What is inside has no mark, since anyone can read it."""
import os

import lib_packet as pkt
from lib_agent import AgentError, command, injector, options


def _key(spi):
    """as sa_algorithm makes it"""
    return spi.to_bytes(4, "big") * 5


def _inner(kind, src, dst):
    """what to put into the ESP: (bytes, next header or None)"""
    whole = pkt.ip(src, dst, pkt.UDP, pkt.udp(src, dst, 7000, 7777, b"x" * 64))
    v6 = ":" in src
    if kind == "good":
        return whole, None
    if kind == "version":  # a header that says the other version
        return bytes((whole[0] ^ 0x20,)) + whole[1:], 41 if v6 else 4
    if kind == "family":  # the next header says the other family
        return whole, 4 if v6 else 41
    if kind == "short":
        return whole[:30 if v6 else 12], 41 if v6 else 4
    if kind == "ihl":
        return bytes((0x4F,)) + whole[1:24], 4
    if kind == "ihl0":
        return bytes((0x42,)) + whole[1:], 4
    if kind == "empty":
        return b"", 4
    if kind == "dummy":  # traffic flow confidentiality (RFC 4303, 2.6)
        return whole, 59
    if kind == "udp":  # transport mode
        return whole[40 if v6 else 20:], pkt.UDP
    raise AgentError(f"no kind {kind}")


@command
def esp_send(source, outer_src, outer_dst, spi, seq, src, dst, *words):
    """INJECTOR OUTER_SRC OUTER_DST SPI SEQ SRC DST [kind=KIND cut=N icv=bad count=N]: ESP of
    the SA with this SPI; cut: bytes of it that are left; SEQ grows by one for each"""
    more = options(words)
    spi, seq = int(spi, 0), int(seq)
    inner, proto = _inner(more.get("kind", "good"), src, dst)
    for i in range(more.get("count", 1)):
        body = pkt.esp_null_sha1(spi, seq + i, inner, _key(spi), proto, more.get("cut"))
        if more.get("icv") == "bad":
            body = body[:-1] + bytes((body[-1] ^ 1,))
        injector(source).send(pkt.ip(outer_src, outer_dst, pkt.ESP, body))


@command
def esp_noise(source, outer_src, outer_dst, spi, seq, count):
    """INJECTOR OUTER_SRC OUTER_DST SPI SEQ COUNT: that many packets of the SA, of random
    bytes and any length from none to 200"""
    head = int(spi, 0).to_bytes(4, "big") + int(seq).to_bytes(4, "big")
    for i in range(int(count)):
        injector(source).send(pkt.ip(outer_src, outer_dst, pkt.ESP,
                                     (head + os.urandom(200))[:i % 200]))
