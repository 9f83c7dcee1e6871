#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 180
"""What leaves is the same by both ESP paths, outer headers included, byte by byte but for the
identification of IPv4: random packets, by an SA without encryption, with every flag that
changes the outer header. SEED=N repeats a run. Topology: that of lib_far.py.
"""
import os
import random
import socket

import lib_agent_random as make
import lib_packet as pkt
import lib_tap as tap
from lib_esp import numbered
from lib_far import ETH_P_IP, ETH_P_IPV6, LOCAL, REMOTE, Far, state_words
from lib_trace import results

SEED = int(os.environ.get("SEED", "0")) or random.randrange(1, 1 << 32)
LOCAL6, REMOTE6 = "2001:db8::1", "2001:db8::2"
PAIRS = (("10.9.0.1", "10.0.0.2"), ("fd09::1", "fd00::2"))
DECLINED = -524
SPI = 0x6001
NATT = "encap espinudp 4500 4500 0.0.0.0"
COUNT = 40


class Lab:
    """A gateway whose packets are all seen."""

    def __init__(self, v6):
        os.sched_setaffinity(0, {0})
        self.far = Far()
        for ns in (self.far.gw, self.far.far):
            ns.ip("link", "set", "eth0", "mtu", "9000")
        self.far.gw.ip("link", "set", "bow0", "mtu", "8600")
        self.ends = (LOCAL6, REMOTE6) if v6 else (LOCAL, REMOTE)
        self.far.batch(f"address add {LOCAL6}/64 dev eth0 nodad",
                       f"neighbour replace {REMOTE6} lladdr {self.far.mac_of_far} dev eth0")
        self.far.tunnel(0, local=self.ends[0], remote=self.ends[1], inside_peer4="10.0.0.2",
                        inside_peer6="fd00::2", mss=0)
        self.fast = results("fast_tx", "bowtie:bowtie_esp_fast_tx")
        with self.far.gw:
            self.inside = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        self.inside.setsockopt(make.SOL_PACKET, make.PACKET_VNET_HDR, 1)
        self.far.wire.settimeout(tap.WAIT)

    def send(self, head, packet):
        """into bow0"""
        proto = ETH_P_IPV6 if packet[0] >> 4 == 6 else ETH_P_IP
        self.inside.sendto(head + packet, ("bow0", proto))

    def outer(self):
        """the packets up to the one that holds the marker"""
        marker, out = numbered(0xFFFFFFFF, dst="10.0.0.2"), []
        self.send(bytes(10), marker)
        while True:
            data, who = self.far.wire.recvfrom(1 << 16)
            ours = data[12:20] if data[0] >> 4 == 4 else data[8:40]
            if who[2] == 4 or ours != b"".join(map(pkt.address, self.ends)):
                continue
            if marker in data:
                return out
            out.append(without_ident(data))

    def run(self, mode, packets, words):
        """(what is on the wire, packets that the fast path has served)"""
        self.far.change(0, esp_mode=mode)
        self.far.batch("xfrm state add " + state_words(SPI, *self.ends, 1, words))
        served = self.fast.other(DECLINED)
        for head, packet, _ in packets:
            self.send(head, packet)
        out = self.outer()
        self.far.sa_del(SPI, self.ends[1])
        return out, self.fast.other(DECLINED) - served

    def compare(self, name, *words):
        """subtests: both paths send the same"""
        rng = random.Random(f"{SEED} {name}")
        packets = [make.any_packet(rng, rng.choice(PAIRS), 8000) for _ in range(COUNT)]
        xfrm, none = self.run("xfrm", packets, " ".join(words))
        fast, served = self.run("fast", packets, " ".join(words))
        tap.ok(len(xfrm) >= COUNT and served >= COUNT * 3 // 4 and not none,
               f"{name}: {len(xfrm)} packets, and by both paths", f"{served}, {none}")
        tap.ok(fast == xfrm, f"{name}: they are the same", difference(fast, xfrm))


def without_ident(data):
    """an outer IPv4 packet whose identification, and checksum with it, are left out"""
    if data[0] >> 4 == 4:
        tap.same(pkt.checksum(data[:20]), 0, "the checksum of an outer header")
        data = data[:4] + b"\0\0" + data[6:10] + b"\0\0" + data[12:]
    return data


def difference(got, wanted):
    """the first one, readable"""
    for number, (one, other) in enumerate(zip(got, wanted)):
        if one != other:
            at = next((i for i, (a, b) in enumerate(zip(one, other)) if a != b), -1)
            return f"packet {number} at {at}:\ngot    {one.hex()}\nwanted {other.hex()}"
    return f"{len(got)} packets, not {len(wanted)}"


def outside(v6):
    """all flags, over one outer family"""
    lab = Lab(v6)
    label = "IPv6 outside" if v6 else "IPv4 outside"
    lab.compare(label)
    lab.compare(f"{label}, ESN", "flag esn")
    lab.compare(f"{label}, NAT-T", NATT)
    lab.compare(f"{label}, ESN, NAT-T", "flag esn", NATT)
    for flag in ("noecn", "nopmtudisc", "decap-dscp", "align4"):
        lab.compare(f"{label}, {flag}", f"flag {flag}")
    lab.compare(f"{label}, dont-encap-dscp", "extra-flag dont-encap-dscp")
    for df in ("set", "clear", "copy"):
        lab.far.change(0, df=df)
        lab.compare(f"{label}, df {df}")


def outside4():
    """IPv4"""
    outside(False)


def outside6():
    """IPv6"""
    outside(True)


if __name__ == "__main__":
    tap.diag(f"SEED={SEED}")
    tap.main(outside4, outside6)
