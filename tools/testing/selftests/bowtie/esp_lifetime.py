#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 300
"""Lifetimes of SAs in bytes and packets, and what a keying daemon reads of them: the same
counts, the same events at the same packet, by both ESP paths; out and in, packets alone and
such that are segmented. Topology: that of lib_far.py.
"""
import os
import random
import socket
import struct

import lib_agent_random as large
import lib_tap as tap
from lib_esp import numbered
from lib_far import BOW0, LOCAL, REMOTE, Far, udp
from lib_trace import results

NETLINK_XFRM = 6
GROUP_EXPIRE, GROUP_AEVENTS = 2, 5
XFRM_MSG_EXPIRE = 0x18
SOL_NETLINK, NETLINK_ADD_MEMBERSHIP = 270, 1
DECLINED = -524
SEED = int(os.environ.get("SEED", "0")) or random.randrange(1, 1 << 32)


class Watch:
    """What a keying daemon hears of SAs that expire."""

    def __init__(self, ns, *groups):
        with ns:
            self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_XFRM)
        self.sock.bind((0, 0))
        for group in groups:
            self.sock.setsockopt(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group)

    def events(self):
        """(SPI, hard or soft, bytes, packets) since the last time"""
        out = []
        while True:
            try:
                data = self.sock.recv(4096, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return out
            if struct.unpack_from("=4xH", data)[0] == XFRM_MSG_EXPIRE:
                info = data[16:]
                spi, = struct.unpack_from("!I", info, 72)
                count = struct.unpack_from("=QQ", info, 160)
                out.append((hex(spi), "hard" if info[224] else "soft", *count))


class Lab:
    """A gateway with a daemon that watches."""

    def __init__(self):
        os.sched_setaffinity(0, {0})
        self.far = Far()
        self.far.tunnel(0, inside_peer4="10.0.0.2")
        self.watch = Watch(self.far.gw, GROUP_EXPIRE)
        self.paths = {name: results(name, f"bowtie:bowtie_esp_{name}")
                      for name in ("fast_tx", "fast_rx")}
        with self.far.gw:
            self.gso = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        self.gso.setsockopt(large.SOL_PACKET, large.PACKET_VNET_HDR, 1)

    def served(self, name):
        """packets that the fast path has not declined so far"""
        return self.paths[name].other(DECLINED)

    def state(self, spi):
        """(bytes, packets, is it used) of an SA, as a daemon asks for it, or None"""
        for one in self.far.nl.dump("sa-get", BOW0):
            if one["sa"]["spi"] == spi:
                told = self.far.gw.ip("-s", "xfrm", "state", "list", "spi", hex(spi))
                count = told[told.find("lifetime current"):].split()
                return one["sa"]["bytes"], one["sa"]["packets"], count[2], count[3], \
                    "use -" not in told
        return None

    def outcome(self, spi, limits):
        """(state, events) of an SA; the end of a hard lifetime comes by a timer"""
        events = self.watch.events()
        if any(str(word).endswith("-hard") for word in limits):
            tap.wait_for(lambda: self.state(spi) is None, "the end of the SA")
            tap.wait_for(lambda: events.extend(self.watch.events()) or
                         any(kind == "hard" for _, kind, *_ in events), "news of it")
        return self.state(spi), events

    def out(self, mode, send, limits):
        """what an outbound SA with these limits makes of it"""
        self.far.change(0, esp_mode=mode)
        self.far.sa_out(0x5001, 0, *limits)
        before, served = self.far.counters(0), self.served("fast_tx")
        send(self)
        after = self.far.counters(0)
        # Segments of one packet are counted as one when they are refused
        result = *self.outcome(0x5001, limits), counted(before, after, "tx", limits)
        served = self.served("fast_tx") - served
        if result[0]:
            self.far.sa_del(0x5001, REMOTE)
        return result, served

    def into(self, mode, count, limits):
        """the same of an inbound SA and so many packets"""
        self.far.change(0, esp_mode=mode)
        self.far.sa_in(0x5002, 0, *limits)
        before, served = self.far.counters(0), self.served("fast_rx")
        for number in range(count):
            self.far.arrive(0x5002, numbered(number, 60 + number))
        after = self.far.counters(0)
        self.far.seq.clear()
        result = *self.outcome(0x5002, limits), counted(before, after, "rx", limits)
        served = self.served("fast_rx") - served
        if result[0]:
            self.far.sa_del(0x5002, LOCAL)
        return result, served

    def compare(self, name, way, what, *limits):
        """subtests: both paths say the same"""
        fast, served = way("fast", what, limits)
        xfrm, none = way("xfrm", what, limits)
        tap.diag(f"{name}: {xfrm}")
        tap.eq(fast, xfrm, f"{name}: the same by both paths")
        tap.ok(served > 3 and not none, f"{name}: and it was by both", f"{served}, {none}")
        return fast


def counted(before, after, way, limits):
    """packets taken and dropped. How many are dropped at a hard limit depends on when the
    timer takes the SA away: later ones have none."""
    taken, dropped = (after[name] - before[name]
                      for name in (f"{way}-packets", f"{way}-drop-esp"))
    if any(str(word).endswith("-hard") for word in limits):
        dropped = bool(dropped)
    return {f"{way}-packets": taken, f"{way}-drop-esp": dropped}


def alone(lab):
    """packets of several sizes"""
    for number in range(40):
        lab.far.send(udp("10.9.0.1", "10.0.0.2", 60 + 29 * number))


def in_bursts(lab):
    """such that are segmented, and others between them"""
    rng = random.Random(SEED)
    for _ in range(12):
        head, packet, _ = large.large(rng, ("10.9.0.1", "10.0.0.2"), 0)
        lab.gso.sendto(head + packet, ("bow0", 0x0800))
        lab.far.send(udp("10.9.0.1", "10.0.0.2", 100))


def counts():
    """No limits: only numbers."""
    lab = Lab()
    for name, send in (("alone", alone), ("bursts", in_bursts)):
        state, events, _ = lab.compare(f"out, {name}", lab.out, send)
        tap.ok(state[1] >= 24 and state[4] and not events, f"out, {name}: they are counted", state)
    state, _, _ = lab.compare("in", lab.into, 40)
    tap.eq(state[:2], (sum(range(60, 100)), 40), "in: they are counted")


def limits():
    """Soft and hard ones."""
    lab = Lab()
    for limit, name, send, soft, hard in (
            ("packet", "alone", alone, 10, 20), ("packet", "bursts", in_bursts, 110, 190),
            ("byte", "alone", alone, 5000, 15000), ("byte", "bursts", in_bursts, 50000, 90000)):
        state, events, _ = lab.compare(f"out, {name}, {limit}s", lab.out, send, "limit",
                                       f"{limit}-soft", soft, "limit", f"{limit}-hard", hard)
        tap.eq(([kind for _, kind, *_ in events], state), (["soft", "hard"], None),
               f"out, {name}, {limit}s: a hint, then the end")
        lab.compare(f"out, {name}, {limit}s, soft only", lab.out, send, "limit", f"{limit}-soft",
                    soft)
    for limit, soft, hard in (("packet", 10, 20), ("byte", 900, 2000)):
        state, events, _ = lab.compare(f"in, {limit}s", lab.into, 40, "limit", f"{limit}-soft",
                                       soft, "limit", f"{limit}-hard", hard)
        tap.eq(([kind for _, kind, *_ in events], state), (["soft", "hard"], None),
               f"in, {limit}s: a hint, then the end")
        lab.compare(f"in, {limit}s, soft only", lab.into, 40, "limit", f"{limit}-soft", soft)


def watched():
    """Somebody wants to hear of each number: xfrm tells it."""
    lab = Lab()
    lab.far.change(0, esp_mode="fast")
    lab.far.sa_out(0x5001, 0)
    lab.far.sa_in(0x5002, 0)
    watch = Watch(lab.far.gw, GROUP_EXPIRE, GROUP_AEVENTS)
    before = lab.served("fast_tx"), lab.served("fast_rx")
    for number in range(10):
        lab.far.send(udp("10.9.0.1", "10.0.0.2"))
        lab.far.arrive(0x5002, numbered(number))
    tap.eq((lab.served("fast_tx"), lab.served("fast_rx")), before,
           "events of numbers wanted: the fast path declines")
    watch.sock.close()
    for number in range(10):
        lab.far.send(udp("10.9.0.1", "10.0.0.2"))
        lab.far.arrive(0x5002, numbered(number))
    tap.ok(lab.served("fast_tx") > before[0] and lab.served("fast_rx") > before[1],
           "and not any more when nobody wants them")
    tap.eq([lab.state(spi)[1] for spi in (0x5001, 0x5002)], [20, 20], "all of them have passed")


if __name__ == "__main__":
    tap.diag(f"SEED={SEED}")
    tap.main(counts, limits, watched)
