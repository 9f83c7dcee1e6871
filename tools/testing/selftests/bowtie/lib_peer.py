# SPDX-License-Identifier: GPL-2.0-only
"""A far end for lib_far.py that answers probes, or does not, or does it wrongly: a thread
that reads every ESP packet and sends what the test wants it to."""
import collections
import struct
import threading
import time

import lib_packet as pkt
import lib_tap as tap

ECHO = {pkt.ICMP: (8, 0), pkt.ICMPV6: (128, 129)}
PROBE_PORT = 7178
RST, ACK = 4, 16

Seen = collections.namedtuple("Seen", "time spi packet")


def with_checksum(src, dst, proto, data, at):
    """a transport packet whose checksum, at an offset, is made right"""
    data = data[:at] + b"\0\0" + data[at + 2:]
    head = b"" if proto == pkt.ICMP else pkt.pseudo(src, dst, proto, len(data))
    return data[:at] + struct.pack("!H", pkt.checksum(head + data)) + data[at + 2:]


def back(packet, data, at):
    """an IP packet to where one came from"""
    return pkt.ip(packet.dst, packet.src, packet.proto,
                  with_checksum(packet.dst, packet.src, packet.proto, data, at))


def echo(packet, spoil=None):
    """the answer to an ICMP echo request; spoil(payload) changes what comes back"""
    reply = ECHO[packet.proto][1]
    data = packet.payload[1:8], packet.payload[8:]
    return back(packet, bytes((reply,)) + data[0] + (spoil(data[1]) if spoil else data[1]), 2)


def tcp(packet, flags, ack=None):
    """the answer to a SYN"""
    sport, dport, seq = struct.unpack_from("!HHI", packet.payload)
    data = struct.pack("!HHIIBBHHH", dport, sport, 77, seq + 1 & 0xFFFFFFFF if ack is None else ack,
                       5 << 4, flags, 100, 0, 0)
    return back(packet, data, 16)


def bowtie(packet):
    """the answer to an echo of Bowtie's"""
    data = bytearray(packet.payload)
    data[12] = 2
    return back(packet, bytes(data), 6)


def is_probe(packet):
    """what a probe looks like"""
    if packet.proto in ECHO:
        return packet.payload[0] == ECHO[packet.proto][0]
    return packet.proto == pkt.TCP and packet.payload[13] == pkt.SYN or \
        packet.proto == pkt.UDP and packet.dport == PROBE_PORT


class Peer(threading.Thread):
    """Answers the packets of a Far. way: {SPI that comes: SPI to answer by}; hears: which
    of them reach it; answer: packet -> packets, for probes."""

    def __init__(self, far, way):
        super().__init__(daemon=True)
        self.far = far
        self.way = dict(way)
        self.hears = set(way)
        self.answer = lambda packet: [echo(packet)]
        self.seen = []
        self.lock = threading.Lock()
        self.start()

    def run(self):
        while True:
            data, who = self.far.wire.recvfrom(4096)
            if who[2] == 4 or data[:1] != b"\x45" or data[9] != pkt.ESP:
                continue
            self.take(data[20:])

    def take(self, esp):
        """an ESP packet without encryption"""
        spi, = struct.unpack_from("!I", esp)
        pad = esp[-14]
        packet = pkt.Packet(esp[8:-14 - pad])
        with self.lock:
            self.seen.append(Seen(time.monotonic(), spi, packet))
            if spi not in self.hears or not is_probe(packet):
                return
            for reply in self.answer(packet):
                self.send(spi, reply)

    def send(self, spi, inner):
        """back, by the SA that belongs to one of the gateway's"""
        self.far.arrive(self.way[spi], inner)

    def probes(self, spi=None, since=0):
        """what has come"""
        with self.lock:
            return [one for one in self.seen if one.time >= since and is_probe(one.packet) and
                    spi in (None, one.spi)]

    def deaf(self, *spis):
        """no packet by these reaches it any more; when that began"""
        with self.lock:
            self.hears -= set(spis)
            return time.monotonic()

    def hear(self, *spis):
        """the reverse"""
        with self.lock:
            self.hears |= set(spis)

    def answers(self, function):
        """what a probe is answered with from now on"""
        with self.lock:
            self.answer = function

    def talk(self, spi, inner, stop, pause=0.005):
        """send a packet again and again until an event is set"""
        def run():
            while not stop.wait(pause):
                with self.lock:
                    self.send(spi, inner)
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return thread

    def await_probes(self, count, spi=None):
        """so many more probes, and the last of them"""
        begun = time.monotonic()
        tap.wait_for(lambda: len(self.probes(spi, begun)) >= count, f"{count} probes")
        return self.probes(spi, begun)[-1].packet
