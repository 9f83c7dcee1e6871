#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Traffic for the tests in shell: one process that has sockets in all namespaces, so
that a packet costs no process. Started and talked to by lib_agent.sh.

A line "COMMAND ARG..." on stdin is answered with one line on stdout: "ok TEXT" or
"error TEXT". Further commands come from the lib_agent_*.py modules named as arguments.
"""
import array
import contextlib
import ctypes
import errno
import fcntl
import importlib
import os
import select
import shlex
import socket
import struct
import sys
import time

import lib_packet as pkt

WAIT = int(os.environ.get("WAIT", "30"))
CLONE_NEWNET = 0x40000000
ETH_P_ALL = 3
ETH_P = {False: 0x0800, True: 0x86DD}
SIOCGIFHWADDR = 0x8927
SIOCETHTOOL = 0x8946
ETHTOOL_GSTRINGS, ETHTOOL_GSTATS = 0x1B, 0x1D
ETH_SS_STATS = 1
SO_RCVBUFFORCE, SO_SNDBUFFORCE = 33, 32
PACKET_OUTGOING = 4
IP_MTU_DISCOVER, IP_PMTUDISC_DONT = 10, 0

COMMANDS = {}
_libc = ctypes.CDLL(None, use_errno=True)
_namespaces = {}


class AgentError(Exception):
    """what is answered as an error"""


def command(function):
    """a decorator: may be asked for by its name"""
    COMMANDS[function.__name__] = function
    return function


def _setns(file):
    if _libc.setns(file, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


@contextlib.contextmanager
def netns(name):
    """sockets made in the block live in this namespace"""
    if name not in _namespaces:
        _namespaces[name] = os.open(f"/run/netns/{name}", os.O_RDONLY | os.O_CLOEXEC)
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    _setns(_namespaces[name])
    try:
        yield
    finally:
        _setns(home)
        os.close(home)


@command
def release(*names):
    """NS...: keep nothing that holds these namespaces"""
    for name in names:
        if name in _namespaces:
            os.close(_namespaces.pop(name))
    for table in _sniffers, _injectors:
        for name in [name for name, one in table.items() if one.ns in names]:
            table.pop(name).sock.close()


def open_socket(ns, family, kind, proto=0, buffer=1 << 24):
    """a socket in a namespace, with large buffers"""
    with netns(ns):
        sock = socket.socket(family, kind, proto)
    sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, buffer)
    sock.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, buffer)
    return sock


def deadline_loop(what, seconds=WAIT):
    """yields the seconds left; raises when they are over"""
    end = time.monotonic() + seconds
    while True:
        left = end - time.monotonic()
        if left <= 0:
            raise AgentError(f"deadline passed: {what}")
        yield left


def options(words):
    """KEY=VALUE words as a dict; a value with a base prefix or digits is a number"""
    out = {}
    for word in words:
        key, _, value = word.partition("=")
        try:
            out[key] = int(value, 0)
        except ValueError:
            out[key] = value
    return out


def hardware_address(ns, dev):
    """the MAC address of a device"""
    with open_socket(ns, socket.AF_INET, socket.SOCK_DGRAM) as sock:
        request = struct.pack("256s", dev.encode())
        return fcntl.ioctl(sock, SIOCGIFHWADDR, request)[18:24]


def _ethtool(ns, dev, request):
    with open_socket(ns, socket.AF_INET, socket.SOCK_DGRAM) as sock:
        # Room for more than any device of ours has
        data = array.array("B", request + bytes(1 << 17))
        fcntl.ioctl(sock, SIOCETHTOOL, struct.pack("16sP", dev.encode(), data.buffer_info()[0]))
        return data.tobytes()


@command
def counter(ns, dev, name):
    """NS DEV NAME: a counter of ethtool -S"""
    data = _ethtool(ns, dev, struct.pack("=II", ETHTOOL_GSTRINGS, ETH_SS_STATS))
    count, = struct.unpack_from("=I", data, 8)
    names = [data[at:at + 32].rstrip(b"\0").decode() for at in range(12, 12 + 32 * count, 32)]
    data = _ethtool(ns, dev, struct.pack("=II", ETHTOOL_GSTATS, count))
    return struct.unpack_from("=Q", data, 8 + 8 * names.index(name))[0]


@command
def await_counter(ns, dev, name, value):
    """NS DEV NAME VALUE: until the counter has this value, exactly"""
    for _ in deadline_loop(f"{name} is {counter(ns, dev, name)}, not {value}", 10):
        if counter(ns, dev, name) == int(value):
            return
        time.sleep(0.005)


class Sniffer:
    """What a device receives (with both=1: and sends), from its creation on."""

    def __init__(self, ns, dev, both=False):
        self.ns = ns
        self.sock = open_socket(ns, socket.AF_PACKET, socket.SOCK_DGRAM, 0, 1 << 26)
        self.both = both
        self.packets = []
        self.sock.bind((dev, ETH_P_ALL))

    def read(self, seconds=0):
        """take what is there, waiting at most that long for the first; True if any"""
        if not select.select([self.sock], [], [], seconds)[0]:
            return False
        while True:
            try:
                data, (_, proto, kind, _, _) = self.sock.recvfrom(1 << 16, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return True
            if (kind != PACKET_OUTGOING or self.both) and proto in ETH_P.values() and data:
                self.packets.append(data)


_sniffers = {}


def sniffer(name):
    """one that a command has opened"""
    if name not in _sniffers:
        raise AgentError(f"no sniffer {name}")
    return _sniffers[name]


@command
def sniff(name, ns, dev, *words):
    """NAME NS DEV [both=1]: keep what DEV receives from now on"""
    if name in _sniffers:
        _sniffers[name].sock.close()
    _sniffers[name] = Sniffer(ns, dev, **options(words))


@command
def forget(*names):
    """NAME...: drop what these sniffers have kept"""
    for name in names:
        while sniffer(name).read():
            pass
        sniffer(name).packets.clear()


def _describe(data):
    p = pkt.Packet(data)
    text = {"len": len(data), "src": p.src, "dst": p.dst, "proto": p.proto, "frag": p.frag,
            "offset": p.offset, "sport": p.sport, "dport": p.dport,
            "tos": p.data[1] if not p.v6 else struct.unpack_from("!H", data)[0] >> 4 & 255}
    if not p.frag & (0xFFF9 if p.v6 else 0x3FFF):
        text["csum"] = "ok" if p.checksum_ok() else "bad"
    if p.proto in (pkt.ICMP, pkt.ICMPV6):
        text["type"], text["code"] = p.payload[0], p.payload[1]
        text["mtu"], = struct.unpack_from("!I", p.payload, 4)
        if p.proto == pkt.ICMP:
            text["mtu"] &= 0xFFFF
    if p.proto == pkt.TCP and not p.offset:
        text["mss"] = p.mss()
        text["options"] = p.payload[20:(p.payload[12] >> 4) * 4].hex()
    return text


def _matches(data, wanted):
    if data[0] >> 4 not in (4, 6):
        return False
    have = _describe(data)
    return all(str(have.get(key)) == str(value) for key, value in wanted.items())


@command
def await_packets(name, count, *words):
    """NAME COUNT [KEY=VALUE...]: until COUNT packets that match have come; the words of
    each as KEY=VALUE, packets separated by ';'"""
    wanted = options(words)
    source = sniffer(name)
    for left in deadline_loop(f"{count} packets on {name} with {' '.join(words)}"):
        hits = [data for data in source.packets if _matches(data, wanted)]
        if len(hits) >= int(count):
            return "; ".join(" ".join(f"{k}={v}" for k, v in _describe(data).items())
                             for data in hits)
        source.read(min(left, 0.5))
    return None


@command
def seen(name, *words):
    """NAME [KEY=VALUE...]: how many packets match so far"""
    wanted = options(words)
    while sniffer(name).read():
        pass
    return sum(_matches(data, wanted) for data in sniffer(name).packets)


@command
def sizes(name, *words):
    """NAME [KEY=VALUE...]: number, total and largest size of matching packets so far"""
    wanted = options(words)
    while sniffer(name).read():
        pass
    lengths = [len(data) for data in sniffer(name).packets if _matches(data, wanted)]
    return f"{len(lengths)} {sum(lengths)} {max(lengths, default=0)}"


class Injector:
    """Puts packets on a link as they are, towards a neighbour."""

    def __init__(self, ns, dev, to_ns=None, to_dev=None):
        self.ns = ns
        self.sock = open_socket(ns, socket.AF_PACKET, socket.SOCK_DGRAM)
        self.dev = dev
        self.to = hardware_address(to_ns, to_dev) if to_ns else b""

    def send(self, packet):
        """one packet"""
        proto = ETH_P[packet[0] >> 4 == 6]
        self.sock.sendto(packet, (self.dev, proto, 0, 0, self.to))


_injectors = {}


def injector(name):
    """one that a command has opened"""
    if name not in _injectors:
        raise AgentError(f"no injector {name}")
    return _injectors[name]


@command
def injector_open(name, ns, dev, to_ns=None, to_dev=None):
    """NAME NS DEV [TO_NS TO_DEV]: inject() sends by DEV, to the MAC address of TO_DEV"""
    _injectors[name] = Injector(ns, dev, to_ns, to_dev)


def payload(size):
    """that many bytes with the mark that must not be seen on an underlay"""
    mark = os.environ["MARK"].encode()
    return (mark * (size // len(mark) + 1))[:size]


def craft_udp(src, dst, size=100, sport=7000, dport=7777, opts=0, **more):
    """a UDP packet of that many bytes in all; opts: bytes of IPv4 options"""
    header = 40 if ":" in src else 20 + opts
    if opts:
        # Router alert is copied into fragments, record route is not
        more["options"] = (b"\x94\x04\0\0" + b"\x07\x07\x04" + bytes(4) + b"\0" * opts)[:opts]
    body = pkt.udp(src, dst, sport, dport, payload(size - header - 8))
    return pkt.ip(src, dst, pkt.UDP, body, **more)


@command
def inject_udp(name, src, dst, *words):
    """INJECTOR SRC DST [size=N sport=N dport=N opts=N frag=N ident=N count=N tos=N]"""
    more = options(words)
    for _ in range(more.pop("count", 1)):
        injector(name).send(craft_udp(src, dst, **more))


@command
def inject_hex(name, text):
    """INJECTOR HEX: any bytes"""
    injector(name).send(bytes.fromhex(text))


@command
def inject_syn(name, src, dst, opts, *words):
    """INJECTOR SRC DST OPTIONS [sport=N dport=N flags=N]: a SYN with these TCP options
    as hex digits ("-": none)"""
    more = {"sport": 7000, "dport": 7777, **options(words)}
    data = b"" if opts == "-" else bytes.fromhex(opts)
    injector(name).send(pkt.ip(src, dst, pkt.TCP, pkt.tcp_syn(src, dst, options=data, **more)))


@command
def inject_fragments(name, src, dst, *words):
    """INJECTOR SRC DST [size=N piece=N ident=N ...]: a UDP packet in fragments; how many"""
    more = options(words)
    piece, ident = more.pop("piece", 512), more.pop("ident", 1)
    count = 0
    for data in pkt.fragments(craft_udp(src, dst, **more), piece, ident):
        injector(name).send(data)
        count += 1
    return count


@command
def ping(ns, dst, size=56, count=1, *words):
    """NS DST [SIZE [COUNT [src=ADDR df=0]]]: echoes that must all be answered"""
    v6 = ":" in dst
    sock = open_socket(ns, pkt.family(dst), socket.SOCK_DGRAM,
                       pkt.ICMPV6 if v6 else pkt.ICMP)
    with sock:
        more = options(words)
        if "src" in more:
            sock.bind((more["src"], 0))
        if more.get("df") == 0:
            sock.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT)
        for seq in range(int(count)):
            data = payload(int(size))
            sock.sendto(struct.pack("!BBHHH", 128 if v6 else 8, 0, 0, 0, seq) + data, (dst, 0))
            for left in deadline_loop(f"echo {seq} of {size} bytes to {dst}", 15):
                if not select.select([sock], [], [], left)[0]:
                    continue
                answer = sock.recv(1 << 16)
                if struct.unpack_from("!H", answer, 6)[0] == seq and answer[8:] == data:
                    break


def main():
    """the loop"""
    for module in sys.argv[1:]:
        importlib.import_module(module)
    for line in sys.stdin:
        words = shlex.split(line)
        try:
            function = COMMANDS.get(words[0])
            if not function:
                raise AgentError(f"no command {words[0]}")
            text = function(*words[1:])
            answer = "ok " + ("" if text is None else str(text))
        except AgentError as error:
            answer = f"error {error}"
        except OSError as error:
            answer = f"error {errno.errorcode.get(error.errno, error.errno)} {error}"
        except Exception as error:  # pylint: disable=broad-except
            where = error.__traceback__
            while where.tb_next:
                where = where.tb_next
            answer = f"error line {where.tb_lineno}: {type(error).__name__}: {error}"
        print(answer.replace("\n", " "), flush=True)


if __name__ == "__main__":
    # What the modules import is this very module
    sys.modules["lib_agent"] = sys.modules["__main__"]
    main()
