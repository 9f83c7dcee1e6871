# SPDX-License-Identifier: GPL-2.0-only
"""Commands of the agent: which packets fit into a tunnel."""
import struct

import lib_packet as pkt
from lib_agent import (AgentError, await_packets, command, craft_udp, deadline_loop, forget,
                       injector, seen, sniffer)

DF = 0x4000


def _esp(data):
    return (data[6] if data[0] >> 4 == 6 else data[9]) in (pkt.ESP, pkt.UDP, pkt.IPV6_FRAGMENT)


def _outside(name, dst):
    """what was sent to this outer address"""
    while sniffer(name).read():
        pass
    return [pkt.Packet(data) for data in sniffer(name).packets if _esp(data)
            and pkt.Packet(data).dst == dst]


def _lengths(packets):
    return " ".join(str(len(p.data)) for p in packets)


@command
def mtu_check(source, far, out, host, src, dst, mtu, outer, path=1500, block=4):
    """INJECTOR FAR OUT HOST SRC DST MTU OUTER [PATH [BLOCK]]: a packet of MTU bytes comes
    to the sniffer FAR as it is, and leaves OUT towards OUTER in one piece that fills PATH but
    for a block of the cipher; one byte more does not leave, and HOST is told the MTU"""
    mtu, path, block = int(mtu), int(path), int(block)
    more = {} if ":" in src else {"frag": DF}
    forget(far, out, host)
    injector(source).send(craft_udp(src, dst, size=mtu, **more))
    await_packets(far, 1, f"len={mtu}", "proto=17")
    sent = _outside(out, outer)
    if len(sent) != 1 or sent[0].frag & 0x3FFF or not path - block < len(sent[0].data) <= path:
        raise AgentError(f"{mtu} bytes left as {_lengths(sent)}, fragment {sent[0].frag:#x}")
    forget(far, out)
    injector(source).send(craft_udp(src, dst, size=mtu + 1, **more))
    if ":" in src:
        await_packets(host, 1, "proto=58", "type=2", f"mtu={mtu}")
    else:
        await_packets(host, 1, "proto=1", "type=3", "code=4", f"mtu={mtu}")
    if _outside(out, outer) or seen(far, "proto=17"):
        raise AgentError(f"{mtu + 1} bytes passed")


@command
def fragments_inside(source, far, out, src, dst, size, mtu, outer, *words):
    """INJECTOR FAR OUT SRC DST SIZE MTU OUTER [opts=N df=1]: an IPv4 packet of SIZE bytes
    arrives in fragments of at most MTU bytes, and nothing outside is a fragment"""
    more = dict(word.split("=") for word in words)
    size, mtu = int(size), int(mtu)
    forget(far, out)
    injector(source).send(craft_udp(src, dst, size=size, opts=int(more.get("opts", 0)),
                                    frag=DF if more.get("df") else 0))
    for _ in deadline_loop(f"fragments of {size} bytes"):
        sniffer(far).read(0.2)
        got = [data for data in sniffer(far).packets if data[9] == pkt.UDP]
        if sum(len(data) - (data[0] & 15) * 4 for data in got) >= size - 20 - \
                int(more.get("opts", 0)):
            break
    sent = _outside(out, outer)
    if len(got) < 2 or max(map(len, got)) > mtu:
        raise AgentError(f"arrived as {' '.join(str(len(data)) for data in got)}")
    if len(sent) != len(got) or any(p.frag & 0x3FFF for p in sent):
        raise AgentError(f"left as {_lengths(sent)}, a fragment among them or too many")
    return f"{len(got)} fragments"


@command
def esp_too_big(source, family, us, them, mtu, spi):
    """INJECTOR FAMILY US THEM MTU SPI: a router's error about ESP that we sent"""
    esp = struct.pack("!II", int(spi, 0), 1) + bytes(64)
    if int(family) == 6:
        body = struct.pack("!BBHI", 2, 0, 0, int(mtu)) + pkt.ipv6(us, them, pkt.ESP, esp)
        total = pkt.checksum(pkt.pseudo("2001:db8:1::2", us, pkt.ICMPV6, len(body)) + body)
        src, proto = "2001:db8:1::2", pkt.ICMPV6
    else:
        body = struct.pack("!BBHHH", 3, 4, 0, 0, int(mtu)) + pkt.ipv4(us, them, pkt.ESP, esp)
        total, src, proto = pkt.checksum(body), "198.51.100.2", pkt.ICMP
    body = body[:2] + struct.pack("!H", total) + body[4:]
    injector(source).send(pkt.ip(src, us, proto, body))
