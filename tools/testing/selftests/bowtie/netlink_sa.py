#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 120
"""SAs by netlink: get and dump with good and bad input, what they say of each
algorithm and of what has passed, and that no key is in anything the module tells."""
import errno
import socket
import struct
import time

import lib_tap as tap
from lib_bowtie import accepts, refused, refuses_malformed
from lib_genl import (Family, Listener, NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, NLMSG_DONE,
                      attr, genl)
from lib_guard import Guard
from lib_rtnl import IFLA_IFNAME, RTM_GETLINK, Rtnl
from lib_sa import BOW0, Gateway, LOCAL, LOCAL6, PEER, PEER2, PEER6, key_of

# SPI -> (words for ip(8), the keys in them, what the dump is to say)
ALGORITHMS = {}


def algorithm(name, wanted, *parts, more=""):
    """an SA with keys of its own; parts are (kind, name, bytes of key, words)"""
    spi = 0x100 + len(ALGORITHMS)
    keys = [key_of(spi + 0x40 * place, part[2]) for place, part in enumerate(parts)]
    words = " ".join(f"{kind} {algo} 0x{key.hex()} {rest}"
                     for (kind, algo, _, rest), key in zip(parts, keys))
    ALGORITHMS[spi] = (name, f"{words} {more}", keys, wanted)


def gcm(size):
    """AES-GCM as IPsec has it"""
    return ("aead", "rfc4106(gcm(aes))", size, "128")


def fill_algorithms():
    """Each algorithm, and each property that an SA can have."""
    def says(text, key_bits, icv_bits, **more):
        return {"algorithm": text, "key-bits": key_bits, "icv-bits": icv_bits} | {
            name.replace("_", "-"): value for name, value in more.items()}

    cbc = "enc", "cbc(aes)", 16, ""
    algorithm("AES-128-GCM", says("rfc4106(gcm(aes))", 160, 128), gcm(20))
    algorithm("AES-256-GCM", says("rfc4106(gcm(aes))", 288, 128), gcm(36))
    algorithm("ChaCha20-Poly1305", says("rfc7539esp(chacha20,poly1305)", 288, 128),
              ("aead", "rfc7539esp(chacha20,poly1305)", 36, "128"))
    for sha, size, bits in (("sha1", 20, 96), ("sha256", 32, 128), ("sha384", 48, 192),
                            ("sha512", 64, 256)):
        algorithm(f"AES-CBC, {sha}", says(f"cbc(aes) hmac({sha})", 128, bits), cbc,
                  ("auth-trunc", f"hmac({sha})", size, str(bits)))
    algorithm("no encryption", says("ecb(cipher_null) hmac(sha256)", 0, 128),
              ("auth-trunc", "hmac(sha256)", 32, "128"), more="enc ecb(cipher_null) ''")
    algorithm("ESN", says("rfc4106(gcm(aes))", 160, 128, esn=1, replay_window=128), gcm(20),
              more="flag esn replay-window 128")
    algorithm("large window", says("rfc4106(gcm(aes))", 160, 128, replay_window=4096), gcm(20),
              more="replay-window 4096")
    algorithm("old window", says("rfc4106(gcm(aes))", 160, 128, replay_window=32), gcm(20),
              more="replay-window 32")
    algorithm("NAT-T", says("rfc4106(gcm(aes))", 160, 128, encap_sport=4500, encap_dport=61234),
              gcm(20), more="encap espinudp 4500 61234 0.0.0.0")
    # Not for the fast path
    algorithm("output mark", says("rfc4106(gcm(aes))", 160, 128, esp_mode="xfrm"), gcm(20),
              more="output-mark 0x7")


PLAIN = {"esn": 0, "replay-window": 0, "offload": 0, "esp-mode": "fast", "suspect": 0,
         "valid": 1, "bytes": 0, "packets": 0, "use-time": 0,
         "err-replay": 0, "err-window": 0, "err-integrity": 0}


def contents():
    """What the dump and the answer to get say of each SA."""
    gw = Gateway()
    before = int(time.time())
    fill_algorithms()
    gw.batch(*(f"xfrm state add src {PEER} dst {LOCAL} proto esp spi {spi:#x} mode tunnel "
               f"if_id 7 {words}" for spi, (_, words, _, _) in ALGORITHMS.items()))
    dump = gw.bound()
    tap.eq(sorted(spi for spi, _ in dump), sorted(ALGORITHMS), "all SAs are dumped")
    for spi, (name, _, _, wanted) in ALGORITHMS.items():
        told = dict(dump[spi, "in"])
        added = told.pop("add-time")
        tap.eq(told, PLAIN | wanted | {"tunnel": 0, "dir": "in", "spi": spi, "src": PEER,
                                       "dst": LOCAL, "current": 0}, name)
        tap.ok(before <= added <= time.time(), f"{name}: it knows its age", added)
        answer, = gw.nl.do("sa-get", BOW0 | {"sa": {"spi": spi}})
        tap.eq(answer["sa"], dump[spi, "in"], f"{name}: get says the same")
    path_taken(gw)
    no_key_is_told(gw)


def path_taken(gw):
    """What the tunnel says decides, where the SA allows both."""
    for mode in ("xfrm", "fast", "auto"):
        gw.nl.do("tunnel-set", BOW0 | {"tunnel": {"id": 0, "esp-mode": mode}})
        told = {spi: sa["esp-mode"] for (spi, _), sa in gw.bound().items()}
        may = {spi: {**PLAIN, **wanted}["esp-mode"] for spi, (*_, wanted) in ALGORITHMS.items()}
        tap.eq(told, dict.fromkeys(may, "xfrm") if mode == "xfrm" else may,
               f"esp-mode {mode}: which path each SA takes")


def no_key_is_told(gw):
    """Nothing that the module says holds any part of a key."""
    told = []
    with gw.ns:
        listener = Listener(gw.nl)
    for op, values in (("link-get", {}), ("tunnel-get", {}), ("route-get", {}), ("sa-get", {})):
        payload = gw.nl.spec.encode("bowtie", values)
        told += [body for _, body in gw.nl.sock.request(
            gw.nl.id, NLM_F_ACK | NLM_F_DUMP, genl(gw.nl.spec.ops[op]["value"], payload))]
    # Unbound and bound again, all are in notifications
    for if_id in (9, 7):
        gw.nl.do("tunnel-set", BOW0 | {"tunnel": {"id": 0, "if-id": if_id}})
    heard = 0
    while bodies := listener.bodies():
        told += bodies
        heard += len(bodies)
    told += [body for _, body in gw.rtnl.sock.request(
        RTM_GETLINK, NLM_F_ACK, struct.pack("=BxHiII", 0, 0, 0, 0, 0) +
        attr(IFLA_IFNAME, b"bow0\0"))]
    everything = b"|".join(told)
    tap.ok(heard >= 2 * len(ALGORITHMS) and b"rfc4106(gcm(aes))" in everything,
           "all SAs are in what was read", heard)
    keys = [key for _, _, several, _ in ALGORITHMS.values() for key in several]
    shown = gw.ns.ip("xfrm", "state")
    tap.ok(all(key.hex() in shown for key in keys), "xfrm itself would show these keys")
    # The last four bytes of an AEAD's key are its salt: not less secret
    leaks = [key.hex() for key in keys
             if key[-4:] in everything or any(key[place:place + 4] in everything
                                              for place in range(0, len(key) - 3, 4))]
    tap.eq(leaks, [], "and the module tells no part of any")


def requests():
    """Which SA a request is about."""
    gw = Gateway()
    gw.add((0x11, LOCAL, PEER, 7), (0x21, PEER, LOCAL, 7), (0x31, PEER2, LOCAL, 7))

    def state():
        return gw.nl.dump("sa-get"), gw.nl.dump("tunnel-get")

    refuses_malformed(gw.nl, "sa-get", BOW0 | {"sa": {"spi": 0x11}}, state)
    refused(gw.nl, "sa-get", BOW0, errno.EINVAL, "sa is missing")
    refused(gw.nl, "sa-get", BOW0 | {"sa": {}}, errno.EINVAL, "sa: spi is missing")
    for spi in (0, 0x12, 0x31, 0xFFFFFFFF):
        refused(gw.nl, "sa-get", BOW0 | {"sa": {"spi": spi}}, errno.ENOENT,
                "no SA with this SPI", "sa", "spi")
    for spi in (0x11, 0x21):
        accepts(gw.nl, "sa-get", BOW0 | {"sa": {"spi": spi}}, f"SPI {spi:#x}")
    gw.rtnl.add("bow1")
    refused(gw.nl, "sa-get", {"ifname": "bow1", "sa": {"spi": 0x11}}, errno.ENOENT,
            "no SA with this SPI", "sa", "spi")
    gw.nl.do("tunnel-new", {"ifname": "bow1", "tunnel": {"if-id": 8, "local": LOCAL6,
                                                        "remote": PEER6}})
    gw.add((0x41, LOCAL6, PEER6, 8))
    told = [(m["ifname"], m["sa"]["spi"], m["sa"]["dst"]) for m in gw.nl.dump("sa-get")]
    tap.eq(told, [("bow0", 0x21, LOCAL), ("bow0", 0x11, PEER), ("bow1", 0x41, PEER6)],
           "a dump has the SAs of all links")
    tap.eq([m["sa"]["spi"] for m in gw.nl.dump("sa-get", {"ifname": "bow1"})], [0x41],
           "or of one")
    gw.delete((0x11, LOCAL, PEER))
    refused(gw.nl, "sa-get", BOW0 | {"sa": {"spi": 0x11}}, errno.ENOENT,
            "no SA with this SPI", "sa", "spi")


def many():
    """A dump of hundreds, alone and with a new SA in the middle of it."""
    gw = Gateway()
    gw.add(*((spi, PEER, LOCAL, 7) for spi in range(0x1000, 0x1000 + 300)))
    tap.eq(len(gw.nl.dump("sa-get", BOW0)), 300, "300 SAs of a tunnel")
    tap.eq(slow_dump(gw, lambda: None), (300, False), "a dump at peace is whole")

    def come():
        with gw.ns:
            listener = Listener(gw.nl)
        gw.add((0x11, LOCAL, PEER, 7))
        listener.until(lambda op, _: op == "sa-ntf")

    tap.eq(slow_dump(gw, come)[1], True, "a dump is interrupted by a new SA")


def slow_dump(gw, meanwhile):
    """(SAs, interrupted) of a dump in small messages, after the first of which
    meanwhile() is called"""
    with gw.ns:
        nl = Family("bowtie", 4096)
    nl.sock.send(nl.id, NLM_F_ACK | NLM_F_DUMP, genl(nl.spec.ops["sa-get"]["value"], b""))
    count, interrupted, done = 0, False, False
    while not done:
        first = not count
        for kind, flags, _, _ in nl.sock.messages():
            count += kind == nl.id
            interrupted |= bool(flags & NLM_F_DUMP_INTR)
            done |= kind == NLMSG_DONE
        if first:
            meanwhile()
    return count, interrupted


class Pair:
    """Two gateways with Bowtie, back to back."""

    def __init__(self):
        self.here, self.there = tap.Netns("here"), tap.Netns("there")
        tap.run("ip", "link", "add", "eth0", "netns", self.here.name, "type", "veth",
                "peer", "name", "eth0", "netns", self.there.name)
        self.nl = {}
        for ns, mine, other, inside, peer in (
                (self.here, LOCAL, PEER, "10.0.0.1", "10.0.0.2"),
                (self.there, PEER, LOCAL, "10.0.0.2", "10.0.0.1")):
            with ns:
                self.nl[ns] = Family("bowtie")
                Rtnl().add("bow0")
            self.nl[ns].do("tunnel-new", BOW0 | {"tunnel": {
                "if-id": 7, "local": mine, "remote": other, "inside-local4": inside,
                "inside-peer4": peer}})
            tap.run("ip", "-n", ns.name, "-batch", "-", stdin="\n".join(
                ["link set eth0 up", f"address add {mine}/24 dev eth0", "link set bow0 up",
                 f"address add {inside}/24 dev bow0"] +
                [f"xfrm state add src {src} dst {dst} proto esp spi {spi:#x} mode tunnel "
                 f"if_id 7 replay-window 32 aead rfc4106(gcm(aes)) 0x{key_of(spi, 20).hex()} 128"
                 for spi, src, dst in ((0x11, LOCAL, PEER), (0x21, PEER, LOCAL))]) + "\n")
        for ns in (self.here, self.there):
            Guard(ns, "eth0")
        with self.here:
            self.receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.receiver.bind(("10.0.0.1", 9999))
            self.receiver.settimeout(tap.WAIT)
        with self.there:
            self.sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            self.wire.bind(("eth0", 0x0003))

    def send(self, payload):
        """through the tunnel, until it has arrived"""
        self.sender.sendto(payload, ("10.0.0.1", 9999))
        tap.same(self.receiver.recv(2000), payload)

    def esp(self):
        """the ESP frames that the far end has sent since the last call"""
        frames = []
        while True:
            try:
                frame, (_, _, kind, _, _) = self.wire.recvfrom(2000, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return frames
            if kind == socket.PACKET_OUTGOING and frame[12:14] == b"\x08\0" and frame[23] == 50:
                frames.append(frame)

    def sa(self, spi=0x21):
        """what we know of an SA here"""
        return self.nl[self.here].do("sa-get", BOW0 | {"sa": {"spi": spi}})[0]["sa"]

    def errors(self):
        """(replay, window, integrity) of the SA, and what the tunnel counts as bad ESP"""
        sa = self.sa()
        tunnel = self.nl[self.here].do("tunnel-get", BOW0 | {"tunnel": {"id": 0}})[0]["tunnel"]
        return (sa["err-replay"], sa["err-window"], sa["err-integrity"],
                tunnel["stats"]["rx-drop-esp"])


def counters():
    """What has passed, and what was wrong with what has not."""
    pair = Pair()
    before = int(time.time())
    with tap.case("packets arrive"):
        for number in range(50):
            pair.send(bytes([number]) * 100)
    sa = pair.sa()
    tap.eq((sa["packets"], sa["bytes"]), (50, 50 * (100 + 20 + 8)),
           "the SA counts them, and the bytes of inner packets")
    tap.ok(before <= sa["use-time"] <= time.time(), "it knows when it was first used")
    tap.eq(pair.errors(), (0, 0, 0, 0), "nothing was wrong")
    frames = pair.esp()
    tap.eq(len(frames), 50, "they went over the wire as ESP")
    pair.wire.send(frames[-1])
    with tap.case("a packet that comes twice"):
        tap.wait_for(lambda: pair.errors() == (1, 0, 0, 1), "counted")
    pair.wire.send(frames[0])
    with tap.case("one that comes too late for the window"):
        tap.wait_for(lambda: pair.errors() == (1, 1, 0, 2), "counted")
    bad = bytearray(frames[-1])
    struct.pack_into(">I", bad, 14 + 20 + 4, 1000)  # a sequence number still to come
    pair.wire.send(bytes(bad))
    with tap.case("one whose sequence number was changed on the way"):
        tap.wait_for(lambda: pair.errors() == (1, 1, 1, 3), "counted")
    pair.send(b"still")
    tap.eq(pair.sa()["packets"], 51, "and good packets go on")
    tap.eq(pair.sa(0x11)["packets"], 0, "the other direction has carried none")


if __name__ == "__main__":
    tap.main(contents, requests, many, counters)
