#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 120
"""Routes by netlink: new, del, get and flush with good and bad input, requests of
many routes that take effect as a whole or not at all, pinned peers, notifications.
The longest match itself is netlink_lpm.py's."""
import errno
import ipaddress

import lib_tap as tap
from lib_bowtie import accepts, attempt, refused, refuses_malformed
from lib_genl import Family, Listener, NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, NLMSG_DONE, genl
from lib_rtnl import Rtnl

NS = tap.Netns("main")
OTHER = tap.Netns("other")
with NS:
    NL = Family("bowtie")
    RTNL = Rtnl()
with OTHER:
    NL_OTHER = Family("bowtie")

BOW0 = {"ifname": "bow0"}
TUNNELS = 8
PEER4, PEER6 = "10.255.0.2", "fd00:ff::2"  # inside peer of tunnel 7


def route(prefix, *nexthops):
    """a route; a next hop is an id, or (id, weight), or (id, weight, tier)"""
    dst, _, length = prefix.partition("/")
    out = {"dst": dst}
    if length:
        out["len"] = int(length)
    if nexthops:
        out["nexthop"] = [dict(zip(("tunnel", "weight", "tier"),
                                   hop if isinstance(hop, tuple) else (hop,)))
                          for hop in nexthops]
    return out


def routes(*several, mode=None, device=None):
    """a request"""
    values = (device or BOW0) | {"route": list(several)}
    return values if mode is None else values | {"mode": mode}


def table(nl=NL, device=None, whole=False):
    """all routes: {prefix: [next hops]}; whole: all that the kernel tells, in order"""
    told = [one for message in nl.dump("route-get", device) for one in message["route"]]
    if whole:
        return told
    return {f"{one['dst']}/{one['len']}": hops(one) for one in told if "nexthop" in one}


def hops(one):
    """the next hops of a route, without what the kernel adds"""
    return [{name: hop[name] for name in ("tunnel", "weight", "tier") if name in hop}
            for hop in one.get("nexthop", [])]


def get(prefix, nl=NL):
    """the route of a prefix, or that which an address takes"""
    return nl.do("route-get", routes(route(prefix)))[0]["route"][0]


def state():
    """everything of the namespace that a refusal must not touch"""
    return table(whole=True), NL.dump("link-get"), NL.dump("tunnel-get")


def flush():
    """begin anew"""
    NL.do("route-flush", BOW0)


def setup():
    """A link with tunnels, one of them with inside peers."""
    RTNL.add("bow0")
    for number in range(TUNNELS):
        NL.do("tunnel-new", BOW0 | {"tunnel": {"if-id": number + 1, "remote": "192.0.2.2"}})
    NL.do("tunnel-set", BOW0 | {"tunnel": {"id": 7, "inside-peer4": PEER4,
                                           "inside-peer6": PEER6}})


def creation():
    """Routes of all kinds, alone and many in a request."""
    for prefix in ("10.0.0.0/8", "0.0.0.0/0", "192.0.2.1/32", "fd00::/16", "::/0",
                   "2001:db8::1/128", "128.0.0.0/1", "8000::/1"):
        accepts(NL, "route-new", routes(route(prefix, 0)), prefix)
        tap.eq(hops(get(prefix)), [{"tunnel": 0}], "it leads where it should")
    accepts(NL, "route-new", routes(route("192.0.2.3", 0)), "an IPv4 address without a length")
    accepts(NL, "route-new", routes(route("2001:db8::3", 0)), "an IPv6 address without one")
    tap.eq((get("192.0.2.3/32")["len"], get("2001:db8::3/128")["len"]), (32, 128),
           "are host routes")
    accepts(NL, "route-new", routes(route("10.2.0.0/16", (3, 256, 7), (1, 1, 0), 2, (0, 9))),
            "next hops with and without weight and tier")
    tap.eq(hops(get("10.2.0.0/16")),
           [{"tunnel": 0, "weight": 9}, {"tunnel": 1, "weight": 1, "tier": 0}, {"tunnel": 2},
            {"tunnel": 3, "weight": 256, "tier": 7}], "they are kept, in the order of tunnels")
    tap.eq({name: get("10.2.0.0/16")[name] for name in ("dst", "len", "tunnels-up")},
           {"dst": "10.2.0.0", "len": 16, "tunnels-up": 0}, "none of them takes flows")
    flush()
    several = [route(f"10.{number}.0.0/16", number % 3) for number in range(200)]
    accepts(NL, "route-new", routes(*several), "200 routes in a request")
    tap.eq(table(), {f"10.{number}.0.0/16": [{"tunnel": number % 3}] for number in range(200)},
           "all are there")
    link = NL.do("link-get", BOW0)[0]["link"]
    tap.eq((link["routes"], link["groups"]), (200, 3), "which share three groups")
    tap.eq(len({get(f"10.{number}.0.0/16")["group"] for number in (0, 3, 6, 9)}), 1,
           "those with the same next hops the same")
    flush()
    tap.eq(table(), {}, "flushed")


def malformed_requests():
    """Everything that the policy keeps out, nested as deep as it goes."""
    NL.do("route-new", routes(route("10.0.0.0/8", 0)))
    good = route("10.1.0.0/16", (0, 1, 0))
    refuses_malformed(NL, "route-new", routes(good, mode="create"), state)
    refuses_malformed(NL, "route-del", routes(route("10.0.0.0/8")), state)
    refuses_malformed(NL, "route-get", routes(route("10.0.0.0/8")), state)
    refuses_malformed(NL, "route-flush", BOW0, state)
    flush()


def wrong_routes():
    """What a route cannot be; the attribute at fault is told."""
    for op in ("route-new", "route-del", "route-get"):
        refused(NL, op, BOW0, errno.EINVAL, "route is missing")
        refused(NL, op, routes({"len": 8}), errno.EINVAL, "route: dst is missing", "route")
        bits = "prefix is too long or has bits set beyond its length"
        for prefix in ("10.0.0.1/31", "10.0.0.0/6", "0.0.0.1/0", "10.0.0.0/33", "10.0.0.0/128",
                       "fd00::1/127", "fd00::/7", "::1/0", "fd00:0:0:1::/63"):
            refused(NL, op, routes(route(prefix)), errno.EINVAL, bits, "route", "len")
    refused(NL, "route-new", routes(route("10.0.0.0/8")), errno.EINVAL,
            "route: nexthop is missing", "route")
    refused(NL, "route-new", routes(route("10.0.0.0/8", 0) | {"nexthop": [{"weight": 1}]}),
            errno.EINVAL, "nexthop: tunnel is missing", "route", "nexthop")
    refused(NL, "route-new", routes(route("10.0.0.0/8", 0, 40)), errno.ENOENT,
            "nexthop: no tunnel with this id", "route", ("nexthop", 1), "tunnel")
    refused(NL, "route-new", routes(route("10.0.0.0/8", 0, 1, 0)), errno.EINVAL,
            "route: the same tunnel twice", "route")
    refused(NL, "route-new", routes(route("10.0.0.0/8", *(n % TUNNELS for n in range(65)))),
            errno.E2BIG, "route: too many nexthops", "route", ("nexthop", 64))
    for op in ("route-del", "route-get"):
        refused(NL, op, routes(route("10.0.0.0/8")), errno.ENOENT, "no such route", "route")
    tap.eq(table(), {}, "none of these has left a route")


def modes():
    """create, change and replace, of one and of many."""
    NL.do("route-new", routes(route("10.0.0.0/8", 0)))
    for mode in (None, "create"):
        refused(NL, "route-new", routes(route("10.0.0.0/8", 1), mode=mode), errno.EEXIST,
                "it exists already", "route")
    refused(NL, "route-new", routes(route("11.0.0.0/8", 1), mode="change"), errno.ENOENT,
            "there is nothing to change", "route")
    for mode, hop in (("change", 1), ("replace", 2), ("replace", 2)):
        accepts(NL, "route-new", routes(route("10.0.0.0/8", hop), mode=mode), f"{mode}")
        tap.eq(table(), {"10.0.0.0/8": [{"tunnel": hop}]}, "it leads there")
    accepts(NL, "route-new", routes(route("10.0.0.0/8", 3), route("11.0.0.0/8", 3),
                                    mode="replace"), "replace of one that is and one that is not")
    tap.eq(table(), {"10.0.0.0/8": [{"tunnel": 3}], "11.0.0.0/8": [{"tunnel": 3}]},
           "both lead there")
    both = route("12.0.0.0/8", 0), route("10.0.0.0/8", 0)
    refused(NL, "route-new", routes(*both), errno.EEXIST, "it exists already", ("route", 1))
    refused(NL, "route-new", routes(*reversed(both), mode="change"), errno.ENOENT,
            "there is nothing to change", ("route", 1))
    twice = route("13.0.0.0/8", 0), route("14.0.0.0/8", 0), route("13.0.0.0/8", 1)
    for mode in ("create", "replace"):
        refused(NL, "route-new", routes(*twice, mode=mode), errno.EINVAL,
                "the same prefix twice in a request", ("route", 2))
    refused(NL, "route-del", routes(route("10.0.0.0/8"), route("10.0.0.0/8")), errno.EINVAL,
            "the same prefix twice in a request", ("route", 1))
    tap.eq(table(), {"10.0.0.0/8": [{"tunnel": 3}], "11.0.0.0/8": [{"tunnel": 3}]},
           "refused as a whole, they have changed nothing")
    accepts(NL, "route-del", routes(route("10.0.0.0/8"), route("11.0.0.0/8")), "both")
    tap.eq(table(), {}, "are gone")


MANY = 2000


def prefixes(count):
    """different prefixes of both families, many inside one another"""
    return [f"10.{n >> 8}.{n & 255}.0/24" if n % 2 else f"fd00:{n:x}::/{32 + n % 16}"
            for n in range(count)] + ["10.0.0.0/8", "10.0.0.0/16", "fd00::/16"]


def all_or_nothing():
    """A large request that fails in its middle or at its end leaves everything as it
    was: prefixes, next hops, groups, buckets, counts and generation."""
    some = [route(prefix, n % 4) for n, prefix in enumerate(prefixes(MANY)[::2])]
    NL.do("route-new", routes(*some))
    before = state()
    every = [route(prefix, 4 + n % 3, n % 2) for n, prefix in enumerate(prefixes(MANY))]
    bad = {"an unknown tunnel": (route("99.0.0.0/8", 50), errno.ENOENT),
           "host bits": (route("99.0.0.1/8", 1), errno.EINVAL),
           "no next hop": (route("99.0.0.0/8"), errno.EINVAL),
           "a prefix twice": (every[3], errno.EINVAL)}
    for what, (one, code) in bad.items():
        for place in (len(every) // 2, len(every)):
            values = routes(*every[:place], one, *every[place:], mode="replace")
            answer = attempt(NL, "route-new", values)
            tap.eq((answer[0], answer[2]), (code, answer[2]), f"{what} at {place} is refused")
            tap.ok(answer[2] >= NL.spec.offset(values, ("route", place)), "it is blamed itself",
                   answer)
            tap.eq(state(), before, "the table is as before")
    gone = [route(f"{one['dst']}/{one['len']}") for one in some]
    for place in (len(gone) // 2, len(gone)):
        values = routes(*gone[:place], route("99.0.0.0/8"), *gone[place:])
        refused(NL, "route-del", values, errno.ENOENT, "no such route", ("route", place))
        tap.eq(state(), before, "no route is deleted")
    accepts(NL, "route-new", routes(*every, mode="replace"), "without the bad one it is done")
    tap.eq(len(table()), len(prefixes(MANY)), "all are there")
    interrupted_dump()
    accepts(NL, "route-del", routes(*(route(prefix) for prefix in prefixes(MANY))), "and deleted")
    tap.eq(table(whole=True), PINNED, "only the pinned peers are left")
    link = NL.do("link-get", BOW0)[0]["link"]
    tap.eq((link["routes"], link["groups"]), (0, 0), "no count is left over")


def interrupted_dump():
    """NLM_F_DUMP_INTR if routes change between two messages of a dump."""
    for change in (False, True):
        with NS:
            nl = Family("bowtie", 4096)
        nl.sock.send(nl.id, NLM_F_ACK | NLM_F_DUMP, genl(nl.spec.ops["route-get"]["value"], b""))
        interrupted, done, messages = False, False, 0
        while not done:
            for kind, flags, _, _ in nl.sock.messages():
                messages += 1
                interrupted |= bool(flags & NLM_F_DUMP_INTR)
                done |= kind == NLMSG_DONE
            if change and messages == 1:
                NL.do("route-new", routes(route("10.0.0.0/8", 6), mode="replace"))
        tap.ok(messages > 20 and interrupted == change,
               "a dump is interrupted by a change" if change else "a dump at peace is whole",
               f"{messages} messages, interrupted: {interrupted}")


PINNED = [{"dst": PEER4, "len": 32, "pinned": 7}, {"dst": PEER6, "len": 128, "pinned": 7}]


def pinned_peers():
    """A tunnel's inside peer is reached through that tunnel, whatever the routes say."""
    tap.eq(table(whole=True), PINNED, "peers are listed, each pinned to its tunnel")
    tap.eq(get(PEER4), PINNED[0], "an address finds it")
    tap.eq(get(f"{PEER6}/128"), PINNED[1], "and a prefix")
    tap.eq(NL.do("link-get", BOW0)[0]["link"]["routes"], 0, "they are not counted as routes")
    for op, one in (("route-del", route(PEER4)), ("route-del", route(f"{PEER6}/128"))):
        refused(NL, op, routes(one), errno.EBUSY, "the route is pinned by a tunnel", "route")
    refused(NL, "route-new", routes(route(PEER4, 1), mode="change"), errno.ENOENT,
            "there is nothing to change", "route")
    accepts(NL, "route-new", routes(route(PEER4, 1)), "a route for the same address")
    both = get(PEER4)
    tap.eq((both["pinned"], hops(both)), (7, [{"tunnel": 1}]), "stands beside the pin")
    accepts(NL, "route-del", routes(route(PEER4)), "and goes")
    tap.eq(get(PEER4), PINNED[0], "without it")
    accepts(NL, "tunnel-set", BOW0 | {"tunnel": {"id": 7, "inside-peer4": "10.255.0.6"}},
            "the peer gets another address")
    refused(NL, "route-get", routes(route(PEER4)), errno.ENOENT, "no such route", "route")
    tap.eq(get("10.255.0.6")["pinned"], 7, "the pin moves with it")
    NL.do("tunnel-set", BOW0 | {"tunnel": {"id": 7, "inside-peer4": PEER4}})
    NL.do("route-new", routes(route("10.0.0.0/8", 0), route(PEER4, 2)))
    accepts(NL, "route-flush", BOW0, "flush")
    tap.eq(table(whole=True), PINNED, "leaves the pins")


def tunnel_deletion():
    """A tunnel that is deleted leaves all routes; those that lead nowhere else go."""
    NL.do("tunnel-new", BOW0 | {"tunnel": {"id": 30, "if-id": 300, "remote": "192.0.2.2",
                                           "inside-peer4": "10.30.0.2"}})
    keep = [route("10.1.0.0/16", 0, 30), route("10.2.0.0/16", (1, 3), (30, 5), (2, 7, 1)),
            route("fd00:1::/32", 0, 1), route("10.1.1.0/24", 0, 30)]
    lose = [route("10.3.0.0/16", 30), route("fd00:2::/32", 30), route("0.0.0.0/0", 30)]
    NL.do("route-new", routes(*keep, *lose, route("10.30.0.2", 5)))
    NL.do("tunnel-del", BOW0 | {"tunnel": {"id": 30}})
    tap.eq(table(), {"10.1.0.0/16": [{"tunnel": 0}], "10.1.1.0/24": [{"tunnel": 0}],
                     "10.2.0.0/16": [{"tunnel": 1, "weight": 3},
                                     {"tunnel": 2, "weight": 7, "tier": 1}],
                     "10.30.0.2/32": [{"tunnel": 5}],
                     "fd00:1::/32": [{"tunnel": 0}, {"tunnel": 1}]},
           "its routes lead to the others, or are gone")
    tap.ok("pinned" not in get("10.30.0.2"), "its peer is not pinned any more")
    tap.eq(get("10.1.0.0/16")["group"], get("10.1.1.0/24")["group"],
           "routes that shared a group share one again")
    link = NL.do("link-get", BOW0)[0]["link"]
    tap.eq((link["routes"], link["groups"]), (5, 4), "the counts follow")
    flush()


def notifications():
    """Each change is told with what get answers, many routes in a message, and no
    generation is missing."""
    with NS:
        listener = Listener(NL)
    with OTHER:
        stranger = Listener(NL_OTHER)
    generation = NL.do("link-get", BOW0)[0]["generation"]
    for mode, hop in (("create", 1), ("change", 2), ("replace", 3)):
        NL.do("route-new", routes(route("10.7.0.0/16", hop), mode=mode))
        generation += 1
        with tap.case(f"{mode} is told"):
            wanted, = NL.do("route-get", routes(route("10.7.0.0/16")))
            tap.same(listener.next(5), ("route-ntf", wanted))
            tap.same(wanted["generation"], generation)
    NL.do("route-del", routes(route("10.7.0.0/16")))
    generation += 1
    with tap.case("del is told by the prefix alone"):
        op, values = listener.next(5)
        tap.same((op, values["route"], values["generation"]),
                 ("route-del-ntf", [{"dst": "10.7.0.0", "len": 16}], generation))
    attempt(NL, "route-new", routes(route("10.8.0.0/16", 1), route("10.8.0.1/16", 1)))
    every = [route(prefix, n % 5) for n, prefix in enumerate(prefixes(MANY))]
    for name, op, ntf, values in (
            ("new", "route-new", "route-ntf", routes(*every)),
            ("del", "route-del", "route-del-ntf",
             routes(*(route(prefix) for prefix in prefixes(MANY)))),
            ("new again", "route-new", "route-ntf", routes(*every)),
            ("flush", "route-flush", "route-del-ntf", BOW0)):
        NL.do(op, values)
        with tap.case(f"{name} of {len(every)} routes: all are told, in few messages"):
            told, messages = [], 0
            while len(told) < len(every):
                got, message = listener.next(5)
                generation += 1
                messages += 1
                tap.same((got, message["generation"]), (ntf, generation))
                told += message["route"]
            tap.same(sorted(key(one) for one in told), sorted(key(one) for one in every))
            tap.true(messages < len(every) / 10, f"{messages} messages")
    with tap.case("and nothing else, to nobody else"):
        for one in (listener, stranger):
            try:
                raise AssertionError(one.next(0))
            except TimeoutError:
                pass


def key(one):
    """to compare prefixes by"""
    address = ipaddress.ip_address(one["dst"])
    return address.version, int(address), one["len"]


def several_links():
    """Tables are apart, and a dump has all of them."""
    links = [f"bow{number}" for number in range(1, 41)]
    for name in links:
        device = {"ifname": name}
        RTNL.add(name)
        NL.do("tunnel-new", device | {"tunnel": {"if-id": 400 + int(name[3:]),
                                                 "remote": "192.0.2.2"}})
        NL.do("route-new", routes(route("10.0.0.0/8", 0), route("fd00::/16", 0), device=device))
    told = [(message["ifname"], one["dst"]) for message in NL.dump("route-get")
            for one in message["route"]]
    tap.eq(told, [("bow0", PEER4), ("bow0", PEER6)] +
           [(name, dst) for name in links for dst in ("10.0.0.0", "fd00::")],
           "a dump has the routes of all links")
    tap.eq(table(device={"ifname": "bow9"}), {"10.0.0.0/8": [{"tunnel": 0}],
                                             "fd00::/16": [{"tunnel": 0}]}, "or of one")
    NL.do("route-flush", {"ifname": "bow9"})
    tap.eq((table(device={"ifname": "bow9"}), len(table(device={"ifname": "bow8"}))), ({}, 2),
           "a flush is of one link")
    tap.eq(NL_OTHER.dump("route-get"), [], "in another namespace there are none")


if __name__ == "__main__":
    setup()
    tap.main(creation, malformed_requests, wrong_routes, modes, all_or_nothing, pinned_peers,
             tunnel_deletion, notifications, several_links)
