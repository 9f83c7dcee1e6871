#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 150
"""Links by netlink: which device a request is about, settings, dumps, notifications,
and creation by rtnetlink, also where it fails half way."""
import contextlib
import errno
import struct

import lib_tap as tap
from lib_bowtie import accepts, attempt, refused, refuses_malformed
from lib_genl import (Family, Listener, NlError, NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR,
                      NLMSG_DONE, genl)
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
DEFAULTS = {"fwmark": 0, "hash": "skb", "hairpin": 0, "strict-source": 0, "mtu-auto": 1,
            "idle-timer": 120000, "unbalanced-timer": 0, "mtu": 1400, "buckets": 256,
            "tunnels": 0, "tunnels-up": 0, "routes": 0, "groups": 0}


def link(nl=NL, **device):
    """the answer to link-get without the counters"""
    answer, = nl.do("link-get", device or BOW0)
    answer["link"].pop("stats")
    return answer


def settings(nl=NL):
    """what can be set of bow0"""
    return {name: link(nl)["link"][name] for name in
            ("fwmark", "hash", "hairpin", "strict-source", "mtu-auto", "idle-timer",
             "unbalanced-timer")}


def new_link():
    """What a link is before anybody has touched it."""
    RTNL.add("bow0")
    index = RTNL.get("bow0")["index"]
    tap.eq(link(), {"ifindex": index, "ifname": "bow0", "generation": 1, "link": DEFAULTS},
           "a new link has the defaults")
    tap.eq(link(ifindex=index), link(), "by index as by name")
    tap.eq(link(ifindex=index, ifname="lo")["ifname"], "bow0", "the index rules over the name")
    tap.eq({v for v in NL.do("link-get", BOW0)[0]["link"]["stats"].values()}, {0},
           "all counters are 0")
    dormant = 5  # RFC 2863
    RTNL.set("bow0", up=True)
    with tap.case("up, it is dormant: no tunnel takes flows"):
        tap.wait_for(lambda: RTNL.get("bow0")["operstate"] == dormant, "dormant")


def which_device():
    """Every command finds its device, or says why not."""
    for op in NL.spec.ops.values():
        if "do" not in op:
            continue
        name = op["name"]
        refused(NL, name, {}, errno.EINVAL, "ifindex or ifname is missing")
        refused(NL, name, {"ifname": "bow9"}, errno.ENODEV, "no such device", "ifname")
        refused(NL, name, {"ifindex": 0x7FFFFFFF}, errno.ENODEV, "no such device", "ifindex")
        refused(NL, name, {"ifname": "lo"}, errno.EOPNOTSUPP, "not a bowtie device", "ifname")
        refused(NL, name, {"ifindex": 1}, errno.EOPNOTSUPP, "not a bowtie device", "ifindex")
        refused(NL_OTHER, name, BOW0, errno.ENODEV, "no such device", "ifname")
    refuses_malformed(NL, "link-get", BOW0, link)
    refuses_malformed(NL, "link-set", BOW0 | {"link": {"fwmark": 1}}, link)


def raw(cmd, payload, flags=0, **header):
    """(errno, text, offset) of a message of the test's own making"""
    try:
        return NL.sock.request(NL.id, NLM_F_ACK | flags, genl(cmd, payload, **header))
    except NlError as error:
        return error.errno, error.text, error.offset


def broken_messages():
    """What is wrong with the message itself."""
    get = NL.spec.ops["link-get"]["value"]
    good = NL.spec.encode("bowtie", BOW0)
    tap.eq(len(raw(get, good)), 1, "the message that is broken in what follows is good")
    tap.eq(raw(get, good, reserved=1),
           (errno.EINVAL, "genlmsghdr.reserved field is not 0", None), "reserved header bytes")
    for flag in (0x100, 0x200, 0x400, 0x800):
        if flag != 0x100:  # a dump has two bits, and one alone is ambiguous, too
            tap.eq(raw(get, good, flag)[:2],
                   (errno.EINVAL, "ambiguous or reserved bits set in nlmsg_flags"),
                   f"header flag {flag:#x}")
    for cut in range(1, 4):
        tap.eq(raw(get, good + bytes(cut)),
               (errno.EINVAL, "bytes leftover after parsing attributes", None),
               f"{cut} bytes behind the last attribute")
    tap.eq(raw(get, good + struct.pack("=HH", 8, 1)),
           (errno.EINVAL, "bytes leftover after parsing attributes", None),
           "the last attribute is cut off")
    tap.eq(raw(get, good + struct.pack("=HHI", 3, 1, 0)),
           (errno.EINVAL, "bytes leftover after parsing attributes", None),
           "an attribute shorter than its own header")
    known = [op["value"] for op in NL.spec.ops.values() if "do" in op or "dump" in op]
    for cmd in (0, *(n for n in range(1, max(known) + 3) if n not in known), 255):
        tap.eq(raw(cmd, good)[0], errno.EOPNOTSUPP, f"there is no command {cmd}")
    for name in ("link-set", "route-new", "route-flush", "tunnel-new"):
        tap.eq(raw(NL.spec.ops[name]["value"], good, NLM_F_DUMP)[0], errno.EOPNOTSUPP,
               f"{name} cannot be dumped")


def settings_of_a_link():
    """link-set: each attribute at its bounds, several at once, one wrong among them."""
    refused(NL, "link-set", BOW0, errno.EINVAL, "link: settings are missing")
    for name, values in (("fwmark", (1, 0xFFFFFFFF, 0x80000000, 0)),
                         ("hash", ("l3", "l4", "symmetric", "skb")),
                         ("hairpin", (1, 0)), ("strict-source", (1, 0)), ("mtu-auto", (0, 1)),
                         ("idle-timer", (86400000, 0)), ("unbalanced-timer", (86400000, 0))):
        for value in values:
            before = settings()
            accepts(NL, "link-set", BOW0 | {"link": {name: value}}, f"{name} {value}")
            tap.eq(settings(), before | {name: value}, f"{name} is {value}, and nothing else")
    every = {"fwmark": 7, "hash": "l4", "hairpin": 1, "strict-source": 1, "mtu-auto": 0,
             "idle-timer": 1, "unbalanced-timer": 2}
    accepts(NL, "link-set", BOW0 | {"link": every}, "all at once")
    tap.eq(settings(), every, "all are set")
    wrong = BOW0 | {"link": {"fwmark": 8, "hairpin": 0, "hash": 4}}
    refused(NL, "link-set", wrong, errno.ERANGE, "integer out of range", "link", "hash")
    tap.eq(settings(), every, "one that is wrong keeps the others from being set")
    accepts(NL, "link-set", BOW0 | {"link": {}}, "no setting")
    accepts(NL, "link-set", BOW0 | {"link": {"fwmark": [1, 2]}}, "an attribute twice")
    tap.eq(settings(), every | {"fwmark": 2}, "the last one counts, as usual in netlink")
    before = {name: DEFAULTS[name] for name in every}
    accepts(NL, "link-set", BOW0 | {"link": before}, "back to the defaults")


def mtu_by_hand():
    """Whoever sets the MTU rules from then on, and listeners hear of it."""
    with NS:
        listener = Listener(NL)
    RTNL.set("bow0", mtu=1300)
    tap.eq((link()["link"]["mtu"], link()["link"]["mtu-auto"]), (1300, 0),
           "an MTU that is set ends mtu-auto")
    with tap.case("which is a change of settings to be heard of"):
        op, values = listener.next(5)
        tap.same((op, values["link"]["mtu-auto"], values["link"]["mtu"]), ("link-ntf", 0, 1300))
    for mtu in (67, 65501):
        with tap.case(f"MTU {mtu} is out of range"):
            with refusal(errno.EINVAL):
                RTNL.set("bow0", mtu=mtu)
    NL.do("link-set", BOW0 | {"link": {"mtu-auto": 1}})
    RTNL.set("bow0", mtu=1400)
    NL.do("link-set", BOW0 | {"link": {"mtu-auto": 1}})


@contextlib.contextmanager
def refusal(code):
    """within a case: the block is refused with this errno"""
    try:
        yield
    except NlError as error:
        tap.same(error.errno, code, error)
    else:
        raise AssertionError("it was not refused")


def notifications():
    """Each change is told once, with the next generation, to whom it concerns."""
    with NS:
        listener = Listener(NL)
    with OTHER:
        stranger = Listener(NL_OTHER)
    generation = link()["generation"]
    for name, value in (("fwmark", 9), ("hash", "l3"), ("hairpin", 1), ("fwmark", 0),
                        ("hash", "skb"), ("hairpin", 0)):
        NL.do("link-set", BOW0 | {"link": {name: value}})
        generation += 1
        with tap.case(f"{name} {value} is told"):
            op, values = listener.next(5)
            wanted, = NL.do("link-get", BOW0)
            tap.same((op, values), ("link-ntf", wanted))
            tap.same(values["generation"], generation)
    attempt(NL, "link-set", BOW0 | {"link": {"hash": 9}})
    NL.do("link-set", BOW0 | {"link": {"hash": "skb"}})
    with tap.case("a refusal is no event, and setting what is set already is one"):
        tap.same(listener.next(5)[1]["generation"], generation + 1)
    with tap.case("a listener of another namespace hears nothing"):
        tap.same(silent(stranger), True)


def silent(listener):
    """nothing has come, and nothing is on its way: changes are told before the
    request that makes them is answered"""
    try:
        listener.next(0)
    except TimeoutError:
        return True
    return False


def rename_and_move():
    """A device keeps its settings under another name and in another namespace."""
    NL.do("link-set", BOW0 | {"link": {"fwmark": 5}})
    index = RTNL.get("bow0")["index"]
    RTNL.set("bow0", up=False)
    RTNL.rename(index, "bow1")
    tap.eq(link(ifname="bow1")["link"]["fwmark"], 5, "renamed, it is the same link")
    refused(NL, "link-get", BOW0, errno.ENODEV, "no such device", "ifname")
    with NS:
        at_home = Listener(NL)
    with OTHER:
        abroad = Listener(NL_OTHER)
    RTNL.set("bow1", netns=OTHER)
    refused(NL, "link-get", {"ifname": "bow1"}, errno.ENODEV, "no such device", "ifname")
    tap.eq(NL.dump("link-get"), [], "moved, the old namespace does not dump it")
    moved = link(NL_OTHER, ifname="bow1")["link"]
    tap.eq(moved["fwmark"], 5, "and the new one has it with its settings")
    # rtnetlink has told of the move, and gave the underlay an id in doing so
    tap.ok(moved.get("underlay-netnsid", -1) >= 0, "it says where its underlay is", moved)
    NL_OTHER.do("link-set", {"ifname": "bow1", "link": {"fwmark": 6}})
    with tap.case("its events are the new namespace's"):
        tap.same(abroad.next(5)[1]["link"]["fwmark"], 6)
        tap.same(silent(at_home), True)
    RTNL_OTHER.set("bow1", netns=NS)
    tap.eq("underlay-netnsid" in link(ifname="bow1")["link"], False, "back at home")
    RTNL.delete("bow1")
    refused(NL, "link-get", {"ifname": "bow1"}, errno.ENODEV, "no such device", "ifname")


def kind_data(**values):
    """settings as the attributes of the link kind"""
    return NL.spec.encode("link", values)


def creation():
    """ip link add with our attributes, good and bad."""
    full = {"fwmark": 0x10, "hash": "symmetric", "hairpin": 1, "strict-source": 1, "mtu-auto": 0,
            "idle-timer": 30000, "unbalanced-timer": 60000}
    RTNL.add("bow0", kind_data(**full))
    tap.eq(settings(), full, "a link is created with all settings")
    tap.eq(NL.spec.decode("link", RTNL.get("bow0")["data"]), full, "rtnetlink shows them")
    RTNL.set("bow0", kind_data(hash="l3", fwmark=0x11))
    tap.eq(settings(), full | {"hash": "l3", "fwmark": 0x11}, "and changes them")
    for name, value in (("hash", 4), ("hairpin", 2), ("strict-source", 2), ("mtu-auto", 2),
                        ("idle-timer", 86400001), ("unbalanced-timer", 86400001)):
        with tap.case(f"{name} {value} is refused, at creation and later"):
            with refusal(errno.ERANGE):
                RTNL.add("bow1", kind_data(**{name: value}))
            with refusal(errno.ERANGE):
                RTNL.set("bow0", kind_data(**{name: value, "fwmark": 1}))
            tap.same(settings()["fwmark"], 0x11, "nothing of the request is done")
    RTNL.add("bow1", mtu=1280)
    tap.eq((link(ifname="bow1")["link"]["mtu"], link(ifname="bow1")["link"]["mtu-auto"]),
           (1280, 0), "an MTU that is given at creation is kept")
    RTNL.delete("bow1")
    with tap.case("a name that exists is refused"):
        with refusal(errno.EEXIST):
            RTNL.add("bow0")


def creation_that_fails():
    """In another namespace the name or the index may be taken, which is noticed only
    when the device is half made. Its settings must not have started anything that
    outlives it: for KASAN, and for an ordinary kernel's luck."""
    taken = RTNL_OTHER.get("lo")["index"]
    RTNL_OTHER.add("bow7")
    index = RTNL_OTHER.get("bow7")["index"]
    starts_work = kind_data(fwmark=3, **{"mtu-auto": 1})
    tap.ok(index != taken, "the lab is as it should be")
    for _ in range(20):
        with_name = with_index = None
        try:
            RTNL.add("bow7", starts_work, netns=OTHER)
        except NlError as error:
            with_name = error.errno
        try:
            RTNL.add("bow8", starts_work, index=index, netns=OTHER)
        except NlError as error:
            with_index = error.errno
        if (with_name, with_index) != (errno.EEXIST, errno.EBUSY):
            break
    tap.eq((with_name, with_index), (errno.EEXIST, errno.EBUSY),
           "creation fails in the other namespace")
    RTNL_OTHER.delete("bow7")
    RTNL.delete("bow0")
    tap.eq(NL.dump("link-get") + NL_OTHER.dump("link-get"), [], "nothing is left of them")


MANY = 300


def many_links():
    """Hundreds of links, and dumps over them."""
    started = tap.time.monotonic()
    names = [f"bow{number}" for number in range(MANY)]
    for name in names:
        RTNL.add(name)
    tap.diag(f"{MANY} links created in {tap.time.monotonic() - started:.1f} s")
    tap.eq([one["ifname"] for one in NL.dump("link-get")], names, "a dump has all of them")
    for name in (names[0], names[-1], names[MANY // 2]):
        tap.eq([one["ifname"] for one in NL.dump("link-get", {"ifname": name})], [name],
               f"filtered by name: {name}")
    index = RTNL.get(names[1])["index"]
    tap.eq([one["ifname"] for one in NL.dump("link-get", {"ifindex": index})], [names[1]],
           "filtered by index")
    for device, code in (({"ifname": "bow999"}, errno.ENODEV), ({"ifname": "lo"}, errno.ENODEV)):
        for op in ("link-get", "tunnel-get", "route-get", "sa-get"):
            with tap.case(f"{op}: dump of {device['ifname']} is refused"):
                try:
                    NL.dump(op, device)
                    raise AssertionError("it was not")
                except NlError as error:
                    tap.same((error.errno, error.text), (code, "no such bowtie device"))
    for op in ("tunnel-get", "route-get", "sa-get"):
        tap.eq(NL.dump(op), [], f"{op}: there is nothing to dump")
    dump_while_links_go(names)
    started = tap.time.monotonic()
    for name in names:
        with contextlib.suppress(NlError):
            RTNL.delete(name)
    tap.diag(f"deleted in {tap.time.monotonic() - started:.1f} s")
    tap.eq(NL.dump("link-get"), [], "all are gone")


def dump_while_links_go(names):
    """A dump that a deletion falls into either has every link that was there all the
    time, or says that it was interrupted."""
    with NS:
        nl = Family("bowtie")
    nl.sock.send(nl.id, NLM_F_ACK | NLM_F_DUMP, genl(nl.spec.ops["link-get"]["value"], b""))
    seen, interrupted, done = [], False, False
    first = True
    while not done:
        for kind, flags, _, body in nl.sock.messages():
            interrupted |= bool(flags & NLM_F_DUMP_INTR)
            done |= kind == NLMSG_DONE
            if kind == nl.id:
                seen.append(nl.decode(body)[1]["ifname"])
        if first:
            # Those told already: whatever counts links is off by as many now
            first = False
            told = len(seen)
            for name in names[:told]:
                RTNL.delete(name)
    tap.ok(0 < told < MANY, "the dump takes many messages", told)
    missing = set(names[told:]) - set(seen)
    tap.ok(interrupted or not missing, "a link that goes meanwhile hides no other",
           f"missing without NLM_F_DUMP_INTR: {len(missing)}")


if __name__ == "__main__":
    tap.main(new_link, which_device, broken_messages, settings_of_a_link, mtu_by_hand,
             notifications, rename_and_move, creation, creation_that_fails, many_links)
