# SPDX-License-Identifier: GPL-2.0-only
"""Commands of the agent: random packets, large ones for segmentation offload too, that have to
come out of the other end of a tunnel as they went in, byte by byte."""
import os
import random
import socket
import struct

import lib_packet as pkt
from lib_agent import AgentError, ETH_P, Sniffer, command, deadline_loop, open_socket, options

SOL_PACKET, PACKET_VNET_HDR = 263, 15
NEEDS_CSUM, GSO_NONE, GSO_TCPV4, GSO_TCPV6 = 1, 0, 1, 4
HOP_BY_HOP, ROUTING, DESTINATION = 0, 43, 60
FIN, PUSH, CWR = 1, 8, 128
PROTOCOLS = (1, 2, 6, 17, 33, 47, 51, 58, 89, 103, 132, 136, 253)


def _ip_options(rng):
    """a list of them, as long as it may be or shorter"""
    return rng.choice((b"", b"", b"\x94\x04\0\0", b"\x07\x07\x04" + rng.randbytes(4) + b"\0",
                       bytes((1,)) * 40, b"\x44\x0c\x0d\x01" + rng.randbytes(8)))


def _extension_headers(rng, proto):
    """(first next header, the headers)"""
    names = [name for name in (HOP_BY_HOP, DESTINATION, ROUTING, DESTINATION)
             if rng.random() < 0.2]
    out = b""
    for name, after in zip(names, names[1:] + [proto]):
        size = rng.choice((8, 8, 16, 64))
        # Pads only; and a routing header that has been used up
        body = (b"\4" + b"\0" + bytes(size - 4)) if name == ROUTING else \
            bytes((1, size - 4)) + bytes(size - 4)
        out += bytes((after, size // 8 - 1)) + body
    return (names + [proto])[0], out


def _wrap(rng, addresses, proto, payload):
    """an IP header around it, of any kind; (packet, offset of the payload)"""
    if ":" in addresses[0]:
        first, headers = _extension_headers(rng, proto)
        label = rng.getrandbits(20) | rng.getrandbits(8) << 20
        whole = pkt.ipv6(*addresses, first, headers + payload, label, rng.randrange(1, 256))
    else:
        more = _ip_options(rng)
        whole = pkt.ipv4(*addresses, proto, payload, rng.getrandbits(16), rng.choice((0, 0x4000)),
                         more, rng.randrange(1, 256))
        whole = whole[:1] + bytes((rng.getrandbits(8),)) + whole[2:10] + b"\0\0" + whole[12:]
        head = 20 + len(more)
        whole = whole[:10] + struct.pack("!H", pkt.checksum(whole[:head])) + whole[12:]
    return whole, len(whole) - len(payload)


def _plain(rng, addresses, largest):
    """any protocol, any content"""
    size = rng.choice((0, 1, 2, 3, rng.randrange(64), rng.randrange(1400), rng.randrange(1400),
                       rng.randrange(largest)))
    whole, _ = _wrap(rng, addresses, rng.choice(PROTOCOLS), rng.randbytes(size))
    return bytes(10), whole, [whole]


def _fragment(rng, addresses, largest):
    """what is a fragment already"""
    whole = pkt.ip(*addresses, pkt.UDP, rng.randbytes(rng.randrange(600, 2000)))
    piece = rng.choice(list(pkt.fragments(whole, 512, rng.getrandbits(16))))
    return bytes(10), piece, [piece]


def _tcp(rng, addresses):
    """a TCP header without checksum, with options"""
    more = rng.choice((b"", b"\1\1\x08\x0a" + rng.randbytes(8), bytes((1,)) * 40))
    flags = 16 | rng.choice((0, PUSH, FIN, FIN | PUSH, 64, CWR))
    return bytearray(struct.pack("!HHIIBBHHH", rng.getrandbits(16), rng.getrandbits(16),
                                 rng.getrandbits(32), rng.getrandbits(32),
                                 (5 + len(more) // 4) << 4, flags, rng.getrandbits(16), 0, 0) +
                     more)


def _sum(addresses, proto, length, data=b""):
    """checksum of a transport packet, or with no data what the offload starts with"""
    return pkt.checksum(pkt.pseudo(*addresses, proto, length) + data)


def _partial(rng, addresses, largest):
    """UDP whose checksum is left to the device"""
    data = rng.randbytes(rng.randrange(1400))
    head = struct.pack("!HHH", rng.getrandbits(16), rng.getrandbits(16), 8 + len(data))
    start = ~_sum(addresses, pkt.UDP, 8 + len(data)) & 0xFFFF
    total = _sum(addresses, pkt.UDP, 8 + len(data), head + b"\0\0" + data) or 0xFFFF
    whole, at = _wrap(rng, addresses, pkt.UDP, head + struct.pack("!H", start) + data)
    wanted = whole[:at + 6] + struct.pack("!H", total) + data
    return struct.pack("=BBHHHH", NEEDS_CSUM, GSO_NONE, 0, 0, at, 6), whole, [wanted]


def _segment(whole, at, head, place, piece, more):
    """what segmentation makes of a part of a large packet"""
    size = at + len(head) + len(piece)
    if whole[0] >> 4 == 6:
        outer = whole[:4] + struct.pack("!H", size - 40) + whole[6:at]
    else:
        ident = struct.unpack_from("!H", whole, 4)[0] + place["number"]
        outer = whole[:2] + struct.pack("!HH", size, ident & 0xFFFF) + whole[6:10] + b"\0\0" + \
            whole[12:at]
        outer = outer[:10] + struct.pack("!H", pkt.checksum(outer)) + outer[12:]
    head = bytearray(head)
    seq, = struct.unpack_from("!I", head, 4)
    struct.pack_into("!I", head, 4, seq + place["offset"] & 0xFFFFFFFF)
    head[13] &= ~(FIN | PUSH) if more else 0xFF
    head[13] &= ~CWR if place["number"] else 0xFF
    total = _sum(place["addresses"], pkt.TCP, len(head) + len(piece), bytes(head) + piece)
    struct.pack_into("!H", head, 16, total)
    return outer + bytes(head) + piece


def large(rng, addresses, largest):
    """TCP to be segmented"""
    mss = rng.choice((rng.randrange(8, 100), rng.randrange(100, 1300), 1200))
    data = rng.randbytes(mss * rng.randrange(1, min(45, 50000 // mss)) + rng.randrange(1, mss + 1))
    head = _tcp(rng, addresses)
    start = ~_sum(addresses, pkt.TCP, len(head) + len(data)) & 0xFFFF
    struct.pack_into("!H", head, 16, start)
    whole, at = _wrap(rng, addresses, pkt.TCP, bytes(head) + data)
    struct.pack_into("!H", head, 16, 0)
    kind = GSO_TCPV6 if ":" in addresses[0] else GSO_TCPV4
    wanted = [_segment(whole, at, head, {"number": offset // mss, "offset": offset,
                                         "addresses": addresses},
                       data[offset:offset + mss], offset + mss < len(data))
              for offset in range(0, len(data), mss)]
    return struct.pack("=BBHHHH", NEEDS_CSUM, kind, at + len(head), mss, at, 16), whole, wanted


def any_packet(rng, addresses, largest):
    """(virtio_net header, packet, what has to come of it)"""
    make = rng.choice((_plain, _plain, _plain, _fragment, _partial, large, large))
    return make(rng, addresses, largest)


@command
def random_packets(ns, dev, sink_ns, sink_dev, name, count, *words):
    """NS DEV SINK_NS SINK_DEV SEED COUNT src4=.. dst4=.. src6=.. dst6=.. [largest=N cloned=1]:
    into DEV, and out of SINK_DEV the same; how many packets that were"""
    more = options(words)
    rng = random.Random(name)
    pairs = [(more["src4"], more["dst4"]), (more["src6"], more["dst6"])]
    sink = Sniffer(sink_ns, sink_dev)
    # Another one that wants to see what is sent makes it a clone
    tap = Sniffer(ns, dev) if more.get("cloned") else None
    # bow0 and xfrm interfaces have no link layer: a packet begins with its IP header
    source = open_socket(ns, socket.AF_PACKET, socket.SOCK_RAW)
    source.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    os.sched_setaffinity(0, {0})
    try:
        total = sum(_one(rng, source, dev, sink, pairs, number, more)
                    for number in range(int(count)))
    finally:
        os.sched_setaffinity(0, range(os.cpu_count()))
        for sock in [one.sock for one in (sink, tap) if one] + [source]:
            sock.close()
    return total


def _one(rng, source, dev, sink, pairs, number, more):
    addresses = rng.choice(pairs)
    head, packet, wanted = any_packet(rng, addresses, int(more.get("largest", 1300)))
    what = f"packet {number}, {len(packet)} bytes from {addresses[0]}"
    come = []
    source.sendto(head + packet, (dev, ETH_P[packet[0] >> 4 == 6]))
    # Neighbours and multicast listeners may say something, too
    ends = b"".join(map(pkt.address, addresses))
    for left in deadline_loop(f"{what}: {len(come)} of {len(wanted)} have come", 10):
        come += [data for data in sink.packets if ends in (data[8:40], data[12:20])]
        sink.packets.clear()
        if len(come) >= len(wanted):
            break
        sink.read(min(left, 0.5))
    for place, (got, should) in enumerate(zip(come, wanted)):
        if got != should:
            at = next((i for i, (a, b) in enumerate(zip(got, should)) if a != b), -1)
            raise AgentError(f"{what}: segment {place} of {len(wanted)} differs at {at}: "
                             f"{got.hex()} is not {should.hex()}")
    if len(come) != len(wanted):
        raise AgentError(f"{what}: {len(come)} packets came, not {len(wanted)}")
    return len(wanted)
