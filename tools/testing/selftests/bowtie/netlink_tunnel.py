#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 150
"""Tunnels by netlink: new, set, del and get with good and bad input, what must be
unique, the most there can be, dumps and notifications."""
import errno
import ipaddress
import time

import lib_tap as tap
from lib_bowtie import accepts, attempt, refused, refuses_malformed
from lib_genl import (Family, Listener, NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_ECHO,
                      NLMSG_DONE, Raw, genl)
from lib_rtnl import Rtnl

NS = tap.Netns("main")
OTHER = tap.Netns("other")
with NS:
    NL = Family("bowtie")
    RTNL = Rtnl()
with OTHER:
    NL_OTHER = Family("bowtie")
    RTNL_OTHER = Rtnl()

BOW0 = {"ifname": "bow0"}
OUTER = {"local": "192.0.2.1", "remote": "192.0.2.2"}
DEFAULTS = {"selectors": {}, "weight": 1, "tier": 0, "esp-mode": "auto", "mss": 1, "df": "copy",
            "mark": 0, "drain-timeout": 300000, "probe": "none", "probe-interval": 100,
            "probe-multiplier": 3, "probe-port": 179, "admin": "up", "oper": "down",
            "reason": "no-sa", "transitions": 0,
            "mtu": 0, "sas-in": 0, "sas-out": 0}
# Every attribute that can be set, none at its default
FULL = {"name": "full", "if-id": 4, "local": "2001:db8::1", "remote": "2001:db8::2",
        "inside-local4": "10.0.4.1", "inside-peer4": "10.0.4.2",
        "inside-local6": "fd00:4::1", "inside-peer6": "fd00:4::2",
        "selectors": {"selector": [
            {"local": "10.0.0.0", "local-len": 8, "remote": "0.0.0.0", "remote-len": 0},
            {"local": "fd00::", "local-len": 16, "remote": "::", "remote-len": 0}]},
        "weight": 256, "tier": 7, "esp-mode": "xfrm", "mss": 65495, "df": "clear",
        "mark": 0xFFFFFFFF, "drain-timeout": 86400000, "probe": "tcp", "probe-interval": 60000,
        "probe-multiplier": 50, "probe-port": 65535, "admin": "drain"}
SELECTOR = {"local": "10.0.0.0", "local-len": 32, "remote": "10.1.0.0", "remote-len": 32}


def request(device=None, mode=None, **tunnel):
    """a request about a tunnel; names of attributes with _ for -"""
    values = dict(device or BOW0)
    values["tunnel"] = {name.replace("_", "-"): value for name, value in tunnel.items()}
    return values if mode is None else values | {"mode": mode}


def get(nl=NL, device=None, **key):
    """the settings and state of a tunnel, without times and counters"""
    tunnel = nl.do("tunnel-get", request(device, **key))[0]["tunnel"]
    return {name: value for name, value in tunnel.items() if name not in ("stats", "since")}


def tunnels(nl=NL, device=None):
    """all tunnels of the namespace, or of one device"""
    return [message["tunnel"] for message in nl.dump("tunnel-get", device)]


def creation():
    """What a new tunnel is, if little is said about it, and if everything is."""
    before = time.clock_gettime(time.CLOCK_BOOTTIME)
    accepts(NL, "tunnel-new", request(if_id=1, **OUTER), "as little as possible")
    after = time.clock_gettime(time.CLOCK_BOOTTIME)
    tap.eq(get(id=0), DEFAULTS | OUTER | {"id": 0, "name": "t0", "if-id": 1},
           "it has the lowest id, a name after that, and the defaults")
    tap.eq(get(name="t0"), get(id=0), "by name as by id")
    first = tunnels()[0]
    tap.ok(before <= first["since"] / 1e9 <= after, "its state is as old as it is itself", first)
    tap.eq(set(first["stats"].values()), {0}, "its counters are 0")
    accepts(NL, "tunnel-new", request(id=63, if_id=2, remote="192.0.2.2"), "the highest id")
    tap.eq(get(id=63), DEFAULTS | {"id": 63, "name": "t63", "if-id": 2, "remote": "192.0.2.2",
                                   "local": "0.0.0.0"}, "any local address")
    accepts(NL, "tunnel-new", request(if_id=3, local="2001:db8::1"), "any remote address")
    tap.eq({n: get(id=1)[n] for n in ("local", "remote")},
           {"local": "2001:db8::1", "remote": "::"}, "the next free id, IPv6 outside")
    accepts(NL, "tunnel-new", BOW0 | {"tunnel": FULL}, "everything at once")
    tap.eq(get(name="full"), DEFAULTS | FULL | {"id": 2, "reason": "no-sa"},
           "every setting is what was asked for")
    tap.eq([one["id"] for one in tunnels()], [0, 1, 2, 63], "a dump is in the order of ids")
    for if_id in (0xFFFFFFFF, 0x80000000):
        accepts(NL, "tunnel-new", request(id=40, if_id=if_id, **OUTER), f"if-id {if_id:#x}")
        tap.eq(get(id=40)["if-id"], if_id, "it is kept as it is")
        NL.do("tunnel-del", request(id=40))


def malformed_requests():
    """Everything that the policy keeps out, nested as deep as it goes."""
    nest = {"selectors": {"selector": SELECTOR}}
    new = {"tunnel": {"name": "bad", "if-id": 99, **OUTER, **nest}, "mode": "create"}
    refuses_malformed(NL, "tunnel-new", BOW0 | new, tunnels)
    refuses_malformed(NL, "tunnel-set", BOW0 | {"tunnel": {"id": 0, **nest}}, tunnels)
    refuses_malformed(NL, "tunnel-del", BOW0 | {"tunnel": {"id": 0}}, tunnels)
    refuses_malformed(NL, "tunnel-get", BOW0 | {"tunnel": {"id": 0}}, tunnels)


def which_tunnel():
    """How a request names its tunnel."""
    for op in ("tunnel-new", "tunnel-set", "tunnel-del", "tunnel-get"):
        refused(NL, op, BOW0, errno.EINVAL, "tunnel is missing")
    for op in ("tunnel-set", "tunnel-del", "tunnel-get"):
        refused(NL, op, request(), errno.EINVAL, "tunnel id or name is missing")
        refused(NL, op, request(id=9), errno.ENOENT, "no tunnel with this id", "tunnel", "id")
        refused(NL, op, request(name="nix"), errno.ENOENT, "no tunnel with this name",
                "tunnel", "name")
    tap.eq(get(id=1, name="t0")["id"], 1, "an id rules over a name")


def modes():
    """create, change and replace."""
    there = {"if_id": 1, **OUTER}
    for mode in ({}, {"mode": "create"}):
        refused(NL, "tunnel-new", request(id=0, **mode, **there), errno.EEXIST,
                "it exists already", "tunnel")
        refused(NL, "tunnel-new", request(name="t0", **mode, **there), errno.EEXIST,
                "it exists already", "tunnel")
    refused(NL, "tunnel-new", request(id=50, mode="change", weight=2), errno.ENOENT,
            "there is nothing to change", "tunnel")
    refused(NL, "tunnel-new", request(mode="change", weight=2), errno.ENOENT,
            "there is nothing to change", "tunnel")
    before = get(id=0)
    for mode, weight in (("change", 5), ("replace", 6)):
        accepts(NL, "tunnel-new", request(name="t0", mode=mode, weight=weight),
                f"{mode} of one that exists")
        tap.eq(get(id=0), before | {"weight": weight}, f"{mode}: what is not given stays")
    accepts(NL, "tunnel-new", request(name="new", mode="replace", if_id=50, **OUTER),
            "replace of one that does not exist")
    tap.eq(get(name="new")["id"], 3, "it gets the lowest free id")
    accepts(NL, "tunnel-new", request(id=3, name="newer", mode="change"), "a name beside an id")
    tap.eq(get(id=3)["name"], "newer", "renames")
    refused(NL, "tunnel-new", request(id=4, name="newer", mode="replace", if_id=51, **OUTER),
            errno.EEXIST, "another tunnel of the link has this name")
    NL.do("tunnel-del", request(id=3))


def echo():
    """NLM_F_ECHO answers with the result, whatever the mode."""
    for mode, if_id in (("create", 60), ("replace", 61), ("change", 62), ("replace", 63)):
        key = {"name": f"echo-{mode}"} if if_id < 62 else {"name": "echo-create"}
        answer = accepts(NL, "tunnel-new", request(mode=mode, if_id=if_id, **key, **OUTER),
                         f"{mode} with echo", NLM_F_ECHO)
        tap.eq([{n: one["tunnel"][n] for n in ("name", "if-id")} for one in answer],
               [key | {"if-id": if_id}], f"{mode}: the answer is the tunnel")
    tap.eq(accepts(NL, "tunnel-new", request(mode="change", **key), "without echo"), [],
           "there is no answer")
    for name in ("echo-create", "echo-replace"):
        NL.do("tunnel-del", request(name=name))


def outer_addresses():
    """What the addresses of a tunnel can be."""
    for tunnel, text, *at in (
            ({"if_id": 70}, "an outer address (local or remote) is missing"),
            ({"if_id": 70, "local": "0.0.0.0"}, "local and remote cannot both be any address"),
            ({"if_id": 70, "remote": "::"}, "local and remote cannot both be any address"),
            ({"if_id": 70, "local": "192.0.2.1", "remote": "192.0.2.1"},
             "local and remote are the same address"),
            ({"if_id": 70, "local": "2001:db8::1", "remote": "2001:db8::1"},
             "local and remote are the same address"),
            ({"if_id": 70, "local": "224.0.0.1"}, "local is a multicast or broadcast address"),
            ({"if_id": 70, "local": "255.255.255.255"},
             "local is a multicast or broadcast address"),
            ({"if_id": 70, "remote": "239.255.255.255"},
             "remote is a multicast or broadcast address"),
            ({"if_id": 70, "remote": "ff02::1"}, "remote is a multicast or broadcast address"),
            ({"if_id": 70, "local": "192.0.2.1", "remote": "2001:db8::1"},
             "local and remote are of different families", "tunnel", "remote"),
            (OUTER, "if-id is missing or 0")):
        refused(NL, "tunnel-new", request(**tunnel), errno.EINVAL, text, *at)
    refused(NL, "tunnel-set", request(id=0, local="192.0.2.2"), errno.EINVAL,
            "local and remote are the same address")
    refused(NL, "tunnel-set", request(id=63, remote="0.0.0.0"), errno.EINVAL,
            "local and remote cannot both be any address")
    accepts(NL, "tunnel-set", request(id=0, local="2001:db8::9"), "another family")
    tap.eq(get(id=0)["remote"], "::", "makes the other address any address")
    accepts(NL, "tunnel-set", request(id=0, remote="192.0.2.2"), "and back")
    tap.eq(get(id=0)["local"], "0.0.0.0", "here, too")
    accepts(NL, "tunnel-set", request(id=0, local="192.0.2.1"), "the same family")
    tap.eq(get(id=0)["remote"], "192.0.2.2", "keeps the other")


def inside_addresses():
    """Unicast, different at both ends, and nobody else's."""
    not4, not6 = "an inside IPv4 address is no unicast address", \
        "an inside IPv6 address is no global or unique local address"
    for address in ("127.0.0.1", "224.0.0.5", "255.255.255.255"):
        for end in ("inside_local4", "inside_peer4"):
            refused(NL, "tunnel-set", request(id=0, **{end: address}), errno.EINVAL, not4)
    for address in ("::1", "ff02::5", "fe80::1", "::ffff:10.0.0.1"):
        for end in ("inside_local6", "inside_peer6"):
            refused(NL, "tunnel-set", request(id=0, **{end: address}), errno.EINVAL, not6)
    ends = {"inside-local4": "10.0.0.1", "inside-peer4": "10.0.0.2",
            "inside-local6": "fd00::1", "inside-peer6": "fd00::2"}
    accepts(NL, "tunnel-set", BOW0 | {"tunnel": {"id": 0} | ends}, "both families")
    tap.eq({name: get(id=0)[name] for name in ends}, ends, "they are set")
    refused(NL, "tunnel-set", request(id=0, inside_peer4="10.0.0.1"), errno.EINVAL,
            "inside IPv4 addresses of both ends are the same")
    refused(NL, "tunnel-set", request(id=0, inside_peer6="fd00::1"), errno.EINVAL,
            "inside IPv6 addresses of both ends are the same")
    for attribute, address, text in (
            ("inside_peer4", "10.0.0.2", "another tunnel of the link has this inside IPv4 peer"),
            ("inside_peer6", "fd00::2", "another tunnel of the link has this inside IPv6 peer"),
            ("inside_peer4", "10.0.0.1", "inside IPv4 address is at the other end of another tunnel"),
            ("inside_local4", "10.0.0.2",
             "inside IPv4 address is at the other end of another tunnel"),
            ("inside_peer6", "fd00::1", "inside IPv6 address is at the other end of another tunnel"),
            ("inside_local6", "fd00::2",
             "inside IPv6 address is at the other end of another tunnel")):
        refused(NL, "tunnel-set", request(id=1, **{attribute: address}), errno.EEXIST, text)
    accepts(NL, "tunnel-set", request(id=1, inside_local4="10.0.0.1", inside_local6="fd00::1"),
            "two tunnels may share our own address")
    accepts(NL, "tunnel-set", request(id=0, inside_peer4="10.0.0.3"), "another peer")
    accepts(NL, "tunnel-set", request(id=1, inside_peer4="10.0.0.2"), "frees the one before")
    none = {"inside_local4": "0.0.0.0", "inside_peer4": "0.0.0.0",
            "inside_local6": "::", "inside_peer6": "::"}
    for number in (0, 1):
        accepts(NL, "tunnel-set", request(id=number, **none), "no inside addresses")
        tap.eq([n for n in get(id=number) if n.startswith("inside")], [], "none is left")


def selectors():
    """Up to 16 pairs of prefixes, each of one family."""
    path = ("tunnel", "selectors", "selector")
    incomplete = "selector needs local and remote prefix"
    for missing in SELECTOR:
        partial = {name: value for name, value in SELECTOR.items() if name != missing}
        refused(NL, "tunnel-set", request(id=0, selectors={"selector": [SELECTOR, partial]}),
                errno.EINVAL, incomplete, *path[:2], ("selector", 1))
    refused(NL, "tunnel-set", request(id=0, selectors={"selector": {}}), errno.EINVAL,
            incomplete, *path)
    for side in ("local", "remote"):
        long = SELECTOR | {f"{side}-len": 33}
        refused(NL, "tunnel-set", request(id=0, selectors={"selector": long}), errno.EINVAL,
                "prefix length is larger than the address", *path, f"{side}-len")
        mixed = SELECTOR | {side: "fd00::"}
        refused(NL, "tunnel-set", request(id=0, selectors={"selector": mixed}), errno.EINVAL,
                "selector mixes address families", *path)
    most = [{"local": str(ipaddress.ip_address(0x0A000000 + number)), "local-len": 32,
             "remote": "0.0.0.0", "remote-len": 0} for number in range(16)]
    accepts(NL, "tunnel-set", request(id=0, selectors={"selector": most}), "16 selectors")
    tap.eq(get(id=0)["selectors"]["selector"], most, "all 16, in order")
    refused(NL, "tunnel-set", request(id=0, selectors={"selector": most + [SELECTOR]}),
            errno.E2BIG, "too many selectors", "tunnel", "selectors")
    accepts(NL, "tunnel-set", request(id=0, weight=3), "another setting")
    tap.eq(get(id=0)["selectors"]["selector"], most, "keeps them")
    wide = {"local": "fd00:1::", "local-len": 128, "remote": "::", "remote-len": 0}
    accepts(NL, "tunnel-set", request(id=0, selectors={"selector": [wide]}), "a new list")
    tap.eq(get(id=0)["selectors"]["selector"], [wide], "replaces them all")
    accepts(NL, "tunnel-set", request(id=0, selectors={}), "an empty list")
    tap.eq(get(id=0)["selectors"], {}, "removes them")


def names():
    """Words that a command line and a metric's label can hold, and no numbers."""
    for name in ("a", "aws-vpn_1.2", "A" * 15, "Zz9"):
        accepts(NL, "tunnel-set", request(id=0, name=name), f"name {name}")
        tap.eq(get(name=name)["id"], 0, "the tunnel is found by it")
    characters = "a name has letters, digits and - _ . only"
    for name in (b"a b\0", b"a/b\0", b"a%\0", b"a\n\0", b"caf\xe9\0", "café".encode() + b"\0",
                 b'a"\0', b"a\x7f\0"):
        refused(NL, "tunnel-set", request(id=0, name=Raw(name)), errno.EINVAL, characters)
    first = "a name begins with a letter, as numbers are ids"
    for name in (b"\0", b"7\0", b"7a\0", b"-a\0", b".a\0", b"_a\0"):
        refused(NL, "tunnel-set", request(id=0, name=Raw(name)), errno.EINVAL, first)
        refused(NL, "tunnel-new", request(name=Raw(name), if_id=80, **OUTER), errno.EINVAL, first)
    refused(NL, "tunnel-set", request(id=0, name="t1"), errno.EEXIST,
            "another tunnel of the link has this name")
    accepts(NL, "tunnel-set", request(id=0, name="Zz9"), "its own name")
    accepts(NL, "tunnel-set", request(id=0, name="t5"), "what would be another's default name")
    refused(NL, "tunnel-new", request(id=5, if_id=80, **OUTER), errno.EEXIST,
            "another tunnel of the link has this name")
    NL.do("tunnel-set", request(id=0, name="t0"))


def other_settings():
    """Numbers at their bounds, what is not there yet, and one at a time."""
    mss = "mss is neither off, auto nor 48..65495"
    for value in (2, 47, 65496, 0xFFFFFFFF):
        refused(NL, "tunnel-set", request(id=0, mss=value), errno.EINVAL, mss, "tunnel", "mss")
    before = get(id=0)
    for name, values in (("weight", (256, 1)), ("tier", (7, 0)), ("mss", (48, 65495, 0, 1)),
                         ("df", ("clear", "set", "copy")), ("mark", (0xFFFFFFFF, 0)),
                         ("probe-interval", (15, 60000, 100)),
                         ("probe-multiplier", (2, 50, 3)), ("probe-port", (1, 65535, 179)),
                         ("drain-timeout", (0, 86400000, 300000)),
                         ("esp-mode", ("xfrm", "fast", "auto"))):
        for value in values:
            accepts(NL, "tunnel-set", BOW0 | {"tunnel": {"id": 0, name: value}},
                    f"{name} {value}")
            tap.eq(get(id=0), before | {name: value}, "it is set, and nothing else")
        before = get(id=0)
    for admin, reason in (("down", "admin"), ("drain", "no-sa"), ("up", "no-sa")):
        accepts(NL, "tunnel-set", request(id=0, admin=admin), f"admin {admin}")
        state = get(id=0)
        tap.eq((state["admin"], state["oper"], state["reason"], state["transitions"]),
               (admin, "down", reason, 0), "down as it was, for another reason")
    accepts(NL, "tunnel-set", request(id=0, weight=[4, 5]), "an attribute twice")
    tap.eq(get(id=0)["weight"], 5, "the last one counts, as usual in netlink")
    refused(NL, "tunnel-set", request(id=0, tier=3, mss=2), errno.EINVAL, mss, "tunnel", "mss")
    tap.eq(get(id=0)["tier"], before["tier"], "what is wrong keeps the rest from being set")


def unique_if_id():
    """An if_id stands for one tunnel in an underlay, whatever link it is of."""
    taken = "another tunnel of the underlay has this if-id"
    RTNL.add("bow1")
    bow1 = {"ifname": "bow1"}
    for device in (BOW0, bow1):
        refused(NL, "tunnel-new", request(device, if_id=1, **OUTER), errno.EEXIST, taken)
    refused(NL, "tunnel-set", request(id=0, if_id=2), errno.EEXIST, taken)
    accepts(NL, "tunnel-set", request(id=0, if_id=1), "its own")
    RTNL_OTHER.add("bow0")
    accepts(NL_OTHER, "tunnel-new", request(if_id=1, **OUTER), "the same in another namespace")
    RTNL_OTHER.delete("bow0")
    accepts(NL, "tunnel-new", request(bow1, if_id=90, **OUTER), "another link's own")
    RTNL.set("bow1", netns=OTHER)
    refused(NL, "tunnel-new", request(if_id=90, **OUTER), errno.EEXIST, taken)
    RTNL_OTHER.add("bow0")
    accepts(NL_OTHER, "tunnel-new", request(if_id=90, **OUTER),
            "in the namespace that the device has moved to, it is free")
    refused(NL_OTHER, "tunnel-new", request(bow1, if_id=1, **OUTER), errno.EEXIST, taken)
    RTNL_OTHER.delete("bow1")
    RTNL_OTHER.delete("bow0")
    accepts(NL, "tunnel-new", request(if_id=90, **OUTER), "it is free when the link is gone")
    accepts(NL, "tunnel-set", request(name="t3", if_id=91), "another one")
    accepts(NL, "tunnel-new", request(if_id=90, **OUTER), "frees the one before")
    for name in ("t3", "t4"):
        NL.do("tunnel-del", request(name=name))


def notifications():
    """Each change is told once, in order, and with what get answers."""
    with NS:
        listener = Listener(NL)
    with OTHER:
        stranger = Listener(NL_OTHER)
    generation = NL.do("link-get", BOW0)[0]["generation"]
    for op, tunnel in (("tunnel-new", {"name": "news", "if-id": 100, **OUTER}),
                       ("tunnel-set", {"name": "news", "weight": 9}),
                       ("tunnel-set", {"name": "news", "admin": "down"}),
                       ("tunnel-set", {"name": "news", "if-id": 101}),
                       ("tunnel-set", {"name": "news", "admin": "up"})):
        NL.do(op, BOW0 | {"tunnel": tunnel})
        generation += 1
        with tap.case(f"{op} {list(tunnel)[-1]} is told"):
            wanted, = NL.do("tunnel-get", request(name="news"))
            tap.same(listener.next(5), ("tunnel-ntf", wanted))
            tap.same(wanted["generation"], generation)
    attempt(NL, "tunnel-set", request(name="news", weight=0))
    news = get(name="news")
    NL.do("tunnel-del", request(name="news"))
    with tap.case("its deletion is told, and no refusal"):
        op, values = listener.next(5)
        tap.same((op, values["tunnel"], values["generation"]),
                 ("tunnel-del-ntf", {"id": news["id"], "name": "news"}, generation + 1))
    with tap.case("and nothing else, to nobody else"):
        for one in (listener, stranger):
            try:
                raise AssertionError(one.next(0))
            except TimeoutError:
                pass


def the_most():
    """64 tunnels, and no more."""
    for device in (BOW0,):
        for one in tunnels(NL, device):
            NL.do("tunnel-del", request(id=one["id"]))
    tap.eq(tunnels(), [], "all tunnels are deleted")
    for number in range(64):
        NL.do("tunnel-new", request(if_id=1000 + number, inside_peer4=f"10.9.{number}.1", **OUTER))
    tap.eq([one["name"] for one in tunnels()], [f"t{number}" for number in range(64)],
           "64 tunnels")
    refused(NL, "tunnel-new", request(if_id=2000, **OUTER), errno.ENOSPC,
            "the link has all the tunnels it can have")
    refused(NL, "tunnel-new", request(id=64, if_id=2000, **OUTER), errno.ERANGE,
            "integer out of range", "tunnel", "id")
    tap.eq(NL.do("link-get", BOW0)[0]["link"]["tunnels"], 64, "the link counts them")
    NL.do("tunnel-del", request(id=17))
    refused(NL, "tunnel-get", request(id=17), errno.ENOENT, "no tunnel with this id",
            "tunnel", "id")
    accepts(NL, "tunnel-new", request(if_id=2000, **OUTER), "one goes, another comes")
    tap.eq(get(id=17)["if-id"], 2000, "in its place")
    dump_while_tunnels_change()
    RTNL.delete("bow0")
    tap.eq(tunnels(), [], "they go with their link")


SMALL = 4096  # for a dump of many messages


def dump_while_tunnels_change():
    """NLM_F_DUMP_INTR, when something changes between the messages of a dump, and not
    when nothing does."""
    for change, wanted in ((None, False), ({"id": 40, "weight": 7}, True)):
        with NS:
            nl = Family("bowtie", SMALL)
        nl.sock.send(nl.id, NLM_F_ACK | NLM_F_DUMP,
                     genl(nl.spec.ops["tunnel-get"]["value"], b""))
        ids, interrupted, done = [], False, False
        while not done:
            for kind, flags, _, body in nl.sock.messages():
                interrupted |= bool(flags & NLM_F_DUMP_INTR)
                done |= kind == NLMSG_DONE
                if kind == nl.id:
                    ids.append(nl.decode(body)[1]["tunnel"]["id"])
            if change:
                tap.ok(len(ids) < 40, "the dump takes many messages")
                NL.do("tunnel-set", BOW0 | {"tunnel": change})
                change = None
        tap.eq((interrupted, sorted(ids)), (wanted, list(range(64))),
               "a dump says that it was interrupted" if wanted else "a dump at peace")


LINKS, EACH = 300, 2


def many_links():
    """Dumps over hundreds of links with tunnels."""
    started = time.monotonic()
    expected = []
    for number in range(LINKS):
        name = f"bow{number}"
        RTNL.add(name)
        for tunnel in range(EACH):
            NL.do("tunnel-new", request({"ifname": name}, if_id=1 + number * EACH + tunnel,
                                        **OUTER))
            expected.append((name, tunnel, 1 + number * EACH + tunnel))
    tap.diag(f"{LINKS} links of {EACH} tunnels in {time.monotonic() - started:.1f} s")

    def told(**device):
        return [(m["ifname"], m["tunnel"]["id"], m["tunnel"]["if-id"])
                for m in NL.dump("tunnel-get", device)]

    tap.eq(told(), expected, "a dump has all tunnels of all links")
    tap.eq(told(ifname="bow7"), expected[7 * EACH:8 * EACH], "or those of one link")
    index = RTNL.get("bow299")["index"]
    tap.eq(told(ifindex=index), expected[-EACH:], "by index, too")
    tap.eq(NL_OTHER.dump("tunnel-get"), [], "in another namespace there are none")
    started = time.monotonic()
    for number in range(LINKS):
        RTNL.delete(f"bow{number}")
    tap.diag(f"deleted in {time.monotonic() - started:.1f} s")


if __name__ == "__main__":
    RTNL.add("bow0")
    tap.main(creation, malformed_requests, which_tunnel, modes, echo, outer_addresses,
             inside_addresses, selectors, names, other_settings, unique_if_id, notifications,
             the_most, many_links)
