#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 100
"""Who may do what: nobody in particular, the root of a namespace of his own, and one
who was given a device whose underlay is not his."""
import ctypes
import errno
import os
import socket

import lib_tap as tap
from lib_bowtie import attempt
from lib_genl import Family, Listener, NlError, attr, genl, NLM_F_ACK, NLM_F_DUMP
from lib_rtnl import Rtnl
from lib_sa import sa_words
from lib_stranger import Stranger

HOME = tap.Netns("home")
with HOME:
    NL = Family("bowtie")
    RTNL = Rtnl()

BOW0 = {"ifname": "bow0"}
TUNNEL = {"if-id": 7, "local": "192.0.2.1", "remote": "192.0.2.2", "inside-peer4": "10.0.0.2"}
OTHER = {"if-id": 8, "local": "192.0.2.1", "remote": "192.0.2.3"}
ROUTE = {"dst": "10.1.0.0", "len": 16, "nexthop": [{"tunnel": 0}]}
KEY = {"dst": "10.1.0.0", "len": 16}
UNDERLAY = "no CAP_NET_ADMIN in the underlay's namespace"
IFLA_LINK_NETNSID = 37
FWMARK = 1
SYS_PIDFD_GETFD = 438
libc = ctypes.CDLL(None, use_errno=True)

# A request for each command that does something, or shows something
REQUESTS = {
    "link-get": BOW0, "link-set": BOW0 | {"link": {"hash": "l4"}},
    "tunnel-new": BOW0 | {"tunnel": OTHER}, "tunnel-get": BOW0 | {"tunnel": {"id": 0}},
    "tunnel-set": BOW0 | {"tunnel": {"id": 0, "weight": 9}},
    "tunnel-del": BOW0 | {"tunnel": {"id": 0}},
    "route-new": BOW0 | {"route": [ROUTE | {"dst": "10.2.0.0"}]},
    "route-get": BOW0 | {"route": KEY}, "route-del": BOW0 | {"route": [KEY]},
    "route-flush": BOW0, "sa-get": BOW0 | {"sa": {"spi": 0x1001}},
}


# ------------------------------------------------------------ what strangers do

def connect():
    """open sockets where the process is now"""
    globals()["NL"], globals()["RTNL"] = Family("bowtie"), Rtnl()


def ask(op, values, flags=0):
    """a request: (errno, text, offset), or the replies"""
    return attempt(NL, op, values, flags)


def dump(op, values):
    """the errno of a dump's refusal, or what it shows"""
    payload = NL.spec.encode(NL.spec.name, values)
    try:
        return [NL.decode(body)[1] for _, body in NL.sock.request(
            NL.id, NLM_F_ACK | NLM_F_DUMP, genl(NL.spec.ops[op]["value"], payload))]
    except NlError as error:
        return error.errno


def rtnl(method, *args, **settings):
    """a request to rtnetlink: (errno, text), or None"""
    try:
        getattr(RTNL, method)(*args, **settings)
    except NlError as error:
        return error.errno, error.text
    return None


def set_kind(name, *data):
    """change attributes of the link kind by rtnetlink"""
    return rtnl("set", name, attr(*data))


def add_with_underlay(name, netnsid):
    """a link whose underlay is the namespace with this id"""
    body = attr(3, name.encode() + b"\0") + attr(IFLA_LINK_NETNSID, netnsid) + \
        attr(18, attr(1, b"bowtie\0"), True)
    try:
        RTNL.sock.request(16, NLM_F_ACK | 0x600, bytes(16) + body)
    except NlError as error:
        return error.errno
    return 0


def listen():
    """subscribe to the notifications; errno or 0"""
    try:
        globals()["LISTENER"] = Listener(NL)
    except OSError as error:
        return error.errno
    return 0


def heard():
    """the operations that were told"""
    out = []
    while True:
        try:
            out.append(LISTENER.next(0.2)[0])  # pylint: disable=undefined-variable
        except TimeoutError:
            return out


def xfrm(*words):
    """ip xfrm state add, by the process itself"""
    return tap.run("ip", "xfrm", "state", "add", *words)


FUNCTIONS = (connect, ask, dump, rtnl, set_kind, add_with_underlay, listen, heard, xfrm)


# ------------------------------------------------------------ what is expected of it

def state():
    """all that could have been changed"""
    tunnels = NL.dump("tunnel-get", {})
    for one in tunnels:
        one["tunnel"].pop("stats")
    return NL.do("link-get", BOW0)[0]["link"] | {"stats": 0}, tunnels, NL.dump("route-get", {})


def make_bow0():
    """a link with one of everything"""
    RTNL.add("bow0")
    NL.do("tunnel-new", BOW0 | {"tunnel": {"id": 0} | TUNNEL})
    NL.do("route-new", BOW0 | {"route": [ROUTE]})
    HOME.ip("xfrm", "state", "add", *sa_words(0x1001, "192.0.2.2", "192.0.2.1", 7).split())


def nobody():
    """One without rights sees tunnels and routes, no SAs, and changes nothing."""
    make_bow0()
    stranger = Stranger(*FUNCTIONS, netns=HOME)
    stranger.connect()
    before = state()
    for op, spec in NL.spec.ops.items():
        if "do" not in spec:
            continue
        answer = stranger.ask(op, REQUESTS[op])
        if "uns-admin-perm" in spec.get("flags", ()):
            tap.eq(answer, (errno.EPERM, None, None), f"nobody: {op} is refused")
        else:
            tap.eq(answer, NL.do(op, REQUESTS[op]), f"nobody: {op} is answered")
        if "dump" in spec:
            answer = stranger.dump(op, {})
            wanted = errno.EPERM if op == "sa-get" else NL.dump(op, {})
            tap.eq(answer, wanted, f"nobody: {op}, all")
    tap.eq(len(NL.dump("sa-get", {})), 1, "there was an SA to be seen")
    tap.eq(stranger.listen(), errno.EPERM,
           "nobody: notifications, which tell of SAs, are not for him")
    tap.eq(stranger.rtnl("add", "bow1")[0], errno.EPERM, "nobody: makes no link")
    tap.eq(stranger.rtnl("delete", "bow0")[0], errno.EPERM, "nobody: deletes no link")
    tap.eq(stranger.set_kind("bow0", FWMARK, b"\1\0\0\0")[0], errno.EPERM,
           "nobody: changes no link")
    tap.eq(state(), before, "nobody: nothing has changed")


def lent_socket():
    """Who opened a socket counts as well as who writes to it."""
    lender = Stranger(connect, lend, netns=HOME)
    lender.connect()
    pidfd = os.pidfd_open(lender.pid)
    before = state()
    file = libc.syscall(SYS_PIDFD_GETFD, pidfd, lender.lend(), 0)
    with socket.socket(fileno=file) as sock:
        mine, NL.sock.sock = NL.sock.sock, sock
        try:
            answers = {op: ask(op, REQUESTS[op]) for op in ("link-set", "tunnel-new", "sa-get")}
        finally:
            NL.sock.sock = mine
    for op, answer in answers.items():
        tap.eq(answer, (errno.EPERM, None, None), f"root, by nobody's socket: {op} is refused")
    tap.eq(state(), before, "root, by nobody's socket: nothing has changed")


def lend():
    """the descriptor of the socket"""
    return NL.sock.sock.fileno()


def owner():
    """In namespaces of his own, anybody may do everything."""
    own = Stranger(*FUNCTIONS, userns=True)
    own.connect()
    tap.eq(own.rtnl("add", "bow0"), None, "owner: makes a link")
    tap.eq(own.listen(), 0, "owner: hears of changes")
    tap.eq(own.ask("tunnel-new", BOW0 | {"tunnel": {"id": 0} | TUNNEL}), [], "owner: a tunnel")
    tap.eq(own.ask("route-new", BOW0 | {"route": [ROUTE]}), [], "owner: a route")
    own.xfrm(*sa_words(0x1001, "192.0.2.2", "192.0.2.1", 7).split())
    with tap.case("owner: sees his SA"):
        tap.same([one["sa"]["spi"] for one in own.dump("sa-get", {})], [0x1001])
    for op in ("link-set", "tunnel-set", "route-new", "route-del", "route-flush", "tunnel-new",
               "tunnel-del"):
        values = REQUESTS[op]
        tap.eq(own.ask(op, values), [], f"owner: {op}")
    tap.eq(own.ask("link-set", BOW0 | {"link": {"fwmark": 5}}), [], "owner: fwmark")
    with tap.case("owner: has heard of all"):
        ops = own.heard()
        tap.true({"link-ntf", "tunnel-ntf", "tunnel-del-ntf", "route-ntf", "route-del-ntf",
                  "sa-ntf", "sa-del-ntf"} <= set(ops), ops)
    tap.eq(own.rtnl("delete", "bow0"), None, "owner: deletes his link")
    with tap.case("the others' links are not his to see"):
        tap.same(own.dump("link-get", {}), [])


class _File:
    """in place of a Netns, for Rtnl.set()"""

    def __init__(self, pid):
        self.file = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def given_device():
    """bow0 is given away, its underlay is not."""
    own = Stranger(*FUNCTIONS, userns=True)
    own.connect()
    place = _File(own.pid)
    RTNL.set("bow0", netns=place)
    with tap.case("given: the new owner sees it"):
        link = own.ask("link-get", BOW0)[0]["link"]
        tap.true(link["underlay-netnsid"] >= 0, link)
    netnsid = link["underlay-netnsid"]

    for name, value in (("local", "192.0.2.9"), ("remote", "192.0.2.9"), ("if-id", 9)):
        tap.eq(own.ask("tunnel-set", BOW0 | {"tunnel": {"id": 0, name: value}}),
               (errno.EPERM, UNDERLAY, None), f"given: {name} is not his")
        tap.eq(own.ask("tunnel-new", BOW0 | {"mode": "replace", "tunnel": {"id": 0, name: value}}),
               (errno.EPERM, UNDERLAY, None), f"given: {name} by replacing is not")
    tap.eq(own.ask("tunnel-new", BOW0 | {"tunnel": OTHER}), (errno.EPERM, UNDERLAY, None),
           "given: nor are new tunnels")
    fwmark = "fwmark: " + UNDERLAY
    tap.eq(own.ask("link-set", BOW0 | {"link": {"hash": "l3", "fwmark": 1}}),
           (errno.EPERM, fwmark, None), "given: nor is the mark of outer packets")
    tap.eq(own.set_kind("bow0", FWMARK, b"\1\0\0\0"), (errno.EPERM, fwmark),
           "given: not by rtnetlink either")
    with tap.case("given: a refusal changes nothing"):
        tap.same({n: own.ask("link-get", BOW0)[0]["link"][n] for n in ("hash", "fwmark")},
                 {"hash": "skb", "fwmark": 0})
        tunnel = own.ask("tunnel-get", BOW0 | {"tunnel": {"id": 0}})[0]["tunnel"]
        tap.same({n: tunnel[n] for n in TUNNEL}, TUNNEL)
    tap.eq(own.add_with_underlay("bow9", netnsid.to_bytes(4, "little")), errno.EPERM,
           "given: he makes no other link over this underlay")

    for values in ({"fwmark": 0}, {"hash": "l3"}, {"hairpin": 1}, {"mtu-auto": 0}):
        tap.eq(own.ask("link-set", BOW0 | {"link": values}), [], f"given: {values} is his")
    for values in ({"weight": 5}, {"admin": "drain"}, {"mark": 7}, {"mss": 1300},
                   {"inside-local4": "10.0.0.9"}, {"name": "mine"}):
        tap.eq(own.ask("tunnel-set", BOW0 | {"tunnel": {"id": 0} | values}), [],
               f"given: {values} is his")
    tap.eq(own.ask("route-new", BOW0 | {"route": [ROUTE | {"dst": "10.9.0.0"}]}), [],
           "given: routes are his")
    with tap.case("given: the SAs of his tunnels he may see"):
        tap.same([one["sa"]["spi"] for one in own.dump("sa-get", {})], [0x1001])
    return own, place


def both_rights():
    """Who has rights in both namespaces may do what takes them."""
    own, place = given_device()
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    tap._enter(place.file)  # pylint: disable=protected-access
    nl = Family("bowtie")
    tap._enter(home)  # pylint: disable=protected-access
    tap.eq(attempt(nl, "tunnel-set", BOW0 | {"tunnel": {"id": 0, "remote": "192.0.2.9"}}), [],
           "root, in the owner's namespace: outer address")
    tap.eq(attempt(nl, "link-set", BOW0 | {"link": {"fwmark": 3}}), [],
           "root, in the owner's namespace: fwmark")
    tap.eq(own.ask("link-set", BOW0 | {"link": {"fwmark": 3, "hash": "l4"}}), [],
           "the owner may repeat what is set")
    tap.eq(own.ask("tunnel-del", BOW0 | {"tunnel": {"id": 0}}), [], "the owner deletes a tunnel")
    tap.eq(own.ask("tunnel-new", BOW0 | {"tunnel": TUNNEL}), (errno.EPERM, UNDERLAY, None),
           "which he cannot make again")
    tap.eq(own.rtnl("delete", "bow0"), None, "the owner deletes the device")
    with HOME:
        tap.eq(attempt(Family("bowtie"), "link-get", BOW0)[0], errno.ENODEV, "it is gone")


tap.main(nobody, lent_socket, owner, both_rights)
