# SPDX-License-Identifier: GPL-2.0-only
"""SAs by ip(8) and what the module makes of them, on a gateway whose underlay is a
dummy: what it sends is counted by the SA and vanishes.

	GW   bow0   10.0.0.1      inside peer of tunnel 0: 10.0.0.2
	     eth0   192.0.2.1, 2001:db8::1, a dummy
"""
import socket

import lib_tap as tap
from lib_genl import Family
from lib_guard import Guard
from lib_rtnl import Rtnl

LOCAL, PEER, PEER2 = "192.0.2.1", "192.0.2.2", "192.0.2.3"
LOCAL6, PEER6 = "2001:db8::1", "2001:db8::2"
BOW0 = {"ifname": "bow0"}

# What makes an SA of ours: algorithm, key as bytes, and the words for the rest
GCM = ("aead", "rfc4106(gcm(aes))", 20, 128)


def key_of(spi, size):
    """a key that differs for each SPI and byte, and that no other data looks like"""
    return bytes((0xA5 ^ (spi * 31 + place * 7)) & 0xFF | 0x80 for place in range(size))


def sa_words(spi, src, dst, if_id, *more, mode="tunnel", proto="esp"):
    """what "ip xfrm state add" wants to know"""
    words = f"src {src} dst {dst} proto {proto} spi {spi:#x} reqid 1 mode {mode}"
    if if_id:
        words += f" if_id {if_id:#x}"
    if proto == "esp":
        kind, algorithm, size, icv = GCM
        words += f" {kind} {algorithm} 0x{key_of(spi, size).hex()} {icv}"
    else:
        words += f" auth-trunc hmac(sha1) 0x{key_of(spi, 20).hex()} 96"
    return " ".join([words, *map(str, more)])


class Gateway:
    """A namespace with bow0 over a dummy, and one tunnel unless told otherwise."""

    def __init__(self, if_id=7, tunnel=True):
        self.ns = tap.Netns("gw")
        self.if_id = if_id
        with self.ns:
            self.nl = Family("bowtie")
            self.rtnl = Rtnl()
            self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.batch("link add eth0 type dummy", "link set eth0 up",
                   f"address add {LOCAL}/24 dev eth0",
                   f"address add {LOCAL6}/64 dev eth0 nodad")
        Guard(self.ns, "eth0")
        self.rtnl.add("bow0")
        if tunnel:
            self.tunnel()
        self.batch("link set bow0 up", "address add 10.0.0.1/24 dev bow0")

    def batch(self, *lines):
        """several commands of ip(8) by one process"""
        tap.run("ip", "-n", self.ns.name, "-batch", "-", stdin="\n".join(lines) + "\n")

    def tunnel(self, **settings):
        """a tunnel to PEER, with other settings as given"""
        tunnel = {"if-id": self.if_id, "local": LOCAL, "remote": PEER,
                  "inside-peer4": "10.0.0.2"}
        tunnel |= {name.replace("_", "-"): value for name, value in settings.items()}
        self.nl.do("tunnel-new", BOW0 | {"mode": "replace", "tunnel": {"id": 0} | tunnel})

    def add(self, *sas, command="add"):
        """SAs, each as the arguments of sa_words()"""
        self.batch(*(f"xfrm state {command} {sa_words(*one)}" for one in sas))

    def delete(self, *sas):
        """(SPI, destination) of each"""
        self.batch(*(f"xfrm state delete src {src} dst {dst} proto esp spi {spi:#x}"
                     for spi, src, dst in sas))

    def bound(self):
        """all SAs of bow0: {(spi, dir): what is known of it}"""
        return {(one["sa"]["spi"], one["sa"]["dir"]): one["sa"]
                for one in self.nl.dump("sa-get", BOW0)}

    def spis(self, direction, tunnel=0):
        """of the SAs of a tunnel, the newest first"""
        return [one["sa"]["spi"] for one in self.nl.dump("sa-get", BOW0)
                if (one["sa"]["dir"], one["sa"]["tunnel"]) == (direction, tunnel)]

    def current(self, tunnel=0):
        """SPI of the SA that transmit uses, or None"""
        spis = [sa["spi"] for sa in self.bound().values()
                if sa["current"] and sa["tunnel"] == tunnel]
        tap.true(len(spis) <= 1, f"two are current: {spis}")
        return spis[0] if spis else None

    def state(self, tunnel=0):
        """(operational state, reason, SAs in, SAs out) of a tunnel"""
        one = self.nl.do("tunnel-get", BOW0 | {"tunnel": {"id": tunnel}})[0]["tunnel"]
        return one["oper"], one["reason"], one["sas-in"], one["sas-out"]

    def send(self, count=1, to="10.0.0.2"):
        """packets into the tunnel; each is encrypted when this returns"""
        for _ in range(count):
            try:
                self.sock.sendto(bytes(64), (to, 9))
            except OSError:
                pass  # an ICMP error for the one before

    def packets(self, direction="out"):
        """{spi: packets} of the SAs in a direction"""
        return {spi: sa["packets"] for (spi, way), sa in self.bound().items()
                if way == direction}
