# SPDX-License-Identifier: GPL-2.0-only
"""The same packets for one inbound SA by the xfrm path and by the fast one: what they leave
behind in the SA and in all counters has to be the same, and what is delivered, too.
Topology: that of lib_far.py.
"""
import os
import re
import socket

import lib_packet as pkt
import lib_tap as tap
from lib_esp import Sealer, numbered
from lib_far import BOW0, ETH_P_ALL, LOCAL, REMOTE, Far
from lib_trace import results

SPI = 0x4001
DECLINED = -524  # BOWTIE_ESP_DECLINED
PACKET_OUTGOING = 4
MARKER = 0xFFFFFFFF


class Twice:
    """Both ways, one after the other."""

    def __init__(self):
        # What is injected is then received before the sender goes on
        os.sched_setaffinity(0, {0})
        self.far = Far()
        self.far.gw.ip("link", "set", "eth0", "mtu", "9000")
        self.far.far.ip("link", "set", "eth0", "mtu", "9000")
        self.far.tunnel(0, inside_peer4="10.0.0.2")
        with self.far.gw:
            self.sniffer = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM,
                                         socket.htons(ETH_P_ALL))
        self.sniffer.bind(("bow0", ETH_P_ALL))
        self.sniffer.settimeout(tap.WAIT)
        self.fast_rx = results("fast_rx", "bowtie:bowtie_esp_fast_rx")
        self.sent = 0

    def send(self, esp):
        """ESP from the far end; an IP packet as it is"""
        packet = esp if isinstance(esp, Outer) else pkt.ip(REMOTE, LOCAL, pkt.ESP, esp)
        self.far.wire.sendto(packet, ("eth0", 0x0800, 0, 0, self.far.gw_mac))
        self.sent += 1

    def stack(self):
        """the counters of xfrm"""
        with self.far.gw, open("/proc/thread-self/net/xfrm_stat", encoding="ascii") as file:
            return {name: int(value) for name, value in map(str.split, file)}

    def counters(self):
        """of xfrm, of the tunnel"""
        # One of the paths takes packets before IP, and says so
        return {name: value for name, value in (self.stack() | self.far.counters(0)).items()
                if name != "rx-early"}

    def state(self):
        """what xfrm tells of the SA, without times"""
        told = self.far.gw.ip("-s", "xfrm", "state", "list", "spi", hex(SPI))
        told = re.sub(r"add \S+ \S+ use (\S+).*",
                      lambda found: "unused" if found[1] == "-" else "used", told)
        module = self.far.nl.do("sa-get", BOW0 | {"sa": {"spi": SPI}})[0]["sa"]
        keep = "err-replay", "err-window", "err-integrity", "bytes", "packets"
        # Only what is of interest, so that a difference can be read
        told = told[told.find("anti-replay"):told.find("lifetime config")] + \
            told[told.find("lifetime current"):]
        return {"xfrm": told.split(), **{name: module[name] for name in keep}}

    def delivered(self, marker):
        """the packets that came before that one"""
        got = []
        while True:
            data, who = self.sniffer.recvfrom(1 << 16)
            if data == marker:
                return got
            if who[2] != PACKET_OUTGOING:
                got.append(data)

    def run(self, mode, sealer, window, packets, last, more):
        """one way; what it has left behind"""
        self.far.change(0, esp_mode=mode)
        self.far.batch(f"xfrm state add src {REMOTE} dst {LOCAL} proto esp spi {SPI:#x} reqid 1 "
                       f"mode tunnel if_id 1 flag af-unspec replay-window {window} "
                       f"{sealer.words()} {more}")
        before, self.sent = self.counters(), 0
        served, declined = self.fast_rx.other(DECLINED), self.fast_rx.count(DECLINED)
        for packet in packets:
            self.send(packet)
        marker = numbered(MARKER)
        self.send(sealer.esp(last, marker))
        got = self.delivered(marker)
        after = self.counters()
        result = {"delivered": got, "state": self.state(),
                  "counters": {name: value - before[name] for name, value in after.items()
                               if value != before[name]}}
        self.far.sa_del(SPI, LOCAL)
        return result, self.fast_rx.other(DECLINED) - served, \
            self.fast_rx.count(DECLINED) - declined

    def compare(self, name, algorithm, window, packets, last, **how):
        """subtests: packets(sealer) makes them, last is a number that will be taken;
        delivered: what of them arrives; least: so many of them are the fast path's;
        same=False: xfrm is known to be wrong; more: words for the SA"""
        sealer = Sealer(algorithm, SPI, how.get("esn", False))
        made = list(packets(sealer))
        more = how.get("more", "")
        fast, served, declined = self.run("fast", sealer, window, made, last, more)
        tap.ok(served >= how.get("least", 2), f"{name}: the fast path is asked, and serves",
               f"served {served}, declined {declined} of {len(made)}")
        if "delivered" in how:
            tap.eq(fast["delivered"], how["delivered"], f"{name}: what is delivered")
        if not how.get("same", True):
            return fast
        xfrm, served, declined = self.run("xfrm", sealer, window, made, last, more)
        tap.eq((served, declined), (0, 0), f"{name}: with esp-mode xfrm it is not asked")
        for what, value in xfrm.items():
            tap.eq(fast[what], value, f"{name}: as by xfrm: {what}")
        return fast


class Outer(bytes):
    """a packet with its IP header"""
