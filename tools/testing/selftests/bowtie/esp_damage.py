#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 600
"""Damaged ESP: each byte wrong in turn, cut short at every length, too long, with lies about
what is inside and about the padding, with padding that is none (TFC), in fragments. It is
dropped and counted, the same by both ESP paths, in the SA and everywhere. Topology: that of
lib_far.py.
"""
import os

import lib_packet as pkt
import lib_tap as tap
from lib_esp import ALGORITHMS, numbered
from lib_far import LOCAL, REMOTE
from lib_twice import Outer, Twice

WINDOW = 1024


def each(name, packets, last=900, **how):
    """by every algorithm"""
    twice = Twice()
    for algorithm, esn in (("null", False), ("gcm", False), ("gcm", True), ("cbc", True)):
        text = f"{name} ({algorithm}{', ESN' if esn else ''})"
        found = twice.compare(text, algorithm, WINDOW, packets, last, esn=esn, **how)
        tap.diag(f"{text}: {found['counters']}")


def flipped():
    """Every byte of a packet."""
    def packets(sealer):
        good = sealer.esp(1, numbered(1))
        for place in range(len(good)):
            for bits in (0x01, 0x80, 0xFF):
                yield good[:place] + bytes((good[place] ^ bits,)) + good[place + 1:]
        yield good

    each("flipped", packets, delivered=[numbered(1)], least=200)


def cut():
    """Every length."""
    def packets(sealer):
        good = sealer.esp(1, numbered(1))
        for length in range(len(good)):
            yield good[:length]
        # And with a number that says it has been taken already
        yield good
        for length in range(len(good)):
            yield good[:length]
        # More than there should be
        for more in (1, 2, 4, 16, 64):
            yield sealer.esp(2, numbered(2)) + bytes(more)

    each("cut", packets, delivered=[numbered(1)], least=20)


def long():
    """Large packets, whole and in fragments."""
    def packets(sealer):
        for number, size in enumerate((1400, 2000, 4000, 8000, 8900), 1):
            yield sealer.esp(number, numbered(number, size))
        for number, size in ((11, 3000), (12, 20000), (13, 60000)):
            whole = pkt.ip(REMOTE, LOCAL, pkt.ESP, sealer.esp(number, numbered(number, size)))
            for piece in pkt.fragments(whole, 1480, number):
                yield Outer(piece)
        # Larger than what IP can say
        inner = numbered(14, 3000)
        yield sealer.esp(14, inner, tfc=os.urandom(5500))
        yield sealer.esp(15, inner[:2000])
        # Noise of any length that looks like ESP of this SA
        for number in range(100, 160):
            yield sealer.esp(number, b"")[:8] + os.urandom(number * 50)

    each("long", packets, least=5)


def inside():
    """Whatever may be inside."""
    def packets(sealer):
        seq, v4, v6 = 0, numbered(1), numbered(1, 80, "fd09::1", "fd09:1::1")
        for proto in range(256):
            seq += 1
            yield sealer.esp(seq, v6 if proto == 41 else v4, proto)
        yield sealer.esp(seq + 1, v4, 41)
        yield sealer.esp(seq + 2, v6, 4)
        seq += 2
        for inner in (b"", b"\x45", v4[:12], v4[:19], v4[:20], v6[:39], v6[:40], v4[:21],
                      b"\x4f" + v4[1:24], b"\x42" + v4[1:], b"\x40" + v4[1:],
                      b"\x65" + v4[1:], b"\x35" + v4[1:], bytes(60)):
            for proto in (4, 41, 59):
                seq += 1
                yield sealer.esp(seq, inner, proto)

    each("inside", packets, least=250)


def padding():
    """Lies about the padding."""
    def packets(sealer):
        seq = 0
        for padlen in range(256):
            seq += 1
            yield sealer.esp(seq, numbered(seq, 60 + seq % 7), padlen=padlen)
        # Nothing but a trailer, or not even that
        block = sealer.algorithm.block
        for size in range(block, 80, block):
            for padlen in (0, 1, size - 3, size - 2, size - 1, size, 255):
                seq += 1
                yield sealer.raw(seq, bytes(size - 2) + bytes((padlen & 0xFF, 4)))

    each("padding", packets, least=250)


def confidential():
    """Bytes behind the packet inside, so that its length is a secret (RFC 4303, 2.7)."""
    v6 = "fd09::1", "fd09:1::1"
    inners = [numbered(n, 60 + n) for n in range(8)] + [numbered(n, 80 + n, *v6) for n in range(8)]

    def packets(sealer):
        for seq, inner in enumerate(inners, 1):
            yield sealer.esp(seq, inner, tfc=bytes(range(seq)) * seq)

    twice = Twice()
    for algorithm in ALGORITHMS:
        found = twice.compare(f"TFC ({algorithm})", algorithm, WINDOW, packets, 100,
                              least=len(inners) - 2)
        got = found["delivered"]
        tap.ok(len(got) == len(inners) and all(map(bytes.startswith, got, inners)),
               f"TFC ({algorithm}): all of them are delivered", f"{len(got)} came")


if __name__ == "__main__":
    tap.run("modprobe", "-a", "algif_aead", "algif_skcipher")
    tap.main(flipped, cut, long, inside, padding, confidential)
