# SPDX-License-Identifier: GPL-2.0-only
"""Commands of the agent: packets with numbers that keep flowing while a test does
something else, and an account of those that got lost."""
import os
import struct
import threading
import time

import lib_packet as pkt
from lib_agent import Injector, Sniffer, command, options, payload

MAGIC = b"stream-"


class Stream(threading.Thread):
    """One direction: numbered UDP packets injected here, looked for there."""

    def __init__(self, source, sink, addresses, interval):
        super().__init__(daemon=True)
        self.source = source
        self.sink = sink
        # Others may come by there, too
        self.magic = MAGIC + os.urandom(4)
        self.addresses = addresses
        self.interval = interval
        self.sent = 0
        self.seen = {}
        self.ending = threading.Event()

    def run(self):
        src, dst = self.addresses
        while not self.ending.is_set():
            body = self.magic + struct.pack("!I", self.sent) + payload(54)
            self.source.send(pkt.ip(src, dst, pkt.UDP, pkt.udp(src, dst, 7000, 7777, body)))
            self.sent += 1
            self.collect()
            time.sleep(self.interval)

    def collect(self):
        """what has come so far"""
        self.sink.read()
        for data in self.sink.packets:
            at = data.find(self.magic)
            if at > 0:
                number, = struct.unpack_from("!I", data, at + len(self.magic))
                self.seen[number] = self.seen.get(number, 0) + 1
        self.sink.packets.clear()

    def lost(self):
        """how many are missing"""
        return self.sent - len(self.seen)


_streams = {}


@command
def stream_start(name, src_ns, src_dev, to_ns, to_dev, sink_ns, sink_dev, src, dst, *words):
    """NAME NS DEV TO_NS TO_DEV SINK_NS SINK_DEV SRC DST [us=N]: UDP packets from DEV towards
    the MAC address of TO_DEV ("-": it has none) every N microseconds, to be received by
    SINK_DEV"""
    more = {"us": 20000, **options(words)}
    to = () if to_ns == "-" else (to_ns, to_dev)
    _streams[name] = Stream(Injector(src_ns, src_dev, *to), Sniffer(sink_ns, sink_dev),
                            (src, dst), more["us"] / 1e6)
    _streams[name].start()


@command
def stream_wait(name, count):
    """NAME COUNT: until so many more packets were sent"""
    stream = _streams[name]
    end = stream.sent + int(count)
    while stream.sent < end:
        time.sleep(0.005)


@command
def stream_stop(name):
    """NAME: "LOST DUPLICATES SENT" of it"""
    stream = _streams.pop(name)
    stream.ending.set()
    stream.join()
    end = time.monotonic() + 10
    while stream.lost() and time.monotonic() < end:
        time.sleep(0.01)
        stream.collect()
    stream.source.sock.close()
    stream.sink.sock.close()
    return f"{stream.lost()} {sum(n - 1 for n in stream.seen.values())} {stream.sent}"
