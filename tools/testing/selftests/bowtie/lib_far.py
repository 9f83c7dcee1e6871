# SPDX-License-Identifier: GPL-2.0-only
"""A gateway whose far end is the test itself: it makes every ESP packet, and sees each
that comes, so that all numbers are known exactly.

	GW   bow0   10.0.0.1      tunnel 0: inside peer 10.0.0.2, if_id 1
	     eth0   192.0.2.1     a veth
	FAR  eth0   192.0.2.2     raw sockets

The SAs have no encryption and HMAC-SHA1-96.
"""
import hashlib
import socket

import lib_packet as pkt
import lib_tap as tap
from lib_genl import Family
from lib_guard import Guard
from lib_rtnl import Rtnl

ETH_P_ALL, ETH_P_IP, ETH_P_IPV6, ETH_P_ARP = 3, 0x0800, 0x86DD, 0x0806
BOW0 = {"ifname": "bow0"}
LOCAL, REMOTE = "192.0.2.1", "192.0.2.2"
PLAIN = 20 + 8  # IP and UDP headers of what udp() makes


def key_of(spi):
    """of an SA"""
    return hashlib.sha1(spi.to_bytes(4, "big")).digest()


def state_words(spi, src, dst, if_id, *more):
    """what "ip xfrm state add" wants to know"""
    return " ".join(map(str, (
        "src", src, "dst", dst, "proto esp spi", hex(spi), "reqid 1 mode tunnel if_id", if_id,
        "auth-trunc hmac(sha1)", "0x" + key_of(spi).hex(), 96, "enc ecb(cipher_null) \"\"",
        "flag af-unspec", "replay-window 64", *more)))


def udp(src, dst, size=100, dport=9, **more):
    """an IP packet with UDP, of that many bytes"""
    body = pkt.udp(src, dst, 7000, dport, bytes(size - (48 if ":" in src else PLAIN)))
    return pkt.ip(src, dst, pkt.UDP, body, **more)


class Far:
    """Both namespaces, with one tunnel."""

    def __init__(self):
        self.gw, self.far = tap.Netns("gw"), tap.Netns("far")
        tap.run("ip", "link", "add", "eth0", "netns", self.gw.name, "type", "veth",
                "peer", "name", "eth0", "netns", self.far.name)
        self.far.ip("link", "set", "eth0", "up")
        with self.gw:
            self.nl = Family("bowtie")
            self.rtnl = Rtnl()
        self.batch("link add bow0 type bowtie", "link set eth0 up", "link set bow0 up",
                   f"address add {LOCAL}/24 dev eth0", "address add 10.0.0.1/24 dev bow0")
        with self.far:
            mac = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
            mac.bind(("eth0", ETH_P_ALL))
        self.wire = mac
        self.mac_of_far = self._mac(self.far)
        self.batch(f"neighbour replace {REMOTE} lladdr {self.mac_of_far} dev eth0")
        Guard(self.gw, "eth0")
        self.gw_mac = bytes.fromhex(self._mac(self.gw).replace(":", ""))
        with self.gw:
            self.inside = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM)
        self.seq = {}

    @staticmethod
    def _mac(ns):
        return tap.run("ip", "netns", "exec", ns.name, "cat", "/sys/class/net/eth0/address").strip()

    def batch(self, *lines):
        """several commands of ip(8) in the gateway"""
        tap.run("ip", "-n", self.gw.name, "-batch", "-", stdin="\n".join(lines) + "\n")

    def tunnel(self, number, **settings):
        """a tunnel; its if_id is one more than its number"""
        values = {"id": number, "if-id": number + 1, "local": LOCAL, "remote": REMOTE}
        values |= {name.replace("_", "-"): value for name, value in settings.items()}
        self.nl.do("tunnel-new", BOW0 | {"mode": "replace", "tunnel": values})

    def change(self, number, **settings):
        """change a tunnel"""
        values = {name.replace("_", "-"): value for name, value in settings.items()}
        self.nl.do("tunnel-set", BOW0 | {"tunnel": {"id": number} | values})

    def link(self, **settings):
        """change the link"""
        self.nl.do("link-set", BOW0 | {"link": {n.replace("_", "-"): v
                                                for n, v in settings.items()}})

    def route(self, dst, length, *tunnels):
        """a route of the module"""
        self.nl.do("route-new", BOW0 | {"mode": "replace", "route": [
            {"dst": dst, "len": length, "nexthop": [{"tunnel": one} for one in tunnels]}]})

    def sa_out(self, spi, number, *more, remote=REMOTE):
        """an outbound SA of a tunnel"""
        self.batch("xfrm state add " + state_words(spi, LOCAL, remote, number + 1, *more))

    def sa_in(self, spi, number, *more):
        """an inbound SA of a tunnel"""
        self.batch("xfrm state add " + state_words(spi, REMOTE, LOCAL, number + 1, *more))

    def sa_del(self, spi, dst):
        """delete an SA"""
        self.batch(f"xfrm state delete dst {dst} proto esp spi {spi:#x}")

    def send(self, packet, count=1, proto=None):
        """packets into bow0, as the stack would"""
        proto = proto or (ETH_P_IPV6 if packet[:1] and packet[0] >> 4 == 6 else ETH_P_IP)
        for _ in range(count):
            self.inside.sendto(packet, ("bow0", proto))

    def arrive(self, spi, inner, count=1, proto=None, damage=False):
        """ESP from the far end"""
        for _ in range(count):
            self.seq[spi] = self.seq.get(spi, 0) + 1
            body = pkt.esp_null_sha1(spi, self.seq[spi], inner, key_of(spi), proto)
            if damage:
                body = body[:-1] + bytes((body[-1] ^ 1,))
            packet = pkt.ip(REMOTE, LOCAL, pkt.ESP, body)
            self.wire.sendto(packet, ("eth0", ETH_P_IP, 0, 0, self.gw_mac))

    def counters(self, number=None):
        """of the link, or of a tunnel"""
        if number is None:
            return self.nl.do("link-get", BOW0)[0]["link"]["stats"]
        return self.nl.do("tunnel-get", BOW0 | {"tunnel": {"id": number}})[0]["tunnel"]["stats"]
