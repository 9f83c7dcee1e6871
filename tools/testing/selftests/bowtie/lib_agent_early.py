# SPDX-License-Identifier: GPL-2.0-only
"""Commands of the agent: ESP that only IP can make sense of, and many packets of one flow
at once, for SAs of the algorithm "null" of lib_ipsec.sh."""
import struct

import lib_packet as pkt
from lib_agent import AgentError, command, deadline_loop, injector, sniffer
from lib_agent_esp import _key
from lib_esp import numbered


def _esp(spi, seq, src, dst, size=60):
    spi = int(spi, 0)
    inner = numbered(seq, size, src, dst)
    return pkt.esp_null_sha1(spi, seq, inner, _key(spi))


def _with_options(src, dst, esp):
    """no-operation four times; or PadN in a header of destination options"""
    if ":" in src:
        return pkt.ip(src, dst, 60, bytes((pkt.ESP, 0, 1, 4, 0, 0, 0, 0)) + esp)
    return pkt.ip(src, dst, pkt.ESP, esp, options=b"\1" * 4)


@command
def esp_odd(source, outer_src, outer_dst, spi, seq, src, dst, how):
    """INJECTOR OUTER_SRC OUTER_DST SPI SEQ SRC DST HOW: one packet, which is plain, or has
    options, bytes behind its end, is in fragments, or has a wrong sum of the IPv4 header (csum)
    or of ESP (icv)"""
    esp = _esp(spi, int(seq), src, dst, 200)
    if how == "icv":
        esp = esp[:-1] + bytes((esp[-1] ^ 1,))
    packet = pkt.ip(outer_src, outer_dst, pkt.ESP, esp)
    pieces = {
        "plain": lambda: [packet],
        "icv": lambda: [packet],
        "options": lambda: [_with_options(outer_src, outer_dst, esp)],
        "trailing": lambda: [packet + bytes(7)],
        "fragments": lambda: pkt.fragments(packet, 64, int(seq)),
        "csum": lambda: [packet[:10] + bytes((packet[10] ^ 1,)) + packet[11:]],
    }
    for piece in pieces[how]():
        injector(source).send(piece)


@command
def esp_burst(source, sink, outer_src, outer_dst, spi, seq, src, dst, count):
    """INJECTOR SNIFFER OUTER_SRC OUTER_DST SPI SEQ SRC DST COUNT: that many packets of one
    flow as fast as can be; all must come, and in their order"""
    first, count = int(seq), int(count)
    packets = [pkt.ip(outer_src, outer_dst, pkt.ESP, _esp(spi, first + i, src, dst))
               for i in range(count)]
    where = sniffer(sink)
    for packet in packets:
        injector(source).send(packet)
    numbers = []
    for left in deadline_loop(f"{count} packets to come"):
        where.read(min(left, 0.5))
        numbers = [struct.unpack_from("!I", data, 48 if data[0] >> 4 == 6 else 28)[0]
                   for data in where.packets if pkt.Packet(data).proto == pkt.UDP]
        if len(numbers) >= count:
            break
    if numbers != list(range(first, first + count)):
        wrong = sum(b != a + 1 for a, b in zip(numbers, numbers[1:]))
        raise AgentError(f"{len(numbers)} packets came, {wrong} of them not behind the one before")
    return count
