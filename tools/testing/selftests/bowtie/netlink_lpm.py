#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 150
"""The routes' tree against a model of a few lines: random prefixes of both families
are added, changed, replaced, deleted and flushed in random order, tunnels with
pinned peers come and go, and after each step the answers for random addresses and
the dump must be the model's.

SEED=N makes another run than the usual one, STEPS=N a longer one.
"""
import ipaddress
import os
import random

import lib_tap as tap
from lib_genl import Family, NlError
from lib_rtnl import Rtnl

NS = tap.Netns("main")
with NS:
    NL = Family("bowtie")
    RTNL = Rtnl()
BOW0 = {"ifname": "bow0"}
BITS = {4: 32, 6: 128}
TUNNELS = 6
PEERED = range(TUNNELS, TUNNELS + 4)  # tunnels that come and go, with peers

SEED = int(os.environ.get("SEED", "20261121"))
STEPS = int(os.environ.get("STEPS", "100"))
RANDOM = random.Random(SEED)


def address(version, number):
    """as text"""
    kind = ipaddress.IPv4Address if version == 4 else ipaddress.IPv6Address
    return str(kind(number))


def random_number(version):
    """Addresses that share long beginnings, so that prefixes are inside one another:
    each bit is that of one of two fixed addresses, mostly of the first, or random."""
    bits = BITS[version]
    number = 0x0A0A0A0A if version == 4 else 0xFD00_AAAA_5555_0000_FFFF_0000_1234_8001
    flips = RANDOM.choice((0, 1, 1, 2, 2, 3, bits))
    for _ in range(flips):
        number ^= 1 << RANDOM.randrange(bits)
    return number


def random_prefix():
    """(version, number, length), without bits beyond the length"""
    version = RANDOM.choice((4, 6))
    bits = BITS[version]
    # The edges, and where the key of an IPv6 address falls into two halves
    edges = (0, 1, bits // 2 - 1, bits // 2, bits // 2 + 1, bits - 1, bits)
    length = RANDOM.choice(edges) if RANDOM.random() < 0.3 else RANDOM.randint(0, bits)
    number = random_number(version)
    return version, number >> (bits - length) << (bits - length), length


class Model:
    """What the kernel should know."""

    def __init__(self):
        self.routes = {}  # prefix -> frozenset of tunnels
        self.pins = {}    # prefix -> tunnel

    def match(self, version, number):
        """the longest prefix, or None"""
        bits = BITS[version]
        for length in range(bits, -1, -1):
            prefix = version, number >> (bits - length) << (bits - length), length
            if prefix in self.routes or prefix in self.pins:
                return prefix
        return None

    def table(self):
        """[(prefix, tunnels, pin)] in the order of a dump: IPv4 first, by address, the
        shorter prefix first"""
        return [(prefix, self.routes.get(prefix), self.pins.get(prefix))
                for prefix in sorted({*self.routes, *self.pins})]


def as_request(prefix, tunnels=()):
    """a route of a request"""
    version, number, length = prefix
    out = {"dst": address(version, number), "len": length}
    if tunnels:
        out["nexthop"] = [{"tunnel": tunnel} for tunnel in sorted(tunnels)]
    return out


def as_entry(route):
    """(prefix, tunnels, pin) out of an answer"""
    where = ipaddress.ip_address(route["dst"])
    tunnels = frozenset(hop["tunnel"] for hop in route["nexthop"]) if "nexthop" in route else None
    return (where.version, int(where), route["len"]), tunnels, route.get("pinned")


def random_tunnels():
    """a set of next hops; those with peers may be deleted at any time"""
    there = [*range(TUNNELS), *(tunnel for tunnel in PEERED if tunnel in ALIVE)]
    return frozenset(RANDOM.sample(there, RANDOM.choice((1, 1, 2, 3, 4))))


ALIVE = {}  # tunnel -> its pins
MODEL = Model()


def known(count):
    """some prefixes that have routes"""
    return RANDOM.sample(sorted(MODEL.routes), min(count, len(MODEL.routes)))


def do_replace():
    """prefixes old and new"""
    chosen = {random_prefix() for _ in range(RANDOM.randint(1, 40))} | set(known(5))
    wanted = {prefix: random_tunnels() for prefix in chosen}
    NL.do("route-new", BOW0 | {"route": [as_request(*one) for one in wanted.items()],
                               "mode": "replace"})
    MODEL.routes.update(wanted)


def do_change():
    """prefixes that exist"""
    wanted = {prefix: random_tunnels() for prefix in known(RANDOM.randint(1, 20))}
    if wanted:
        NL.do("route-new", BOW0 | {"route": [as_request(*one) for one in wanted.items()],
                                   "mode": "change"})
        MODEL.routes.update(wanted)


def do_delete():
    """some"""
    chosen = known(RANDOM.randint(1, 30))
    if chosen:
        NL.do("route-del", BOW0 | {"route": [as_request(prefix) for prefix in chosen]})
        for prefix in chosen:
            del MODEL.routes[prefix]


def do_refused():
    """a request that undoes itself"""
    chosen = {random_prefix() for _ in range(20)} | set(known(20))
    wanted = [as_request(prefix, random_tunnels()) for prefix in chosen]
    try:
        NL.do("route-new", BOW0 | {"route": wanted + [as_request((4, 1, 0), {0})],
                                   "mode": "replace"})
    except NlError:
        return
    raise AssertionError("host bits were accepted")


def do_flush():
    """all"""
    NL.do("route-flush", BOW0)
    MODEL.routes.clear()


def do_tunnel():
    """one comes, goes, or gets another peer"""
    tunnel = RANDOM.choice(PEERED)
    if tunnel in ALIVE and RANDOM.random() < 0.5:
        NL.do("tunnel-del", BOW0 | {"tunnel": {"id": tunnel}})
        drop_pins(tunnel)
        for prefix, tunnels in list(MODEL.routes.items()):
            MODEL.routes[prefix] = tunnels - {tunnel}
            if not MODEL.routes[prefix]:
                del MODEL.routes[prefix]
        return
    # No two share a peer, and none has an address that cannot be one
    peers = {4: 0x0A0A0A00 | tunnel << 4 | RANDOM.randrange(16),
             6: 0xFD00_AAAA_5555_0000_FFFF_0000_1234_0000 | tunnel << 4 | RANDOM.randrange(16)}
    drop_pins(tunnel)
    NL.do("tunnel-new", BOW0 | {"mode": "replace", "tunnel": {
        "id": tunnel, "if-id": 100 + tunnel, "remote": "192.0.2.2",
        "inside-peer4": address(4, peers[4]), "inside-peer6": address(6, peers[6])}})
    ALIVE[tunnel] = [(version, number, BITS[version]) for version, number in peers.items()]
    for prefix in ALIVE[tunnel]:
        MODEL.pins[prefix] = tunnel


def drop_pins(tunnel):
    """of the model"""
    for prefix in ALIVE.pop(tunnel, ()):
        del MODEL.pins[prefix]


CHOICES = [(do_replace, 12), (do_change, 4), (do_delete, 8), (do_refused, 3), (do_tunnel, 4),
           (do_flush, 0.15)]


def check_dump():
    """all of it"""
    told = [as_entry(route) for message in NL.dump("route-get", BOW0)
            for route in message["route"]]
    tap.same(told, MODEL.table())
    tap.same(NL.do("link-get", BOW0)[0]["link"]["routes"], len(MODEL.routes))


def check_lookups(count):
    """random addresses, and those at the edges of prefixes"""
    edges = [prefix for prefix, _, _ in RANDOM.sample(MODEL.table(), min(8, len(MODEL.table())))]
    asked = [(version, random_number(version)) for version in (4, 6) for _ in range(count)]
    for version, number, length in edges:
        last = number | (1 << BITS[version] - length) - 1
        asked += [(version, n) for n in (number, last, last + 1, number - 1)
                  if 0 <= n < 1 << BITS[version]]
    for version, number in asked:
        wanted = MODEL.match(version, number)
        wanted = wanted and (wanted, MODEL.routes.get(wanted), MODEL.pins.get(wanted))
        try:
            route = NL.do("route-get", BOW0 | {"route": {"dst": address(version, number)}})
            got = as_entry(route[0]["route"][0])
        except NlError as error:
            tap.same(error.text, "no such route")
            got = None
        tap.same(got, wanted, address(version, number))


def random_walk():
    """The test proper."""
    tap.diag(f"SEED={SEED}")
    functions, weights = zip(*CHOICES)
    most = 0
    with tap.case(f"the kernel's table is the model's after each of {STEPS} steps"):
        for number in range(STEPS):
            step, = RANDOM.choices(functions, weights)
            step()
            check_lookups(6)
            if number % 5 == 0:
                check_dump()
            most = max(most, len(MODEL.routes))
    tap.ok(most > 100, "it had enough to do", f"at most {most} routes")
    tap.diag(f"at most {most} routes")


LARGE = 6000


def large_table():
    """Thousands of routes: a dump is in order and complete, whatever the order in
    which they came and went."""
    do_flush()
    wanted = {}
    while len(wanted) < LARGE:
        version = RANDOM.choice((4, 6))
        bits, length = BITS[version], RANDOM.randint(12, 28)
        number = RANDOM.getrandbits(bits) >> (bits - length) << (bits - length)
        wanted[version, number, length] = frozenset({RANDOM.randrange(TUNNELS)})
    every = list(wanted.items())
    for begin in range(0, LARGE, 1500):
        NL.do("route-new", BOW0 | {"route": [as_request(*one)
                                             for one in every[begin:begin + 1500]]})
    MODEL.routes.update(wanted)
    with tap.case(f"{LARGE} routes are dumped in order"):
        check_dump()
    gone = RANDOM.sample(sorted(wanted), LARGE // 2)
    for begin in range(0, len(gone), 1500):
        NL.do("route-del", BOW0 | {"route": [as_request(prefix)
                                             for prefix in gone[begin:begin + 1500]]})
    for prefix in gone:
        del MODEL.routes[prefix]
    with tap.case("half of them gone, so are the rest"):
        check_dump()
        check_lookups(50)
    do_flush()
    with tap.case("flushed, none is left but pinned peers"):
        check_dump()


def setup():
    """A link and the tunnels that stay."""
    RTNL.add("bow0")
    for tunnel in range(TUNNELS):
        NL.do("tunnel-new", BOW0 | {"tunnel": {"id": tunnel, "if-id": tunnel + 1,
                                               "remote": "192.0.2.2"}})


if __name__ == "__main__":
    setup()
    tap.main(random_walk, large_table)
