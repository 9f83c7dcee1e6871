#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 600
"""The anti-replay window on receive: duplicates, numbers behind it, at its edges, far ahead,
across the wrap of the lower half of extended numbers, and forged ones. What is delivered is
what RFC 4303 says, and what the SA and all counters say afterwards is the same by both ESP
paths. Topology: that of lib_far.py.
"""
import os
import random

import lib_tap as tap
from lib_esp import numbered
from lib_twice import Twice

SEED = int(os.environ.get("SEED", "0")) or random.randrange(1, 1 << 32)
WRAP = 1 << 32


class Model:
    """RFC 4303, 3.4.3, with numbers of any size."""

    def __init__(self, window, top):
        self.window = window
        self.top = top
        self.seen = set()

    def takes(self, seq):
        """is it new? Then it has come"""
        if seq == 0 or seq <= self.top - self.window or seq in self.seen:
            return False
        self.seen.add(seq)
        self.top = max(self.top, seq)
        return True


def edges(window, start):
    """numbers in their order, each where it hurts"""
    top = start + window + 5
    yield from (start + 1, start + 1, start + 2, start + 5, start + 3, start + 3)
    # One that moves the window so that start + 5 is just behind it
    yield from (top, start + 5, start + 6, start + 6, start + 4, start + 7, top, top - 1)
    # Everything behind is forgotten, but not what is behind now
    for ahead in (window, window - 1, window + 1, 1, 3 * window, 31, 32, 33, 2):
        top += ahead
        yield from (top, top, top - window, top - window + 1, top - window + 1, top - ahead,
                    top - 1, top - window // 2, top - window // 2)


def wild(rng, window, start, count):
    """numbers at random: old, new, near the edges, seen before"""
    top, sent = start, [start + 1]
    for _ in range(count):
        seq = rng.choice((top + 1, top + rng.randrange(1, 4), top + rng.randrange(window),
                          top - rng.randrange(window), top - window + rng.randrange(-2, 3),
                          rng.choice(sent), sent[-1]))
        if seq > start - window and seq > 0:
            top = max(top, seq)
            sent.append(seq)
            yield seq


def forged(esp):
    """the last byte of its integrity check value is wrong"""
    return esp[:-1] + bytes((esp[-1] ^ 0x80,))


def script(sealer, seqs, model, wanted):
    """the packets with these numbers, and forged ones between them; wanted: what of them
    will be delivered"""
    for place, seq in enumerate(seqs):
        # One that would be taken, one that is too old, and the very next number
        if place % 16 == 3:
            yield forged(sealer.esp(model.top + 5 * model.window, numbered(place)))
            yield forged(sealer.esp(seq, numbered(place)))
        if place % 16 == 11 and sealer.esn and seq > model.top - model.window:
            # Good, if the receiver took it for a number of another round
            yield sealer.esp(seq + WRAP, numbered(place))
        inner = numbered(place)
        if model.takes(seq):
            wanted.append(inner)
        yield sealer.esp(seq, inner)


def check(twice, name, algorithm, window, start=0, esn=False, same=True):
    """one SA whose window has its upper edge at a number"""
    rng = random.Random(f"{SEED} {name}")
    model, wanted = Model(window, start), []
    seqs = list(edges(window, start))
    seqs += wild(rng, window, max(seqs), 150)
    more = f"replay-seq {start % WRAP:#x}"
    if esn:
        more += f" replay-seq-hi {start // WRAP}"

    def packets(sealer):
        return script(sealer, seqs, model, wanted)

    last = max(seqs) + 1
    twice.compare(f"{name} ({algorithm})", algorithm, window, packets, last, esn=esn, more=more,
                  delivered=wanted, same=same, least=len(seqs) // 8)


def short():
    """Numbers of 32 bits."""
    twice = Twice()
    check(twice, "window 32", "null", 32)
    check(twice, "window 32, later", "gcm", 32, 0x80000000)
    check(twice, "window 7", "null", 7)
    for window in (64, 1024, 2048, 4096):
        check(twice, f"window {window}", "null", window)
    # Not from 0 on: with a window that is no power of two xfrm takes the first packet of an
    # SA twice, and that packet is always for xfrm
    check(twice, "window 1000, later", "gcm", 1000, 12345)
    check(twice, "window 64, near the end", "cbc", 64, WRAP - 12000)


def extended():
    """Numbers of 64 bits, and the wrap of their lower half."""
    twice = Twice()
    check(twice, "ESN, window 32", "gcm", 32, esn=True)
    for window in (32, 64, 1024, 2048, 4096):
        check(twice, f"ESN, window {window}, wrap", "null", window, WRAP - 2 * window - 3, True)
    check(twice, "ESN, window 64, wrap", "gcm", 64, 8 * WRAP - 40, True)
    check(twice, "ESN, window 1024, wrap", "cbc", 1024, WRAP - 5000, True)
    # xfrm loses track of such a window there
    check(twice, "ESN, window 1000, wrap", "null", 1000, 3 * WRAP - 1700, True, same=False)


def off():
    """No window: anything that is authentic is taken."""
    twice = Twice()
    wanted = []

    def packets(sealer):
        for place, seq in enumerate((5, 5, 4, 1, 1 << 31, 6, 0, 0xFFFFFFFF, 1)):
            wanted.append(numbered(place))
            yield sealer.esp(seq, wanted[-1])
            yield forged(sealer.esp(seq, wanted[-1]))

    twice.compare("no window", "null", 0, packets, 7, delivered=wanted)


if __name__ == "__main__":
    tap.run("modprobe", "-a", "algif_aead", "algif_skcipher")
    tap.diag(f"SEED={SEED}")
    tap.main(short, extended, off)
